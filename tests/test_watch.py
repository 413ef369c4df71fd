"""The estimate of the time left, on a study that is played in fast motion: its events are files, its clock is ours."""

import io
import json
import re
from collections.abc import Callable

import pytest

from fada_lib import files
from fada_lib.files import write_json
from fada_lib.study import watch
from fada_lib.study.estimate import Costs, longest_chain, makespan, seconds_left
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan, Run
from fada_lib.study.watch import Watcher

START = 7.0
"""Seconds of a notebook before its first iteration."""


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now


def laptop(run: Run) -> tuple[float, float]:
    """Seconds of training and seconds of everything after it, as a laptop without GPU needs them."""
    if run.stage == "data":
        return 0.0, 25.0
    if run.stage == "analyse":
        return 0.0, 60.0
    adversarial = run.stage == "adapt" and run.parameters["method"] != "source_continued"
    return run.parameters["iterations"] * (0.24 if adversarial else 0.12), 18.0


def graphics_card(run: Run) -> tuple[float, float]:
    """The same on a GPU with the paper's iterations: hours of training, minutes of evaluation."""
    if run.stage in ("data", "analyse"):
        return 0.0, 900.0
    adversarial = run.stage == "adapt" and run.parameters["method"] != "source_continued"
    return run.parameters["iterations"] * (0.6 if adversarial else 0.45), 600.0


class Play:
    """Runs a plan as the engine would, by writing the files that runs write."""

    def __init__(self, plan: Plan, cost: Callable[[Run], tuple[float, float]], jobs: int, clock: Clock) -> None:
        self.plan, self.cost, self.jobs, self.clock = plan, cost, jobs, clock
        self.begun: dict[str, float] = {}
        self.done: set[str] = set()

    def step(self, seconds: float) -> None:
        """Let time pass and do what falls into it."""
        self.clock.now += seconds
        for run in self.plan.runs:
            if run.id in self.begun and run.id not in self.done:
                self._advance(run, self.clock.now - self.begun[run.id])
        for run in self.plan.runs:
            busy = len(self.begun) - len(self.done)
            if busy < self.jobs and run.id not in self.begun and self.done.issuperset(run.needs):
                self.begun[run.id] = self.clock.now
                (self.plan.folder / "runs" / run.id / "notebook.ipynb").touch()

    def _advance(self, run: Run, elapsed: float) -> None:
        folder, (training, rest) = self.plan.folder / "runs" / run.id, self.cost(run)
        total = run.parameters.get("iterations", 30)
        if elapsed >= START + training + rest:
            rate = total / training if training else None
            facts = {"seconds": START + training + rest, "iterations_per_second": rate}
            (folder / "provenance.json").write_text(json.dumps(facts))
            (folder / "metrics.json").write_text("{}")
            self.done.add(run.id)
        elif START < elapsed < START + training:
            done = int(total * (elapsed - START) / training)
            report = {"part": "training", "done": done, "total": total, "per_second": total / training}
            (folder / "progress.json").write_text(json.dumps(report))
        elif elapsed >= START + training:
            (folder / "progress.json").write_text(json.dumps({"part": "evaluation", "done": 1, "total": 5}))


def last_told(stream: io.StringIO) -> float | None:
    """The time left in the last line shown; None if it tells none."""
    found = re.search(r"about (\S+) left", stream.getvalue().splitlines()[-1])
    return float(found[1]) if found else None


@pytest.fixture(autouse=True)
def every_line_with_all_digits(monkeypatch):
    """Lines come at every update, and their time left is not rounded."""
    monkeypatch.setattr(watch, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(watch, "roughly", repr)


def worst_error(plan: Plan, cost: Callable, jobs: int, clock: Clock, step: float) -> float:
    """Largest error of the estimate from one third of the study on, over what was left (or a tenth of all)."""
    plan.write(files.PROJECT_ROOT / "notebooks")
    stream = io.StringIO()
    watcher = Watcher(plan.folder, plan.runs, len(plan.runs), jobs, stream)
    play, told = Play(plan, cost, jobs, clock), []
    while len(play.done) < len(plan.runs):
        play.step(step)
        watcher.update()
        told.append((clock.now, last_told(stream)))
    watcher.close()
    end = clock.now
    judged = [(now, left) for now, left in told if now >= end / 3]
    assert all(left is not None for _, left in judged)
    return max(abs(left - (end - now)) / max(end - now, 0.1 * end) for now, left in judged)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("file", "cost", "step"),
    [
        ("default", laptop, 8.0),
        ("tuning", laptop, 8.0),
        ("paper/gta5_resnet101_paper", graphics_card, 400.0),
        ("paper/gta5_resnet101_paper_ablations", graphics_card, 1500.0),
    ],
)
def test_from_one_third_on_the_time_left_is_right_within_30_percent(file, cost, step, jobs, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(watch.time, "time", clock.time)
    plan = expand(files.PROJECT_ROOT / "params" / f"{file}.yaml", tmp_path, seeds=[0])
    assert worst_error(plan, cost, jobs, clock, step) < 0.30


def test_before_anything_was_measured_there_is_no_estimate(tmp_path):
    plan = expand(files.PROJECT_ROOT / "params" / "default.yaml", tmp_path)
    plan.write(files.PROJECT_ROOT / "notebooks")
    stream = io.StringIO()
    watcher = Watcher(plan.folder, plan.runs, len(plan.runs), 1, stream)
    watcher.update()
    watcher.close()
    assert stream.getvalue() == f"[0/{len(plan.runs)}] starting\n"


STUDENT = Run("04_x", "distill", {"iterations": 600, "batch_size": 4}, ("a", "b"))
"""It labels images before it trains: here as many as it has iterations."""
LABELLED = {"part": "pseudo labels", "done": 600, "total": 600, "per_second": 50.0}


def test_labelled_images_are_no_iterations_done():
    costs = Costs({"distill": 0.1}, {"distill": 60.0})
    training = 600 * 4 * 0.1
    assert seconds_left(STUDENT, costs, 10.0, LABELLED) == training + 60 - 10
    assert seconds_left(STUDENT, costs, 10.0, {"part": "training", "done": 0, "total": 600}) == training + 60 - 8
    assert seconds_left(STUDENT, costs, 10.0, {"part": "training", "done": 300, "total": 600}) == training / 2 + 60 - 8


def test_the_rate_of_labelling_is_no_pace_of_training(tmp_path):
    write_json(tmp_path / "plan.json", {"runs": []})
    watcher = Watcher(tmp_path, [STUDENT], 1, 1, io.StringIO())
    for report, known in ((LABELLED, {}), ({**LABELLED, "part": "training"}, {"distill": 1 / 50 / 4})):
        watcher.started -= 1
        write_json(tmp_path / "runs" / STUDENT.id / "progress.json", report)
        (tmp_path / "runs" / STUDENT.id / "notebook.ipynb").touch()
        watcher.update()
        assert watcher.costs.pace == pytest.approx(known)
    watcher.close()


def test_runs_that_wait_for_others_cannot_use_a_second_job():
    runs = [Run("a", "data", {}), Run("b", "pretrain", {}, ("a",)), Run("c", "adapt", {}, ("b",)), Run("d", "data", {})]
    left = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 5.0}
    assert makespan(left, [], runs, jobs=2) == 60.0
    assert makespan(left, [], runs, jobs=1) == 65.0
    assert makespan({"c": 4.0}, ["c"], runs, jobs=1) == 4.0


def test_the_run_with_most_work_before_it_goes_first():
    plan = expand(files.PROJECT_ROOT / "params" / "default.yaml", files.PROJECT_ROOT / "results", seeds=[1])
    chain = {run.label: work for run in plan.runs for id, work in longest_chain(plan.runs).items() if id == run.id}
    ordered = sorted(chain, key=chain.get, reverse=True)
    assert ordered[:2] == ["01_data-w1", "02_source-s1"] and ordered[-1] == "05_analysis"
    assert set(ordered[2:4]) == {"03_binary-s1", "03_fada_soft-s1"}, "their students wait for them"
    assert chain["03_fada_soft-s1"] == 800 * 4 * 2 + 1000 * 4
