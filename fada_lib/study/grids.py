"""What a grid and a history say: mIoU over lambda, and what each way of choosing a point or an iteration ends at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from fada_lib.plots.style import split_name
from fada_lib.study.comparisons import keeping, mean_of, mean_of_all
from fada_lib.study.results import Run, Study

TUNE, SOURCE = "target_tune_miou", "source_val_miou"
"""Keys of a history's rows: mIoU on the target's tune part, and on source val."""


@dataclass(frozen=True)
class Rule:
    """A way of choosing a network: its name, whether it looks at target labels, and what it makes most of.

    `key` is that of a history's rows, None for what is measured after the last iteration only.
    """

    name: str
    labels: bool
    of_run: Callable[[Run], float | None]
    key: str | None


RULES = (
    Rule("target tune mIoU", True, lambda run: run.score("target_tune"), TUNE),
    Rule("target entropy", False, lambda run: _negative(run.metrics.get("target_entropy")), None),
    Rule("source val mIoU", False, lambda run: run.score("source_val"), SOURCE),
)
"""The first needs labels of the target's tune part; the others need no target label."""


def sensitivity(study: Study) -> dict[str, dict[tuple[float, int], list[Run]]]:
    """Method -> (lambda, iterations) -> its adaptation runs, a run a seed; empty unless a method has several lambdas.

    A variant by anything but lambda and iterations is a method of its own.
    """
    found: dict[str, dict[tuple[float, int], list[Run]]] = {}
    for run in (run for method in study.methods for run in study.of(method)):
        if run.stage == "adapt" and run.adversarial_weight is not None and run.score("target_tune") is not None:
            point = (run.adversarial_weight, run.metrics.get("iterations", 0))
            method = keeping(run.method, lambda key: key not in ("lambda_adv", "iterations"))
            found.setdefault(method, {}).setdefault(point, []).append(run)
    several = any(len({weight for weight, _ in points}) > 1 for points in found.values())
    return found if several else {}


def best_iterations(points: Mapping[tuple[float, int], Sequence[Run]]) -> dict[float, list[Run]]:
    """lambda -> the runs with the number of iterations that is best for it on the tune split."""
    best: dict[float, list[Run]] = {}
    for (weight, _), runs in points.items():
        if weight not in best or _tune(runs) > _tune(best[weight]):
            best[weight] = list(runs)
    return best


def chosen_points(study: Study) -> dict[str, dict[str, str]]:
    """Base method with a grid -> rule's name -> the variant that the rule chooses by its mean over seeds.

    A point with a seed that has no value, as a diverged one has no entropy, is chosen by no rule that needs it.
    """
    found: dict[str, dict[str, str]] = {}
    for base in dict.fromkeys(split_name(name)[0] for name in study.methods):
        names = [name for name in study.methods if split_name(name)[0] == base and not split_name(name)[2]]
        for rule in RULES if len(names) > 1 else ():
            judged = {name: mean_of_all(rule.of_run(run) for run in study.of(name)) for name in names}
            known = {name: value for name, value in judged.items() if value is not None}
            if known:
                found.setdefault(base, {})[rule.name] = max(known, key=known.__getitem__)
    return found


def chosen_iterations(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """'last' or rule's name -> target tune mIoU at the iteration chosen; rules that the history allows only.

    Whatever chooses, the target's tune part judges: of the rule by its labels the value is optimistic.
    """
    rows = [row for row in history if TUNE in row]
    if not rows:
        return {}
    found = {"last": rows[-1][TUNE]}
    for rule in RULES:
        if rule.key and all(rule.key in row for row in rows):
            found[rule.name] = max(rows, key=itemgetter(rule.key))[TUNE]
    return found


def histories(study: Study) -> dict[str, dict[tuple[str, int], list[dict]]]:
    """Method -> (world, seed) -> history of an adaptation that measured the target's tune part several times."""
    found: dict[str, dict[tuple[str, int], list[dict]]] = {}
    for method in study.reported_methods:
        for run in study.of(method):
            if run.stage == "adapt" and sum(TUNE in row for row in run.history) > 1:
                found.setdefault(method, {})[run.world, run.metrics["seed"]] = run.history
    return found


def trajectories(study: Study) -> dict[str, dict[tuple[str, int], list[dict]]]:
    """The `histories` that end in the network of the other tables: none of methods that are restated at their end."""
    restated = {run.method for run in study.models if run.restated}
    return {method: runs for method, runs in histories(study).items() if method not in restated}


def gains(measured: Mapping[str, Mapping[tuple[str, int], list[dict]]], floor: str) -> dict[str, list[list[dict]]]:
    """Histories of target tune mIoU minus that of the method `floor`, same world, seed and iteration."""
    levels = {
        pair: {row["iteration"]: row[TUNE] for row in rows if TUNE in row} for pair, rows in measured[floor].items()
    }
    found: dict[str, list[list[dict]]] = {}
    for method, runs in measured.items():
        for pair in [pair for pair in runs if pair in levels] if method != floor else ():
            rows = [row for row in runs[pair] if TUNE in row and row["iteration"] in levels[pair]]
            gained = [{"iteration": r["iteration"], TUNE: r[TUNE] - levels[pair][r["iteration"]]} for r in rows]
            found.setdefault(method, []).append(gained)
    return found


def _tune(runs: Sequence[Run]) -> float:
    return mean_of(run.score("target_tune") for run in runs) or 0.0


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
