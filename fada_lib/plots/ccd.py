"""The paper's Fig. 4: Class Center Distance by class and method (low is tight and well separated)."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from fada_lib.plots.style import method_colour, method_label, method_order, split_name, styled

CCD = Mapping[str, Mapping[object, Mapping[str, object]]]
"""Method name -> seed -> ``per_class`` (K values or None), ``mean``, ``median``."""
LABEL = "Class Center Distance (Eq. 9)\nlower is better"
MOST_BARS = 9
"""Methods that grouped bars can show; of more, the figure is a table of colours."""


@styled
def ccd_figure(ccd: CCD, names: Sequence[str]) -> Figure:
    """The classes, then mean and median over classes, for every method: bars, or cells where there are many methods.

    Parameters
    ----------
    ccd : mapping
        See `CCD`.
    names : sequence of str
        K class names.
    """
    methods = sorted(ccd, key=method_order)
    shown = [k for k in range(len(names)) if any(values_over_seeds(ccd[m], k) for m in methods)]
    columns = [*shown, "mean", "median"]
    labels = [names[c] if isinstance(c, int) else c for c in columns]
    figure, axes = _bars(ccd, methods, columns) if len(methods) <= MOST_BARS else _cells(ccd, methods, columns)
    axes.set_xticks(axes.get_xticks(), labels, rotation=35, ha="right", rotation_mode="anchor")
    for tick in axes.get_xticklabels()[-2:]:
        tick.set_fontweight("bold")
    return figure


def _bars(ccd: CCD, methods: Sequence[str], columns: Sequence[int | str]) -> tuple[Figure, plt.Axes]:
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
        means = _means(ccd[method], columns)
        cells = [np.asarray(values_over_seeds(ccd[method], c), float) for c in columns]
        spread = np.array([c.std(ddof=1) if len(c) > 1 else np.nan for c in cells])
        colour = method_colour(method)
        hatch = "////" if split_name(method)[2] else None
        axes.bar(left, means, width * 0.94, color=colour, hatch=hatch, edgecolor="white", label=method_label(method))
        if np.isfinite(spread).any():
            axes.errorbar(left, means, yerr=spread, linestyle="none", color="#333333", linewidth=1.2, capsize=2)
        for x, value in zip(left, means, strict=True):
            if np.isfinite(value) and value > limit:
                axes.text(x, 1.01 * limit, f"{value:.1f}", ha="center", va="bottom", color=colour, fontsize=12)
    if len(columns) > 2:
        axes.axvline((places[-3] + places[-2]) / 2, color="#9e9e9e", linewidth=1, linestyle=":")
    axes.set_ylim(0, limit)
    axes.set_xticks(places)
    axes.set_ylabel(LABEL)
    axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=min(4, len(methods)))
    return figure, axes


def _cells(ccd: CCD, methods: Sequence[str], columns: Sequence[int | str]) -> tuple[Figure, plt.Axes]:
    """One row a method, means over seeds in cells, coloured by their ratio to the column's median over the methods."""
    values = np.array([_means(ccd[method], columns) for method in methods])
    typical = [np.median(known) if (known := column[np.isfinite(column)]).size else 1.0 for column in values.T]
    figure, axes = plt.subplots(figsize=(0.85 * len(columns) + 4, 0.45 * len(methods) + 1.7))
    sns.heatmap(
        values / typical,
        ax=axes,
        cmap="PuOr",
        norm=LogNorm(0.4, 2.5),
        annot=values,
        fmt=".2f",
        annot_kws={"fontsize": 12},
        cbar_kws={"label": f"{LABEL}\ncolour: over the column's median", "fraction": 0.03, "pad": 0.02},
        yticklabels=[method_label(name) for name in methods],
    )
    colours = figure.axes[-1].yaxis
    colours.set_ticks([0.5, 1, 2], ["½", "1", "2"])
    colours.set_ticks([], minor=True)
    axes.axvline(len(columns) - 2, color="white", linewidth=6)
    axes.set_xticks(np.arange(len(columns)) + 0.5)
    axes.tick_params(length=0)
    plt.setp(axes.get_yticklabels(), rotation=0)
    return figure, axes


def _means(seeds: Mapping[object, Mapping[str, object]], columns: Sequence[int | str]) -> np.ndarray:
    """Mean over seeds of each column, NaN where there is none."""
    cells = [values_over_seeds(seeds, column) for column in columns]
    return np.array([np.mean(cell) if cell else np.nan for cell in cells])


def values_over_seeds(seeds: Mapping[object, Mapping[str, object]], column: int | str) -> list[float]:
    """Values of a class (by channel) or of ``mean`` / ``median`` over the seeds, missing ones left out."""
    cells = [entry["per_class"][column] if isinstance(column, int) else entry[column] for entry in seeds.values()]
    return [float(value) for value in cells if value is not None]


def _limit(values: Sequence[float]) -> float:
    """The end of the axis: all values, unless a few tower over the others."""
    if not values:
        return 1.0
    highest, usual = max(values), 4 * float(np.median(values))
    return 1.08 * highest if highest <= 1.5 * usual else usual
