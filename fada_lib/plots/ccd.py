"""The paper's Fig. 4: Class Center Distance by class and method (low is tight and well separated)."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import method_colour, method_label, method_order, split_name, styled


@styled
def ccd_figure(ccd: Mapping[str, Mapping[object, Mapping[str, object]]], names: Sequence[str]) -> Figure:
    """Grouped bars: the classes, then mean and median over classes; error bars are one SD over seeds.

    Self-distilled methods have the colour of their teacher, hatched.

    Parameters
    ----------
    ccd : mapping
        Method name -> seed -> ``per_class`` (K values or None), ``mean``, ``median``.
    names : sequence of str
        K class names.

    Notes
    -----
    Two classes whose centres nearly meet give a CCD that would flatten all others: the axis is then cut and
    the bar carries its value.
    """
    methods = sorted(ccd, key=method_order)
    shown = [k for k in range(len(names)) if any(values_over_seeds(ccd[m], k) for m in methods)]
    columns = [*shown, "mean", "median"]
    places = np.arange(len(columns)) + np.where(np.arange(len(columns)) >= len(shown), 0.6, 0.0)
    figure, axes = plt.subplots(figsize=(max(11, 0.85 * len(columns) + 2), 5))
    width = 0.84 / len(methods)
    limit = _limit([v for m in methods for c in columns for v in values_over_seeds(ccd[m], c)])
    for index, method in enumerate(methods):
        left = places + width * (index - (len(methods) - 1) / 2)
        cells = [np.asarray(values_over_seeds(ccd[method], c), float) for c in columns]
        means = np.array([c.mean() if len(c) else np.nan for c in cells])
        spread = np.array([c.std(ddof=1) if len(c) > 1 else np.nan for c in cells])
        colour = method_colour(method)
        hatch = "////" if split_name(method)[2] else None
        axes.bar(left, means, width * 0.94, color=colour, hatch=hatch, edgecolor="white", label=method_label(method))
        if np.isfinite(spread).any():
            axes.errorbar(left, means, yerr=spread, linestyle="none", color="#333333", linewidth=1.2, capsize=2)
        for x, value in zip(left, means, strict=True):
            if np.isfinite(value) and value > limit:
                axes.text(x, 1.01 * limit, f"{value:.1f}", ha="center", va="bottom", color=colour, fontsize=12)
    if shown:
        axes.axvline((places[len(shown) - 1] + places[len(shown)]) / 2, color="#9e9e9e", linewidth=1, linestyle=":")
    axes.set_ylim(0, limit)
    labels = [names[c] if isinstance(c, int) else f"{c}" for c in columns]
    axes.set_xticks(places, labels, rotation=35, ha="right", rotation_mode="anchor")
    for tick in axes.get_xticklabels()[len(shown) :]:
        tick.set_fontweight("bold")
    axes.set_ylabel("Class Center Distance (Eq. 9)\nlower is better")
    axes.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=min(4, len(methods)))
    return figure


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
