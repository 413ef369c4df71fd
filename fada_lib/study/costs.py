"""What a study costs, said before it starts: from runs like its own that were measured, else from a stated default."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fada_lib import files
from fada_lib.study.estimate import Costs, makespan, measured
from fada_lib.study.plan import Plan, Run

DEFAULT_PIXELS = 192 * 96
DEFAULT = {
    "pace": {"pretrain": 0.024, "adapt source_continued": 0.025, "adapt fada, adversarial": 0.028, "distill": 0.023},
    "rest": {
        "data": 24.0,
        "pretrain": 17.0,
        "adapt source_continued": 19.0,
        "adapt fada, adversarial": 19.0,
        "distill": 26.0,
    },
}
"""Seconds per image trained on and beside training, as `Costs` takes them: the default study's network on images of
`DEFAULT_PIXELS`, one thread of a two-core x86-64 machine without GPU."""
_WORLD = ("source_layout", "source_root", "target_root", "height", "width")
_NETWORK = ("backbone", "device", "precision", "source_size", "target_size", "test_size")


@dataclass(frozen=True)
class Expectation:
    """Cost of the runs that are due.

    Attributes
    ----------
    runs : int
    core_seconds : float or None
        Seconds times threads, all runs added; None if nothing is known of their kind.
    seconds : float or None
        Until all are done, `jobs` at once.
    jobs : int
    learnt_from : int
        Measured runs behind it; 0 for the default.
    """

    runs: int
    core_seconds: float | None
    seconds: float | None
    jobs: int
    learnt_from: int

    def __str__(self) -> str:
        amount = f"{self.runs} run{'' if self.runs == 1 else 's'}"
        if self.core_seconds is None:
            return f"{amount}; no run of this network and size was measured yet: cost unknown (docs/costs.md)"
        known = f"by {self.learnt_from} finished runs like them"
        basis = known if self.learnt_from else "by a default: one core of a laptop"
        wall = f"{_words(self.seconds)} with {self.jobs} at once"
        return f"{amount}, about {_words(self.core_seconds, 'core-')}, {wall} ({basis})"


def expect(plan: Plan, due: Iterable[str], jobs: int) -> Expectation:
    """What the runs of `due` will cost, by the finished runs of all studies beside this one that are of its scale."""
    wanted = set(due)
    runs = [run for run in plan.runs if run.id in wanted]
    costs, known = _learn(plan)
    left = {run.id: _seconds(run, costs) for run in runs}
    if None in left.values():
        return Expectation(len(runs), None, None, jobs, known)
    threads = {run.id: int(run.parameters.get("threads", 1)) for run in runs}
    core_seconds = sum(seconds * threads[name] for name, seconds in left.items())
    return Expectation(len(runs), core_seconds, makespan(left, [], runs, jobs), jobs, known)


def together(costs: Sequence[Expectation]) -> Expectation:
    """The cost of studies that run one after the other; None where one of them is unknown."""
    known = all(cost.core_seconds is not None for cost in costs)
    return Expectation(
        sum(cost.runs for cost in costs),
        sum(cost.core_seconds for cost in costs) if known else None,
        sum(cost.seconds for cost in costs) if known else None,
        costs[0].jobs,
        max(cost.learnt_from for cost in costs),
    )


def scale(stages: Sequence[tuple[str, Mapping[str, object]]]) -> tuple:
    """What makes the seconds of two studies comparable: the images and the network of their (stage, parameters)."""
    found = []
    for stage, names in (("data", _WORLD), ("pretrain", _NETWORK)):
        parameters = next((values for name, values in stages if name == stage), {})
        found += [str(parameters.get(name)) for name in names]
    return tuple(found)


def _learn(plan: Plan) -> tuple[Costs, int]:
    """Costs of the studies of this scale below the same results folder, and from how many runs; or the default's."""
    own = scale([(run.stage, run.parameters) for run in plan.runs])
    costs, known = Costs(), 0
    for path in sorted(plan.folder.parent.glob("*/plan.json")):
        entries = files.read_json(path)["runs"]
        if scale([(entry["stage"], entry["parameters"]) for entry in entries]) == own:
            found = measured(path.parent)
            costs.pace |= found.pace
            costs.rest |= found.rest
            known += sum((path.parent / "runs" / entry["id"] / "provenance.json").exists() for entry in entries)
    return (costs, known) if costs.pace else (_default(plan), 0)


def _default(plan: Plan) -> Costs:
    """`DEFAULT` for the small network, in proportion to the pixels; nothing for any other.

    Training goes by the size trained at, everything beside it by that of the world's images.
    """
    data = next((run.parameters for run in plan.runs if run.stage == "data"), {})
    network = next((run.parameters for run in plan.runs if run.stage == "pretrain"), {})
    if network.get("backbone") != "resnet_small":
        return Costs()
    made = data["height"] * data["width"]
    trained = math.prod(network["source_size"]) if network["source_size"] else made
    return Costs(_scaled("pace", trained / DEFAULT_PIXELS), _scaled("rest", made / DEFAULT_PIXELS))


def _scaled(part: str, factor: float) -> dict[str, float]:
    return {name: factor * seconds for name, seconds in DEFAULT[part].items()}


def _seconds(run: Run, costs: Costs) -> float | None:
    """Seconds of a run that has not begun."""
    training, beside = costs.training(run), costs.beside(run)
    return None if training is None or beside is None else training + beside


def _words(seconds: float, prefix: str = "") -> str:
    """``3.2 core-hours`` or ``12 core-minutes``."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} {prefix}hours"
    return f"{max(1, round(seconds / 60))} {prefix}minutes"
