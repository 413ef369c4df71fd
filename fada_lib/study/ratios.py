"""What lambda amounted to in a study's runs: the ratio of the gradients' norms on F, from their histories."""

import math
from collections.abc import Mapping, Sequence

from fada_lib.files import read_json_lines
from fada_lib.study.results import Run


def gradient_ratio(run: Run) -> float | None:
    """Geometric mean over the evaluations of an adaptation; None where none was measured, or none above 0 and finite.

    See `fada_lib.training.gradient_ratio`. A ratio has no unit and is read on a log axis, hence the geometric mean.
    """
    path = run.folder / "history.jsonl"
    rows = read_json_lines(path) if path.exists() else []
    ratios = [row["gradient_ratio"] for row in rows if "gradient_ratio" in row]
    return _geometric_mean([r for r in ratios if 0 < r < math.inf])


def mean_ratio(runs: Sequence[Run]) -> float | None:
    """Geometric mean of `gradient_ratio` over the runs that have one; None if none has."""
    return _geometric_mean([ratio for run in runs if (ratio := gradient_ratio(run))])


def by_ratio(runs_by_weight: Mapping[float, Sequence[Run]]) -> list[tuple[float, list]]:
    """(Geometric mean ratio over the runs, their target tune mIoU) in the order of lambda; unmeasured runs left out."""
    points = []
    for weight in sorted(runs_by_weight):
        measured = [
            (ratio, run.score("target_tune")) for run in runs_by_weight[weight] if (ratio := gradient_ratio(run))
        ]
        if measured:
            ratios, scores = zip(*measured, strict=True)
            points.append((_geometric_mean(ratios), list(scores)))
    return points


def _geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
