"""What the notes under a report's tables must say of the runs: which worlds, which diverged, which are not there."""

from collections.abc import Iterable
from itertools import groupby

from fada_lib.plots.style import method_label
from fada_lib.study.plan import gap_words
from fada_lib.study.results import Study


def scope_note(study: Study) -> str:
    """Which worlds a table is about, where they differ in their gap; empty where they do not."""
    return "" if study.reported_gap is None else f" Worlds of {gap_words(*study.reported_gap)} only."


def diverged_note(study: Study) -> str:
    """Names the diverged networks, which stay in every mean and difference; empty if there is none."""
    told = _by_method((method_label(run.method), run.metrics["seed"]) for run in study.diverged)
    return f" Diverged, and counted as they are: {told}." if told else ""


def _by_method(pairs: Iterable[tuple[str, int]]) -> str:
    """``FADA, soft labels, seeds 1, 2; ...`` from pairs of label and seed."""
    grouped = [(label, sorted({seed for _, seed in members})) for label, members in groupby(sorted(pairs), _label)]
    return "; ".join(f"{label}, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}" for label, seeds in grouped)


def _label(pair: tuple[str, int]) -> str:
    return pair[0]
