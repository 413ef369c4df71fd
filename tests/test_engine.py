"""The engine from end to end, on notebooks that only write their metrics: what runs and what is said."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest
import yaml

from fada_lib.study import cli, runner
from fada_lib.study import engine as engine_module

pytestmark = pytest.mark.slow

STUDY = {
    "study": "small",
    "data": {},
    "pretrain": {},
    "methods": {"binary": {"method": "binary"}, "fada_soft": {"method": "fada"}},
}
STAGES = {"01_data": "data", "02_pretrain": "pretrain", "03_adapt": "adapt", "04_distill": "distill"}
WORK = """
import os, pathlib, signal, time
from fada_lib import files
from fada_lib.parameters import UserError
folder = files.resolve(run)
behaviour = pathlib.Path({root!r}) / (name + ".txt")
mood = behaviour.read_text() if behaviour.exists() else ""
if mood == "refuse":
    raise UserError("the disk is full of birds")
if mood == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if mood == "sleep":
    files.write_text(pathlib.Path({root!r}) / "asleep", str(os.getpid()))
    time.sleep(100)
metrics = {{"schema": 1, "stage": {stage!r}, "method": name, "self_distilled": False,
           "world": pathlib.Path(globals().get("data", run)).name,
           "evaluation": {{"target_val": {{"single": {{"miou": 0.25}}}}}}}}
files.write_json(folder / "metrics.json", metrics)
"""
REPORT = """
import pathlib, sys
pathlib.Path(sys.argv[1], "report.html").write_text("fine")
"""


class Engine:
    """A study of stub notebooks in a temporary folder, and the real command line over it."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture):
        self.root, self.capture = root, capture
        self.params, self.folder = root / "small.yaml", root / "results" / "small"
        self.write(STUDY)

    def write(self, study: dict) -> None:
        self.params.write_text(yaml.safe_dump(study, sort_keys=False))

    def run(self, *options: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of one call."""
        code = cli.main([str(self.params), "--output", str(self.root / "results"), "--jobs", "2", *options])
        told = self.capture.readouterr()
        return code, told.out, told.err

    def behave(self, name: str, mood: str) -> None:
        (self.root / f"{name}.txt").write_text(mood)

    def start(self) -> subprocess.Popen:
        """The same call as a process of its own."""
        arguments = [str(self.params), "--output", str(self.root / "results"), "--jobs", "2"]
        program = f"""
import pathlib, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell hands it down ignored
from fada_lib.study import cli, engine, runner
runner.NOTEBOOKS, engine.REPORT_MODULE = pathlib.Path({str(runner.NOTEBOOKS)!r}), {engine_module.REPORT_MODULE!r}
sys.exit(cli.main({arguments!r}))
"""
        return subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)

    def times(self) -> dict[str, int]:
        """When each finished run was finished, by its id."""
        found = self.folder.glob("runs/*/metrics.json")
        return {path.parent.name: path.stat().st_mtime_ns for path in found}


def labels(runs: Iterable[str]) -> set[str]:
    """Ids without their hashes."""
    return {run.rsplit("-", 1)[0] for run in runs}


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def engine(tmp_path, monkeypatch, capfd):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name, stage in STAGES.items():
        parameters = nbformat.v4.new_code_cell('run = ""\nname = "other"', metadata={"tags": ["parameters"]})
        work = nbformat.v4.new_code_cell(WORK.format(root=str(tmp_path), stage=stage))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = nbformat.v4.new_notebook(cells=[parameters, work], metadata=kernel)
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
    (tmp_path / "stub_report.py").write_text(REPORT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(runner, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(engine_module, "REPORT_MODULE", "stub_report")
    return Engine(tmp_path, capfd)


def test_a_study_runs_once_then_only_what_changed(engine):
    engine.write({**STUDY, "methods": {"binary": {"method": "binary"}}, "distill": {}})
    code, told, _ = engine.run()
    assert code == 0
    first = engine.times()
    assert labels(first) == {"01_data-w0", "02_source-s0", "03_binary-s0", "04_binary-s0"}
    assert (engine.folder / "report.html").read_text() == "fine"
    assert "binary 25.0" in told and "report.html" in told

    code, told, _ = engine.run()
    assert code == 0 and "nothing to do" in told
    assert engine.times() == first

    engine.write({**STUDY, "methods": {"binary": {"method": "binary", "iterations": 3}}, "distill": {}})
    _, told, _ = engine.run("--dry-run")
    assert "2 of 4 runs" in told and "03_binary" in told and "04_binary" in told
    code, told, _ = engine.run()
    assert code == 0 and "2 of 4 runs to do" in told
    second = engine.times()
    assert all(second[run] == first[run] for run in first)
    assert labels(set(second) - set(first)) == {"03_binary-s0", "04_binary-s0"}


def test_a_result_that_was_deleted_is_made_again_under_a_report_that_is_there(engine):
    engine.write({**STUDY, "methods": {"binary": {"method": "binary"}}})
    engine.run()
    first = engine.times()
    deleted = next(run for run in first if run.startswith("03_binary"))
    (engine.folder / "runs" / deleted / "metrics.json").unlink()
    code, told, _ = engine.run()
    assert code == 0 and "1 of 3 runs to do" in told
    assert {run for run, time in engine.times().items() if time != first[run]} == {deleted}
    assert "nothing to do" in engine.run()[1]


def test_fresh_makes_all_runs_of_other_code_again(engine):
    engine.write({**STUDY, "methods": {"binary": {"method": "binary"}}})
    engine.run()
    first = engine.times()
    for run in first:
        (engine.folder / "runs" / run / "provenance.json").write_text('{"code_hash": "older"}')
    code, told, _ = engine.run("--fresh")
    assert code == 0 and "3 of 3 runs to do" in told
    assert all(time > first[run] for run, time in engine.times().items())


def test_failures_are_one_line_each_and_leave_nothing_that_looks_finished(engine):
    engine.behave("binary", "refuse")
    engine.behave("fada_soft", "die")
    code, _, told = engine.run()
    assert code == 1
    assert told.startswith("error: 03_binary-s0: the disk is full of birds (see ")
    assert "\nerror: 03_fada_soft-s0: its kernel was killed" in told
    assert told.count("\n") == 3
    assert labels(engine.times()) == {"01_data-w0", "02_source-s0"}

    engine.behave("binary", "")
    engine.behave("fada_soft", "")
    code, told, _ = engine.run()
    assert code == 0 and "2 of 4 runs to do" in told


def test_ctrl_c_stops_every_process_and_the_next_call_goes_on(engine):
    engine.write({**STUDY, "methods": {"fada_soft": {"method": "fada"}}})
    engine.behave("fada_soft", "sleep")
    process = engine.start()
    wait_for(engine.root / "asleep")
    code, _, told = engine.run()
    assert code == 2 and "another run_all.sh is at work" in told

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on from here" in told
    assert not Path("/proc", (engine.root / "asleep").read_text()).exists()

    engine.behave("fada_soft", "")
    code, told, _ = engine.run()
    assert code == 0 and "1 of 3 runs to do" in told
