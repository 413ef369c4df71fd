"""The paper's Fig. 4: Class Center Distance by class and method (low is compact and well separated)."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.class_cells import MOST_MARKS, draw_cells, name_columns
from fada_lib.plots.over_seeds import (
    BySeed,
    means_over_seeds,
    measured_columns,
    spreads_over_seeds,
    values_over_seeds,
)
from fada_lib.plots.style import method_colour, method_label, method_order, split_name, styled

LABEL = "Class Center Distance (Eq. 9)\nlower: more compact, further apart"
SPREAD = "\nline: one standard deviation over seeds"


@styled
def ccd_figure(ccd: Mapping[str, BySeed], names: Sequence[str]) -> Figure:
    """The classes, then mean and median over classes, for every method: bars, or cells where there are many methods.

    Parameters
    ----------
    ccd : mapping
        Method name -> its values by seed.
    names : sequence of str
        K class names.
    """
    methods = sorted(ccd, key=method_order)
    columns = measured_columns(ccd, len(names))
    if len(methods) <= MOST_MARKS:
        figure, axes = _bars(ccd, methods, columns)
    else:
        label = "Class Center Distance (Eq. 9)\ncolour: ÷ median of its column"
        figure, axes = draw_cells(ccd, methods, columns, label, relative=True)
    name_columns(axes, columns, names)
    return figure


def _bars(ccd: Mapping[str, BySeed], methods: Sequence[str], columns: Sequence[int | str]) -> tuple[Figure, plt.Axes]:
    """Grouped bars; error bars are one SD over seeds. Self-distilled methods are hatched, in their teacher's colour.

    Two classes whose centres nearly meet give a CCD that would flatten all others: the axis is then cut and the bar
    carries its value.
    """
    places = np.arange(len(columns)) + np.where(np.arange(len(columns)) >= len(columns) - 2, 0.6, 0.0)
    figure, axes = plt.subplots(figsize=(max(11, 0.85 * len(columns) + 2), 5))
    width = 0.84 / len(methods)
    limit = _limit([v for m in methods for c in columns for v in values_over_seeds(ccd[m], c)])
    for index, method in enumerate(methods):
        left = places + width * (index - (len(methods) - 1) / 2)
        means = means_over_seeds(ccd[method], columns)
        spreads = spreads_over_seeds(ccd[method], columns)
        colour = method_colour(method)
        hatch = "////" if split_name(method)[2] else None
        axes.bar(left, means, width * 0.94, color=colour, hatch=hatch, edgecolor="white", label=method_label(method))
        if np.isfinite(spreads).any():
            axes.errorbar(left, means, yerr=spreads, linestyle="none", color="#333333", linewidth=1.2, capsize=2)
        for x, value in zip(left, means, strict=True):
            if np.isfinite(value) and value > limit:
                axes.text(x, 1.01 * limit, f"{value:.1f}", ha="center", va="bottom", color=colour, fontsize=12)
    if len(columns) > 2:
        axes.axvline((places[-3] + places[-2]) / 2, color="#9e9e9e", linewidth=1, linestyle=":")
    axes.set_ylim(0, limit)
    axes.set_xticks(places)
    several = any(len(values_over_seeds(ccd[m], c)) > 1 for m in methods for c in columns)
    axes.set_ylabel(LABEL + SPREAD * several)
    axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=min(4, len(methods)))
    return figure, axes


def _limit(values: Sequence[float]) -> float:
    """The end of the axis: all values, unless a few tower over the others."""
    if not values:
        return 1.0
    highest, usual = max(values), 4 * float(np.median(values))
    return 1.08 * highest if highest <= 1.5 * usual else usual
