"""What lambda amounted to in a study's runs: the ratio of the gradients' norms on F, from their histories."""

import math
from collections.abc import Iterable, Mapping, Sequence

from fada_lib.study.results import Run


def mean_over_training(history: Iterable[Mapping[str, float]]) -> float | None:
    """Mean of ``gradient_ratio`` over the evaluations of an adaptation; None where none was measured, or all are 0.

    See `fada_lib.training.gradient_ratio`. An arithmetic mean, for CLAN's schedule fades its terms to nothing: in a
    geometric one the last evaluation would count as much as all before it.
    """
    measured = [row["gradient_ratio"] for row in history if row.get("gradient_ratio") is not None]
    ratios = [ratio for ratio in measured if math.isfinite(ratio)]
    return math.fsum(ratios) / len(ratios) if any(ratios) else None


def mean_ratio(runs: Sequence[Run]) -> float | None:
    """Geometric mean of `mean_over_training` over the runs that have one, for it is read on a log axis; else None."""
    return _geometric_mean([ratio for run in runs if (ratio := mean_over_training(run.history))])


def by_ratio(runs_by_weight: Mapping[float, Sequence[Run]]) -> list[tuple[float, list]]:
    """(Geometric mean ratio over the runs, their target tune mIoU) in the order of lambda; unmeasured runs left out."""
    points = []
    for weight in sorted(runs_by_weight):
        measured = [
            (ratio, run.score("target_tune"))
            for run in runs_by_weight[weight]
            if (ratio := mean_over_training(run.history))
        ]
        if measured:
            ratios, scores = zip(*measured, strict=True)
            points.append((_geometric_mean(ratios), list(scores)))
    return points


def _geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
