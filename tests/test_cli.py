"""The command line without running anything: what it refuses, what it plans, what it says of old results."""

import json
from pathlib import Path

import pytest
import yaml

from fada_lib.study import cli, provenance
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan, Run
from fada_lib.study.watch import Watcher, clock, roughly

STUDY = {"study": "small", "data": {}, "pretrain": {"iterations": 100}}


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A study of two runs, with notebooks that are never executed."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name in ("01_data", "02_pretrain"):
        (notebooks / f"{name}.ipynb").write_text('{"cells": []}')
    monkeypatch.setattr(cli, "NOTEBOOKS", notebooks)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return path


def refusal(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert cli.main(list(arguments)) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1
    return told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seeds", "one"], "--seeds must be whole numbers"),
        (["--jobs", "0"], "--jobs must be at least 1"),
        (["--jobs", "two"], "--jobs"),
        (["--sede", "1"], "--sede"),
        (["--methods", "fada_sof", "params/smoke.yaml"], "did you mean 'fada_soft'"),
        (["params/nowhere.yaml"], "nowhere.yaml is missing"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(capsys, arguments, expected, tmp_path):
    assert expected in refusal(capsys, *arguments, "--output", str(tmp_path))


def test_an_output_folder_that_cannot_be_made_is_named(capsys, params, tmp_path):
    (tmp_path / "file").touch()
    assert "choose another folder with --output" in refusal(capsys, str(params), "--output", str(tmp_path / "file"))


def test_a_dry_run_lists_runs_with_reasons_and_runs_nothing(capsys, params, tmp_path):
    assert cli.main([str(params), "--output", str(tmp_path / "out"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "02_source-s0" in told and "(no result yet)" in told
    assert "2 of 2 runs of study 'small' would run" in told
    assert not list(tmp_path.glob("out/small/runs/*/metrics.json"))


def finished(plan: Plan, run: Run, code_hash: str) -> None:
    folder = plan.folder / "runs" / run.id
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("{}")
    (folder / "provenance.json").write_text(json.dumps({"code_hash": code_hash, "seconds": 50.0}))


def test_results_of_other_code_are_recognised(params, tmp_path):
    plan = expand(params, tmp_path)
    data, source = plan.runs
    finished(plan, data, "older")
    finished(plan, source, provenance.code_hash(cli.NOTEBOOKS / "02_pretrain.ipynb"))
    assert [run.id for run in cli._stale(plan)] == [data.id]


class Screen:
    """A stream that remembers, terminal or not."""

    def __init__(self, terminal: bool):
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        """Nothing is buffered."""


def started(plan: Plan, run: Run, **progress: object) -> Path:
    folder = plan.folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notebook.ipynb").touch()
    (folder / "progress.json").write_text(json.dumps(progress))
    return folder


def test_a_terminal_sees_one_line_with_iteration_rate_and_time_left(params, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    plan = expand(params, tmp_path)
    plan.write(cli.NOTEBOOKS)
    screen = Screen(terminal=True)
    watcher = Watcher(plan.folder, plan.runs, total=2, jobs=1, stream=screen)
    watcher.started -= 1
    finished_folder = started(plan, plan.runs[0])
    (finished_folder / "metrics.json").touch()
    started(plan, plan.runs[1], part="training", done=40, total=100, per_second=0.5, eta_seconds=120)
    watcher.update()
    watcher.close()
    assert "[1/2] 01_data-w0 done" in screen.text
    assert "[1/2] 02_source-s0 training 40/100 0.5/s 2:00 | about 4 min left" in screen.text
    assert "01_data-w0 done" in (plan.folder / "log.txt").read_text()


def test_without_a_terminal_only_ends_are_told_at_once(params, tmp_path):
    plan = expand(params, tmp_path)
    plan.write(cli.NOTEBOOKS)
    screen = Screen(terminal=False)
    watcher = Watcher(plan.folder, plan.runs, total=2, jobs=1, stream=screen)
    watcher.started -= 1
    folder = started(plan, plan.runs[0], part="drawing", done=1, total=9)
    watcher.update()
    assert screen.text == ""
    (folder / "failed").touch()
    watcher.update()
    watcher.update()
    watcher.close()
    assert screen.text.count("01_data-w0 FAILED") == 1


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (90, "1:30"), (7290, "2:01:30")])
def test_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(3, "10 s"), (44, "40 s"), (400, "7 min"), (12600, "3.5 h")])
def test_roughly(seconds, text):
    assert roughly(seconds) == text
