"""The command line without running anything: what it refuses, what it plans, what it says of old results."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fada_lib.files import PROJECT_ROOT, write_json
from fada_lib.parameters import UserError
from fada_lib.study import cli, provenance, runner, status
from fada_lib.study.expand import expand
from fada_lib.study.lock import locked
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
    monkeypatch.setattr(runner, "NOTEBOOKS", notebooks)
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
        (["--seeds", "-1", "params/smoke.yaml"], "--seeds: each seed must be a whole number of at least 0"),
        (["--methods", ",", "params/smoke.yaml"], "--methods is empty"),
        (["--jobs", "0"], "--jobs must be at least 1"),
        (["--jobs", "two"], "--jobs"),
        (["--sede", "1"], "--sede"),
        (["--methods", "fada_sof", "params/smoke.yaml"], "did you mean 'fada_soft'"),
        (["params/nowhere.yaml"], "nowhere.yaml is missing"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(capsys, arguments, expected, tmp_path):
    assert expected in refusal(capsys, *arguments, "--output", str(tmp_path))


def test_an_empty_output_is_not_the_working_directory(capsys):
    assert "--output is empty: name a folder" in refusal(capsys, "params/smoke.yaml", "--output", "")


def test_an_output_folder_that_cannot_be_made_is_named(capsys, params, tmp_path):
    (tmp_path / "file").touch()
    assert "choose another folder with --output" in refusal(capsys, str(params), "--output", str(tmp_path / "file"))


def test_a_second_call_is_told_which_process_to_stop(capsys, params, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["flock", str(folder / ".lock"), "sh", "-c", "echo locked; sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as holder:
        try:
            holder.stdout.readline()
            told = refusal(capsys, str(params), "--output", str(tmp_path))
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    assert f"another run_all.sh is at work on {folder}; wait for it, or stop it: kill {holder.pid}" in told


def test_a_study_stays_closed_until_a_child_of_the_call_has_ended(tmp_path):
    with locked(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with pytest.raises(UserError, match=f"kill {child.pid}$"), locked(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
    with locked(tmp_path):
        pass


def test_a_dry_run_lists_runs_with_reasons_and_runs_nothing(capsys, params, tmp_path):
    assert cli.main([str(params), "--output", str(tmp_path / "out"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "02_source-s0" in told and "(no result yet)" in told
    assert "2 of 2 runs of study 'small' would run" in told
    assert told.startswith("2 runs, about")
    assert not (tmp_path / "out").exists()


def test_several_studies_are_planned_together_and_a_run_that_they_share_costs_once(capsys, params, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump({**STUDY, "study": "other", "seeds": [0, 1]}, sort_keys=False))
    assert cli.main([str(params), str(other), "--output", str(tmp_path / "out"), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("2 studies: 3 runs, about"), "the data, seed 0 of both, seed 1 of one"
    assert "2 of 2 runs of study 'small'" in told and "3 of 3 runs of study 'other'" in told


def test_of_several_studies_none_starts_if_one_is_refused(capsys, params, tmp_path):
    assert "nowhere.yaml is missing" in refusal(capsys, str(params), "nowhere.yaml", "--output", str(tmp_path / "out"))
    assert "both study 'small'" in refusal(capsys, str(params), str(params), "--output", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_failed_study_keeps_none_of_the_others_from_running(params, tmp_path, monkeypatch):
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump({**STUDY, "study": "other"}, sort_keys=False))
    asked = []
    monkeypatch.setattr(runner.engine, "execute", lambda plan, *_: asked.append(plan.study) or 1)
    assert cli.main([str(params), str(other), "--output", str(tmp_path / "out")]) == 1
    assert asked == ["small", "other"]


def test_what_came_out_is_told_by_gap_and_never_averaged_over_gaps(params, tmp_path, monkeypatch, capsys):
    params.write_text(yaml.safe_dump({**STUDY, "data": {"grid": {"label_shift": [0.0, 1.0]}}}, sort_keys=False))

    def execute(plan: Plan, *_: object) -> int:
        shifts = {run.id: run.parameters["label_shift"] for run in plan.runs if run.stage == "data"}
        for run in plan.runs:
            found = {}
            if run.stage != "data":
                target = {"target_val": {"single": {"miou": 0.2 + shifts[run.needs[0]] / 10}}}
                found = {"method": "source_only", "self_distilled": False, "world": run.needs[0], "evaluation": target}
            write_json(plan.folder / "runs" / run.id / "metrics.json", found)
        return 0

    monkeypatch.setattr(runner.engine, "execute", execute)
    assert cli.main([str(params), "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    for shift, miou in ((0, "20.0"), (1, "30.0")):
        assert f"at label shift {shift}, appearance shift 1:  source_only {miou}" in told


def finished(plan: Plan, run: Run, code_hash: str) -> None:
    folder = plan.folder / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text("{}")
    (folder / "provenance.json").write_text(json.dumps({"code_hash": code_hash, "seconds": 50.0}))


def test_results_of_other_code_are_recognised(params, tmp_path):
    plan = expand(params, tmp_path)
    data, source = plan.runs
    finished(plan, data, "older")
    finished(plan, source, provenance.code_hash(runner.NOTEBOOKS / "02_pretrain.ipynb"))
    assert [run.id for run in status.stale_runs(plan, runner.NOTEBOOKS)] == [data.id]


def test_the_library_is_read_once_a_stage_however_many_runs_there_are(params, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(provenance, "code_hash", lambda path: read.append(path.name) or "new")
    assert status.stale_runs(expand(params, tmp_path, seeds=range(9)), runner.NOTEBOOKS) == []
    assert sorted(read) == ["01_data.ipynb", "02_pretrain.ipynb"]


def test_what_is_due_follows_the_files_times_and_the_parameters(params, tmp_path):
    plan = expand(params, tmp_path)
    data, source = plan.runs
    plan.write(runner.NOTEBOOKS)
    for run in plan.runs:
        finished(plan, run, "any")
    assert status.due_runs(plan) == {} and status.report_is_due(plan)
    (plan.folder / "report.html").touch()
    assert not status.report_is_due(plan)
    assert list(status.due_runs(plan, stale=[data]).values()) == ["made by other code", "01_data-w0 runs again"]
    moment = (plan.folder / "runs" / data.id / "metrics.json").stat().st_mtime_ns + 10**9
    os.utime(plan.folder / "runs" / data.id / "metrics.json", ns=(moment, moment))
    assert status.due_runs(plan) == {source.id: "older than what it reads"}
    assert status.report_is_due(plan)


def test_runs_of_other_parameters_are_told_and_removed_on_request_only(capsys, params, tmp_path, monkeypatch):
    monkeypatch.setattr(runner.engine, "execute", lambda *_: 1)
    output = ["--output", str(tmp_path / "out")]
    cli.main([str(params), "--seeds", "0,1", *output])
    params.write_text(yaml.safe_dump({**STUDY, "pretrain": {"iterations": 9}}))
    capsys.readouterr()

    cli.main([str(params), *output])
    assert "2 run folders (0 MB) are of other parameters" in capsys.readouterr().out
    cli.main([str(params), "--clean", "--dry-run", *output])
    told = capsys.readouterr().out
    assert told.count("to remove: ") == 2 and "02_source-s1" in told
    assert len(list(tmp_path.glob("out/small/runs/02*"))) == 3
    cli.main([str(params), "--clean", *output])
    assert capsys.readouterr().out.count("removed: ") == 2
    assert [path.name[:12] for path in tmp_path.glob("out/small/runs/02*")] == ["02_source-s0"]


def test_choosing_fewer_seeds_or_methods_makes_no_run_outdated(capsys, params, tmp_path, monkeypatch):
    monkeypatch.setattr(runner.engine, "execute", lambda *_: 1)
    methods = {"methods": {"binary": {"method": "binary"}, "fada": {"method": "fada"}}, "analysis": {"embedded": []}}
    params.write_text(yaml.safe_dump({**STUDY, **methods}))
    output = ["--output", str(tmp_path / "out")]
    cli.main([str(params), "--seeds", "0,1", *output])
    capsys.readouterr()
    cli.main([str(params), "--methods", "binary", "--dry-run", *output])
    assert "other parameters" not in capsys.readouterr().out


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    call = [sys.executable, "-m", "fada_lib.study.cli", "params/smoke.yaml", "--dry-run"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT_ROOT)
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (130, b"")


def test_a_full_disk_is_one_line(capsys, params, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/log.txt")

    monkeypatch.setattr(runner.engine, "execute", full)
    assert "/somewhere/log.txt: No space left on device" in refusal(capsys, str(params), "--output", str(tmp_path))


def test_a_run_cut_off_by_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    for name, content in (("notebook.ipynb", '{"cells": [{"outp'), ("failed", ""), ("stderr.log", "")):
        (tmp_path / name).write_text(content)
    nothing_free = type("Usage", (), {"free": 0})
    monkeypatch.setattr(runner.engine.shutil, "disk_usage", lambda _: nothing_free)
    told = runner.engine._failure(tmp_path / "notebook.ipynb")
    assert told.startswith(f"no space left in {tmp_path}: free some")


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
    plan.write(runner.NOTEBOOKS)
    screen = Screen(terminal=True)
    watcher = Watcher(plan.folder, plan.runs, total=2, jobs=1, stream=screen)
    watcher.started -= 1
    finished_folder = started(plan, plan.runs[0])
    (finished_folder / "metrics.json").touch()
    started(plan, plan.runs[1], part="training", done=40, total=100, per_second=0.5, eta_seconds=120)
    watcher.update()
    watcher.close()
    assert "[1/2] 01_data-w0 done" in screen.text
    assert "[1/2] 02_source-s0 training 40/100 0.5/s 2:00 | about 3 min left" in screen.text
    assert "01_data-w0 done" in (plan.folder / "log.txt").read_text()


def test_without_a_terminal_only_ends_are_told_at_once(params, tmp_path):
    plan = expand(params, tmp_path)
    plan.write(runner.NOTEBOOKS)
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
def test_a_duration_is_told_in_minutes_and_seconds_and_in_hours_where_there_are_any(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(3, "10 s"), (44, "40 s"), (400, "7 min"), (12600, "3.5 h")])
def test_an_estimate_is_told_roughly(seconds, text):
    assert roughly(seconds) == text
