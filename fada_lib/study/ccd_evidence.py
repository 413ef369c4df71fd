"""Evidence on Class Center Distance (Eq. 9) for the paper's claims, paired by seed."""

from collections.abc import Callable

from scipy import stats

from fada_lib.plots.style import is_oracle
from fada_lib.study.results import Gap, Study
from fada_lib.study.statistics import Difference, paired_difference

FEWEST_METHODS = 4
"""A rank correlation over fewer methods says nothing."""


def lower_ccd(opponent: str) -> Callable[[Study, Gap | None], Difference | None]:
    """Mean CCD of `opponent` minus that of FADA with soft labels, plain numbers, paired by seed."""

    def measure(study: Study, gap: Gap | None) -> Difference | None:
        names = [study.representative(base) for base in (opponent, "fada_soft")]
        found = ccd_means(study, gap)
        if any(name not in found for name in names):
            return None
        return paired_difference(*names, *(found[name] for name in names))

    return measure


def agreement(study: Study, gap: Gap | None) -> Difference | None:
    """Spearman's rank correlation of low mean CCD with target mIoU over the methods, one value a seed; -1 to 1.

    Neither students count, whose features are a fresh network's, nor the oracle, nor the points of a grid that another
    stands for.
    """
    means = ccd_means(study, gap)
    compared = [name for name in study.reported_methods if not is_oracle(name) and not name.endswith("+sd")]
    names = [name for name in compared if name in means]
    values: dict[int, float] = {}
    for seed in sorted({seed for name in names for seed in means[name]}):
        miou = {name: _of_world(study.scores(name, gap=gap), study.analysed_world) for name in names}
        pairs = [(-means[name][seed], miou[name][seed]) for name in names if seed in means[name] and seed in miou[name]]
        if len(pairs) >= FEWEST_METHODS and all(len(set(side)) > 1 for side in zip(*pairs, strict=True)):
            values[seed] = float(stats.spearmanr(*zip(*pairs, strict=True)).statistic)
    return paired_difference("low CCD", "mIoU", values, dict.fromkeys(values, 0.0))


def ccd_means(study: Study, gap: Gap | None) -> dict[str, dict[int, float]]:
    """Method -> seed -> mean CCD in the one world that was analysed; empty if it is not of this gap."""
    wanted = gap or study.reported_gap
    if wanted is not None and study.gaps.get(study.analysed_world) != wanted:
        return {}
    found = {
        method: {int(seed): entry["mean"] for seed, entry in seeds.items() if entry.get("mean") is not None}
        for method, seeds in study.analysed("ccd").items()
    }
    return {method: seeds for method, seeds in found.items() if seeds}


def _of_world(scores: dict[tuple[str, int], float], world: str) -> dict[int, float]:
    """Seed -> score in one world; in any where none is named."""
    return {seed: value for (found, seed), value in scores.items() if found == world or not world}
