"""What one study has finished, another takes over: only if it would come out the same, and without harm to either."""

import os
import shutil

import pytest
import yaml

from fada_lib import files
from fada_lib.study import cli, provenance, runner, status
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan
from fada_lib.study.reuse import reusable, take_over
from fada_lib.study.stages import source_metrics

STUDY = {"data": {}, "pretrain": {"iterations": 100}, "methods": {"binary": {"method": "binary"}}}


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("01_data", "02_pretrain", "03_adapt"):
        (folder / f"{name}.ipynb").write_text('{"cells": []}')
    monkeypatch.setattr(runner, "NOTEBOOKS", folder)
    return folder


def study(tmp_path, name: str, **changes: object) -> Plan:
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"study": name, **STUDY, **changes}))
    return expand(path, tmp_path / "out")


def finish(plan: Plan, notebooks, **changes: object) -> None:
    """Give every run of `plan` a result, made by the code and versions here unless `changes` say otherwise."""
    plan.write(notebooks)
    for run in plan.runs:
        folder = plan.folder / "runs" / run.id
        files.write_text(folder / "checkpoint.pt", "weights")
        files.write_text(folder / "notebook.ipynb", "executed")
        path = notebooks / f"{run.id[:2]}_{run.stage}.ipynb"
        record = {"code_hash": provenance.code_hash(path), "versions": provenance.versions(), "seconds": 9.0}
        files.write_json(folder / "provenance.json", {**record, **changes})
        files.write_json(folder / "metrics.json", {"of": run.id})


def labels(plan: Plan, notebooks) -> list[str]:
    return [name.rsplit("-", 1)[0] for name in reusable(plan, status.due_runs(plan), notebooks)]


def test_runs_of_the_same_parameters_are_found_and_no_others(tmp_path, notebooks):
    finish(study(tmp_path, "first"), notebooks)
    more = {"binary": {"method": "binary"}, "fada_soft": {"method": "fada"}}
    assert labels(study(tmp_path, "second", methods=more), notebooks) == ["01_data-w0", "02_source-s0", "03_binary-s0"]
    assert labels(study(tmp_path, "third", pretrain={"iterations": 9}), notebooks) == ["01_data-w0"]


@pytest.mark.parametrize("changes", [{"code_hash": "older"}, {"versions": {"torch": "1.0"}}])
def test_runs_of_other_code_or_versions_are_made_again(tmp_path, notebooks, changes):
    finish(study(tmp_path, "first"), notebooks, **changes)
    assert labels(study(tmp_path, "second"), notebooks) == []


def test_a_run_is_taken_over_only_with_what_it_reads(tmp_path, notebooks):
    first = study(tmp_path, "first")
    finish(first, notebooks)
    (first.folder / "runs" / first.runs[1].id / "metrics.json").unlink()
    assert labels(study(tmp_path, "second"), notebooks) == ["01_data-w0"]


def test_what_is_taken_over_is_complete_and_its_own(tmp_path, notebooks):
    first, second = study(tmp_path, "first"), study(tmp_path, "second")
    finish(first, notebooks)
    second.write(notebooks)
    take_over(second, reusable(second, status.due_runs(second), notebooks))

    assert status.due_runs(second) == {} and status.due_runs(first) == {}
    for run in second.runs:
        theirs, own = (plan.folder / "runs" / run.id for plan in (first, second))
        assert files.read_json(own / "metrics.json") == {"of": run.id}
        assert files.read_yaml(own / "params.yaml") == run.parameters
        assert os.path.samefile(theirs / "checkpoint.pt", own / "checkpoint.pt")
        files.write_text(own / "checkpoint.pt", "other weights")
        (own / "notebook.ipynb").write_text("executed again")
        assert (theirs / "checkpoint.pt").read_text() == "weights"
        assert (theirs / "notebook.ipynb").read_text() == "executed"


def test_a_run_that_was_taken_over_needs_the_other_study_no_more(tmp_path, notebooks):
    first, second = study(tmp_path, "first"), study(tmp_path, "second")
    finish(first, notebooks)
    second.write(notebooks)
    take_over(second, reusable(second, status.due_runs(second), notebooks))
    shutil.rmtree(first.folder)

    _, source, adapted = (second.folder / "runs" / run.id for run in second.runs)
    for run in (adapted, source):
        assert source_metrics(run) == {"of": source.name}


def test_the_command_says_what_it_takes_over(tmp_path, notebooks, capsys, monkeypatch):
    finish(study(tmp_path, "first"), notebooks)
    second = study(tmp_path, "second", pretrain={"iterations": 9})
    call = [str(tmp_path / "second.yaml"), "--output", str(tmp_path / "out")]
    cli.main([*call, "--dry-run"])
    told = capsys.readouterr().out
    assert f"{second.runs[0].id}  (to be taken over from first)" in told and "2 of 3 runs" in told
    assert not second.folder.exists()

    waiting = []
    monkeypatch.setattr(runner.engine, "execute", lambda plan, pending, jobs: waiting.extend(pending) or 1)
    cli.main(call)
    assert "taken over from first: 1 runs" in capsys.readouterr().out
    assert [run.stage for run in waiting] == ["pretrain", "adapt"]
