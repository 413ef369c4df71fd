"""How long a study still takes, from what its finished runs took and what its running ones report."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fada_lib import files
from fada_lib.study.plan import Run

ADVERSARIAL = ", adversarial"
"""How the name of a kind of run ends that has a loss on target images; all but MinEnt train a discriminator too."""
START_SECONDS = 8.0
"""From the start of a notebook to its first iteration."""
REST_SHARE = 0.25
"""Evaluation and figures over iterations, as long as no run has been finished."""
ADVERSARIAL_WORK = 2.0
"""An iteration of such a run over one without a target batch, as long as neither has been measured."""
ANALYSIS_WORK = 1 / 3
"""Analysis of one model over the evaluation of one, as long as no analysis has been measured."""


@dataclass
class Costs:
    """What has been measured, by kind of run.

    Attributes
    ----------
    pace : dict
        Seconds per unit of `work`.
    rest : dict
        Seconds beside the iterations: start, evaluation, figures; of kinds without iterations everything.
    """

    pace: dict[str, float] = field(default_factory=dict)
    rest: dict[str, float] = field(default_factory=dict)

    def learn(self, run: Run, seconds: float, per_second: float | None) -> None:
        """Take in a finished run: its seconds, and iterations per second where it had any."""
        iterations = run.parameters.get("iterations", 0)
        trained = iterations / per_second if per_second else 0.0
        if trained:
            self.pace[kind(run)] = trained / work(run)
        self.rest[kind(run)] = max(0.0, seconds - trained)

    def see(self, run: Run, per_second: float) -> None:
        """Take in the iterations per second that a running run reports."""
        self.pace[kind(run)] = run.parameters["iterations"] / per_second / work(run)

    def training(self, run: Run) -> float | None:
        """Seconds of a run's iterations; None before anything was measured."""
        if not work(run):
            return 0.0
        alike = [pace for name, pace in self.pace.items() if _is_adversarial(name) == _is_adversarial(kind(run))]
        pace = self.pace.get(kind(run)) or _mean(alike or self.pace.values())
        return None if pace is None else pace * work(run)

    def beside(self, run: Run) -> float | None:
        """Seconds of a run beside its iterations; None before anything was measured."""
        known = self.rest.get(kind(run))
        if known is not None:
            return known
        usual = _mean(seconds for name, seconds in self.rest.items() if name in self.pace)
        if run.stage == "analyse":
            return START_SECONDS + ANALYSIS_WORK * (usual or 0.0) * (len(run.needs) - 1)
        training = self.training(run)
        if usual is not None or training is None:
            return usual
        return START_SECONDS + REST_SHARE * training


def kind(run: Run) -> str:
    """Runs of one kind take equally long for the same work."""
    adversarial = run.stage == "adapt" and run.parameters["method"] not in ("source_continued", "adabn")
    name = f"adapt {run.parameters['method']}" if run.stage == "adapt" else run.stage
    return name + ADVERSARIAL if adversarial else name


def work(run: Run) -> float:
    """Images that a run trains on, an adversarial iteration counted as `ADVERSARIAL_WORK`; 0 without training."""
    images = run.parameters.get("iterations", 0) * run.parameters.get("batch_size", 0)
    return float(images) * (ADVERSARIAL_WORK if _is_adversarial(kind(run)) else 1.0)


def longest_chain(runs: Sequence[Run]) -> dict[str, float]:
    """Run id -> its `work` and that of the longest chain of runs that wait for it: the longest is to go first."""
    chain: dict[str, float] = {}
    for run in reversed(runs):
        waiting = (chain[other.id] for other in runs if run.id in other.needs)
        chain[run.id] = work(run) + max(waiting, default=0.0)
    return chain


def measured(folder: Path) -> Costs:
    """The costs of the finished runs of a study, from their provenance."""
    costs = Costs()
    plan = files.read_json(folder / "plan.json")
    for entry in plan["runs"]:
        path = folder / "runs" / entry["id"] / "provenance.json"
        if path.exists():
            run = Run(entry["id"], entry["stage"], entry["parameters"], tuple(entry["needs"]))
            facts = files.read_json(path)
            costs.learn(run, facts["seconds"], facts.get("iterations_per_second"))
    return costs


def seconds_left(run: Run, costs: Costs, elapsed: float, progress: Mapping[str, object]) -> float | None:
    """What a run still takes; None before anything was measured.

    Parameters
    ----------
    run : Run
    costs : Costs
    elapsed : float
        Seconds since it began, 0 for one that waits.
    progress : mapping
        Its `progress.json`, empty for one that waits.
    """
    training, rest = costs.training(run), costs.beside(run)
    if training is None or rest is None:
        return None
    if is_training(progress):
        return training * (1 - progress["done"] / progress["total"]) + max(0.0, rest - START_SECONDS)
    # A run that outlasts its estimate is taken to need a tenth more of what it does beside training.
    return max(training + rest - elapsed, 0.1 * rest)


def is_training(progress: Mapping[str, object]) -> bool:
    """Whether a run's `progress.json` counts iterations, not images or whatever else a run goes through."""
    return progress.get("part") == "training" and bool(progress.get("total"))


def makespan(left: Mapping[str, float], begun: Sequence[str], runs: Sequence[Run], jobs: int) -> float:
    """Seconds until all runs are done, `jobs` at once, each when its needs are done, in the order of `runs`.

    Parameters
    ----------
    left : mapping
        Run id -> seconds; a run that is not in it is done.
    begun : sequence of str
        Ids of those that are running.
    """
    ends = [(left[name], name) for name in begun]
    heapq.heapify(ends)
    waiting, undone, now = [run for run in runs if run.id in left and run.id not in begun], set(left), 0.0
    while ends or waiting:
        ready = [run for run in waiting if undone.isdisjoint(run.needs)][: max(0, jobs - len(ends))]
        for run in ready:
            waiting.remove(run)
            heapq.heappush(ends, (now + left[run.id], run.id))
        if not ends:
            return now  # what waits, waits for a run that failed
        now, name = heapq.heappop(ends)
        undone.discard(name)
    return now


def _is_adversarial(name: str) -> bool:
    return name.endswith(ADVERSARIAL)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None
