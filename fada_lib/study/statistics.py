"""Means, paired differences with t intervals, and Holm's adjustment; one seed has no spread, never a NaN."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import stats

LEVEL = 0.95
"""Coverage of every interval of the study."""


@dataclass(frozen=True)
class Summary:
    """Mean and sample SD of n values; `sd` is None for a single one."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Difference:
    """First minus second, paired by seed (and world).

    `interval` and `p` (two-sided paired t test) are None for a single pair; `p_holm` is set by `adjust`.
    """

    first: str
    second: str
    pairs: tuple[Hashable, ...]
    values: tuple[float, ...]
    summary: Summary
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None = None


def summarise(values: Sequence[float]) -> Summary | None:
    """Mean and SD (n - 1 in the denominator) of the values; None if there are none."""
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Summary(mean, None, 1)
    return Summary(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)), len(values))


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of the mean at `LEVEL`; None for fewer than two values."""
    summary = summarise(values)
    if summary is None or summary.sd is None:
        return None
    half = float(stats.t.ppf((1 + LEVEL) / 2, summary.n - 1)) * summary.sd / math.sqrt(summary.n)
    return summary.mean - half, summary.mean + half


def t_test(values: Sequence[float]) -> float | None:
    """Two-sided p of 'the mean is zero'; None for fewer than two values.

    Differences without any spread give 0, or 1 if they are all zero.
    """
    summary = summarise(values)
    if summary is None or summary.sd is None:
        return None
    if summary.sd == 0:
        return 1.0 if summary.mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(summary.mean) * math.sqrt(summary.n) / summary.sd, summary.n - 1))


def paired_difference(
    first: str, second: str, one: Mapping[Hashable, float], two: Mapping[Hashable, float]
) -> Difference | None:
    """Difference of two methods over the seeds that both have; None if they share none.

    Parameters
    ----------
    first, second : str
        What the two are called.
    one, two : mapping
        Seed (or any other key of the pair) -> score.
    """
    pairs = tuple(sorted(key for key in one if key in two))
    values = tuple(one[key] - two[key] for key in pairs)
    summary = summarise(values)
    if summary is None:
        return None
    return Difference(first, second, pairs, values, summary, t_interval(values), t_test(values))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment in the order given; a None stays None and does not count."""
    known = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * p))
        adjusted[index] = highest
    return adjusted


def adjust(differences: Sequence[Difference]) -> list[Difference]:
    """The differences as one family: the same, with `p_holm`."""
    adjusted = holm([d.p for d in differences])
    return [replace(difference, p_holm=p) for difference, p in zip(differences, adjusted, strict=True)]
