"""Does alignment of features go with better predictions? Rank correlations of a measure by class with IoU by class."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

FEWEST = 4
"""Pairs below which no rank correlation is given: of three, any order is likely by chance."""

PerClass = Sequence[float | None]
BySeed = Mapping[str, Mapping[str, PerClass]]
"""Method -> seed -> K values, None where there is none."""


def per_class(found: Mapping[str, Mapping[str, Mapping[str, object]]]) -> dict[str, dict[str, PerClass]]:
    """Method -> seed -> K values, of what an `Alignment` holds by method and seed."""
    return {method: {seed: entry["per_class"] for seed, entry in seeds.items()} for method, seeds in found.items()}


def seed_points(
    found: Mapping[str, Mapping[str, Mapping[str, object]]], iou: BySeed
) -> dict[str, list[tuple[float, float]]]:
    """Method -> (mean over the classes of what an `Alignment` holds, mIoU 0..1) of each seed that has both."""
    points = {}
    for method, seeds in found.items():
        measured = {seed: entry["mean"] for seed, entry in seeds.items() if entry["mean"] is not None}
        scores = {seed: _mean(np.array(values, float)) for seed, values in iou.get(method, {}).items()}
        if both := [(measured[seed], scores[seed]) for seed in measured if seed in scores]:
            points[method] = both
    return points


def paired_means(measure: BySeed, iou: BySeed) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Of both, method -> (K,) means over the seeds in which a class has both values; NaN where none has.

    A diverged network has an IoU and no features to measure: it may not count on one side only.
    """
    means: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = {}, {}
    for method in (method for method in measure if method in iou):
        seeds = [seed for seed in measure[method] if seed in iou[method]]
        tables = np.array([[found[method][seed] for seed in seeds] for found in (measure, iou)], float)
        known = np.isfinite(tables).all(axis=0)
        counts = known.sum(axis=0)
        for side, table in zip(means, tables, strict=True):
            totals = np.where(known, table, 0.0).sum(axis=0)
            side[method] = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
    return means


def relation(
    measure: Mapping[str, np.ndarray], iou: Mapping[str, np.ndarray], scopes: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Spearman's rank correlation of a measure with IoU, in the directions that a claim could mean.

    Parameters
    ----------
    measure, iou : mapping
        Method -> (K,) values, NaN where there is none; see `paired_means`.
    scopes : mapping
        Name -> the methods that a correlation over methods is over: it may depend on them.

    Returns
    -------
    dict
        ``of_means``: scope -> one entry in a list, over its methods: has the method with the lower mean over the
        classes the higher mIoU? ``within_class``: scope -> K entries, over its methods: is the method with the lower
        value better at this class? ``within_method``: method of any scope -> one entry, over the classes: are its
        classes of lower value its better ones? An entry is ``{"rho": -1..1, "n": pairs}``, or None with fewer than
        `FEWEST` pairs or a side that is constant.
    """
    members = {scope: [m for m in methods if m in measure and m in iou] for scope, methods in scopes.items()}
    every = dict.fromkeys(method for methods in members.values() for method in methods)
    of_means, within_class = {}, {}
    for scope, methods in members.items():
        x, y = (np.array([values[method] for method in methods]) for values in (measure, iou))
        within_class[scope] = [_correlation(*pair) for pair in zip(x.T, y.T, strict=True)]
        of_means[scope] = [_correlation(np.array([_mean(row) for row in x]), np.array([_mean(row) for row in y]))]
    within_method = {method: _correlation(measure[method], iou[method]) for method in every}
    return {"of_means": of_means, "within_class": within_class, "within_method": within_method}


def relate(
    measured: Mapping[str, Mapping[str, Mapping[str, Mapping[str, object]]]],
    iou: BySeed,
    scopes: Mapping[str, Sequence[str]],
) -> tuple[dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]], dict[str, dict[str, object]]]:
    """Name of a measure -> its `paired_means` with the IoU, and their `relation`, of what an `Alignment` holds."""
    means = {name: paired_means(per_class(found), iou) for name, found in measured.items()}
    return means, {name: relation(*pair, scopes) for name, pair in means.items()}


def _correlation(x: np.ndarray, y: np.ndarray) -> dict[str, float | int] | None:
    """Spearman's rho of the pairs of finite values in two (N,) arrays, as an entry of `relation`."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return {"rho": float(spearmanr(x, y).statistic), "n": len(x)}


def _mean(values: np.ndarray) -> float:
    """Mean of the finite values, NaN of none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
