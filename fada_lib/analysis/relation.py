"""Does alignment of features go with better predictions? Rank correlations of a measure by class with IoU by class."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from fada_lib.files import read_json, resolve

FEWEST = 4
"""Pairs below which no rank correlation is given: of three, any order is likely by chance."""

PerClass = Sequence[float | None]


def target_iou(runs: Iterable[str]) -> dict[str, dict[str, PerClass]]:
    """Method -> seed -> K IoU on the target's val part, single scale, from the runs' metrics.

    Self-distilled methods end in ``+sd``, as in `fada_lib.analysis.alignment.analyse`.
    """
    found: dict[str, dict[str, PerClass]] = {}
    for run in runs:
        metrics = read_json(resolve(run) / "metrics.json")
        method = metrics["method"] + ("+sd" if metrics["self_distilled"] else "")
        found.setdefault(method, {})[str(metrics["seed"])] = metrics["evaluation"]["target_val"]["single"]["iou"]
    return found


def per_class(found: Mapping[str, Mapping[str, Mapping[str, object]]]) -> dict[str, dict[str, PerClass]]:
    """Method -> seed -> K values, of what an `Alignment` holds by method and seed."""
    return {method: {seed: entry["per_class"] for seed, entry in seeds.items()} for method, seeds in found.items()}


def class_means(values: Mapping[str, Mapping[str, PerClass]]) -> dict[str, np.ndarray]:
    """Method -> (K,) means over the seeds, NaN where no seed has a value."""
    means = {}
    for method, seeds in values.items():
        table = np.array([[np.nan if v is None else v for v in row] for row in seeds.values()], float)
        known = np.isfinite(table).sum(axis=0)
        means[method] = np.where(known > 0, np.nansum(table, axis=0) / np.maximum(known, 1), np.nan)
    return means


def relation(measure: Mapping[str, np.ndarray], iou: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Spearman's rank correlation of a measure with IoU, in the two directions that a claim could mean.

    Parameters
    ----------
    measure, iou : mapping
        Method -> (K,) values, NaN where there is none; see `class_means`.

    Returns
    -------
    dict
        ``within_class``: K entries, over the methods: is the method with the lower value better at this class?
        ``within_method``: one entry a method, over the classes: are the classes of lower value its better ones?
        An entry is ``{"rho": -1..1, "n": pairs}``, or None with fewer than `FEWEST` pairs or a side that is constant.
    """
    methods = [method for method in measure if method in iou]
    x, y = (np.array([values[method] for method in methods]) for values in (measure, iou))
    return {
        "within_class": [_correlation(*pair) for pair in zip(x.T, y.T, strict=True)],
        "within_method": {method: _correlation(*pair) for method, *pair in zip(methods, x, y, strict=True)},
    }


def _correlation(x: np.ndarray, y: np.ndarray) -> dict[str, float | int] | None:
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return {"rho": float(spearmanr(x, y).statistic), "n": len(x)}
