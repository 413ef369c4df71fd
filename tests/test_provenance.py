"""What is recorded about a run's origin, and which changes of code count."""

import json
import os
import subprocess

import nbformat
import pytest

from fada_lib import files
from fada_lib.study import provenance, stages
from fada_lib.study.results import Study
from fada_lib.study.scopes import scopes


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one module and one notebook, in place of this one."""
    (tmp_path / "fada_lib" / "study").mkdir(parents=True)
    (tmp_path / "fada_lib" / "losses.py").write_text("x = 1\n")
    (tmp_path / "fada_lib" / "study" / "cli.py").write_text("y = 1\n")
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path / "notebooks" / "03_adapt.ipynb", "train()", "A lesson.")
    monkeypatch.setattr(files, "PROJECT_ROOT", tmp_path)
    return tmp_path


def write_notebook(path, code, text):
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_a_changed_library_or_code_cell_changes_the_hash(checkout):
    notebook = checkout / "notebooks" / "03_adapt.ipynb"
    hashes = [provenance.code_hash(notebook)]
    (checkout / "fada_lib" / "losses.py").write_text("x = 2\n")
    hashes.append(provenance.code_hash(notebook))
    write_notebook(notebook, "train(2)", "A lesson.")
    hashes.append(provenance.code_hash(notebook))
    assert len(set(hashes)) == 3


def test_a_changed_text_cell_or_report_does_not(checkout):
    notebook = checkout / "notebooks" / "03_adapt.ipynb"
    before = provenance.code_hash(notebook)
    write_notebook(notebook, "train()", "A better lesson.")
    (checkout / "fada_lib" / "study" / "cli.py").write_text("y = 2\n")
    assert provenance.code_hash(notebook) == before


def test_what_makes_the_numbers_of_notebook_05_changes_its_hash_and_no_other(checkout):
    notebooks = [checkout / "notebooks" / name for name in ("03_adapt.ipynb", "05_ccd.ipynb")]
    write_notebook(notebooks[1], "relate()", "A lesson.")
    for module in provenance.COUNTED["05"]:
        before = [provenance.code_hash(notebook) for notebook in notebooks]
        (checkout / "fada_lib" / "study" / module).write_text("z = 1\n")
        after = [provenance.code_hash(notebook) for notebook in notebooks]
        assert [one != other for one, other in zip(before, after, strict=True)] == [False, True]


def test_the_modules_that_make_numbers_are_those_whose_functions_stand_behind_them():
    makers = {function.__module__.removeprefix("fada_lib.study.") + ".py" for function in (scopes, Study.iou_by_seed)}
    assert makers == set(provenance.COUNTED["05"])


def test_the_record_holds_time_machine_code_and_versions(checkout):
    run = checkout / "03_fada_soft-s0-12345678"
    run.mkdir()
    made_by = provenance.identify(run.name)
    provenance.write_provenance(
        run, made_by=made_by, started=0, seconds_by_part={"adaptation": 2.0}, iterations_per_second=5.0
    )
    record = json.loads((run / "provenance.json").read_text())
    assert record["started"] == "1970-01-01T00:00:00+00:00"
    assert record["seconds"] > 0 and record["seconds_by_part"] == {"adaptation": 2.0}
    assert record["iterations_per_second"] == 5.0
    assert record["peak_memory_mb"] > 1
    assert record["code_hash"] == provenance.code_hash(checkout / "notebooks" / "03_adapt.ipynb")
    assert {"python", "torch", "numpy"} <= set(record["versions"])
    assert {"cpu", "cores", "memory_gb", "gpu"} <= set(record["hardware"])


def test_a_git_that_hangs_leaves_the_commit_unknown(checkout, monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert provenance.identify("03_x")["git_commit"] is None


def test_outside_a_git_checkout_the_commit_is_unknown(checkout):
    assert provenance.identify("03_x")["git_commit"] is None


# What a run continues


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Begins an adaptation whose predecessors are finished: `begin(code, torch)` gives the names of its files."""
    runs = {"run": str(tmp_path / "03"), "data": str(tmp_path / "01"), "source_run": str(tmp_path / "02")}
    for name in ("01", "02"):
        finish(tmp_path / name, moment=100)

    def begin(code="one", torch="2.0"):
        made_by = {"code_hash": code, "versions": {"torch": torch}}
        monkeypatch.setattr(stages, "identify", lambda name: made_by)
        stages.Stage("adapt", runs)
        return sorted(path.name for path in (tmp_path / "03").iterdir())

    begin.fresh = begin()
    (tmp_path / "03" / "figures").mkdir()
    (tmp_path / "03" / "figures" / "02_curves.png").touch()
    write_at(tmp_path / "03" / "resume.pt", moment=200)
    return begin


def write_at(path, moment):
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (moment, moment))


def finish(folder, moment):
    write_at(folder / "metrics.json", moment)


def test_an_interrupted_run_keeps_its_resume_point_and_its_figures(begin):
    assert begin() == sorted([*begin.fresh, "figures", "resume.pt"])


@pytest.mark.parametrize("other", [{"code": "two"}, {"torch": "2.1"}])
def test_a_run_begun_by_other_code_or_versions_starts_without_its_resume_point_and_its_figures(begin, other):
    assert begin(**other) == begin.fresh


@pytest.mark.parametrize("predecessor", ["01", "02"])
def test_a_run_whose_predecessor_was_made_again_starts_without_its_resume_point(begin, tmp_path, predecessor):
    finish(tmp_path / predecessor, moment=300)
    assert "resume.pt" not in begin()


@pytest.mark.parametrize("predecessor", ["01", "02"])
def test_a_run_whose_predecessor_is_still_to_be_made_starts_without_its_resume_point(begin, tmp_path, predecessor):
    (tmp_path / predecessor / "metrics.json").unlink()
    assert "resume.pt" not in begin()


def test_a_run_killed_between_its_result_and_its_end_keeps_the_result_and_when_made_again_trains(begin, tmp_path):
    finish(tmp_path / "03", moment=200)
    assert begin() == sorted([*begin.fresh, "figures"])


def test_a_result_is_written_before_its_resume_point_goes(begin, tmp_path, monkeypatch):
    def killed(path, content):
        raise KeyboardInterrupt

    begin()
    stage = stages.Stage("adapt", files.read_yaml(tmp_path / "03" / "params.yaml"))
    monkeypatch.setattr(stages, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.finish({})
    assert (tmp_path / "03" / "resume.pt").exists()
