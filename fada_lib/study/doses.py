"""Dose and response: how the gain of class-level alignment moves with the gap between the domains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fada_lib.study.comparisons import SOFT_LABELS, difference
from fada_lib.study.results import Gap, Study
from fada_lib.study.statistics import Difference, adjust, paired_difference, summarise, t_interval

SHIFTS = {"label": "label shift", "appearance": "appearance shift"}
"""Field of a `Gap` -> its name."""
OPPONENTS = ("source_continued", "binary", "adaptsegnet")
"""No alignment at all, and global alignment, which takes no notice of classes: of features, and of outputs."""


@dataclass(frozen=True)
class Response:
    """FADA minus one opponent over the doses of one shift, the other shift kept at its strongest.

    Attributes
    ----------
    shift : str
        A key of `SHIFTS`.
    steps : dict
        Dose -> difference in target mIoU, fractions of 1, paired by (world seed, seed), Holm-adjusted over the doses.
    trend : Difference or None
        Slope of the difference over the dose (fraction of mIoU per unit of shift) of each (world seed, seed) that has
        every dose, by least squares; None if none has.
    """

    shift: str
    first: str
    second: str
    steps: dict[float, Difference]
    trend: Difference | None


def responses(study: Study) -> list[Response]:
    """Every response that the study's worlds allow; the trends are Holm-adjusted as one family."""
    found = [
        made
        for shift in SHIFTS
        for fada in SOFT_LABELS
        for opponent in OPPONENTS
        if (made := _response(study, shift, study.representative(fada), study.representative(opponent)))
    ]
    trends = iter(adjust([made.trend for made in found if made.trend]))
    return [replace(made, trend=next(trends)) if made.trend else made for made in found]


def doses(study: Study, shift: str) -> dict[float, Gap]:
    """Dose of one shift -> the gap that has it, the other shift kept as in the reported gap; empty below two doses."""
    reported = study.reported_gap
    other = next(name for name in SHIFTS if name != shift)
    gaps = [gap for gap in set(study.gaps.values()) if reported and getattr(gap, other) == getattr(reported, other)]
    found = {getattr(gap, shift): gap for gap in sorted(gaps)}
    return found if len(found) > 1 else {}


def world_interval(d: Difference) -> tuple[float, float] | None:
    """t interval of a response's step or trend with worlds, not runs, as what was sampled; None for a single world."""
    return t_interval([summarise(values).mean for values in by_world(d).values()])


def by_world(d: Difference) -> dict[int, list[float]]:
    """World seed -> values per training seed of a response's step or trend."""
    found: dict[int, list[float]] = {}
    for (world_seed, _), value in zip(d.pairs, d.values, strict=True):
        found.setdefault(world_seed, []).append(value)
    return found


def _response(study: Study, shift: str, first: str | None, second: str | None) -> Response | None:
    gaps = doses(study, shift)
    if first is None or second is None or not gaps:
        return None
    found = {dose: difference(study, first, second, gap) for dose, gap in gaps.items()}
    known = {dose: _by_world_seed(study, d) for dose, d in found.items() if d is not None}
    steps = dict(zip(known, adjust(list(known.values())), strict=True))
    return Response(shift, first, second, steps, _trend(first, second, steps)) if len(steps) > 1 else None


def _by_world_seed(study: Study, d: Difference) -> Difference:
    """The same difference, its pairs named by the world's seed: worlds of one seed are one world at several doses."""
    return replace(d, pairs=tuple((study.world_seeds.get(world, 0), seed) for world, seed in d.pairs))


def _trend(first: str, second: str, steps: dict[float, Difference]) -> Difference | None:
    """Slopes of the pairs of seeds that have every dose."""
    tables = [dict(zip(d.pairs, d.values, strict=True)) for d in steps.values()]
    common = set.intersection(*(set(table) for table in tables))
    slopes = {pair: slope(list(steps), [table[pair] for table in tables]) for pair in common}
    return paired_difference(first, second, slopes, dict.fromkeys(slopes, 0.0))


def slope(doses: Sequence[float], values: Sequence[float]) -> float:
    """Least-squares slope of the values over at least two different doses."""
    middle = sum(doses) / len(doses)
    return sum((x - middle) * y for x, y in zip(doses, values, strict=True)) / sum((x - middle) ** 2 for x in doses)
