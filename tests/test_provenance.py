"""What is recorded about a run's origin, and which changes of code count."""

import json

import nbformat
import pytest

from fada_lib import files
from fada_lib.study import provenance, stages


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


def test_outside_a_git_checkout_the_commit_is_unknown(checkout):
    assert provenance.identify("03_x")["git_commit"] is None


def test_a_run_begun_by_other_code_starts_without_its_resume_point_and_its_figures(tmp_path, monkeypatch):
    def begin(code):
        monkeypatch.setattr(stages, "identify", lambda name: {"code_hash": code})
        stages.Stage("data", {"run": str(tmp_path / "run")})
        return sorted(path.name for path in (tmp_path / "run").iterdir())

    fresh = begin("one")
    (tmp_path / "run" / "figures").mkdir()
    (tmp_path / "run" / "figures" / "01_domains.png").touch()
    (tmp_path / "run" / "resume.pt").touch()
    assert begin("one") == sorted([*fresh, "figures", "resume.pt"])
    assert begin("another") == fresh
