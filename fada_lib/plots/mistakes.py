"""What a class is taken for under each method, and what becomes of the source model's mistakes."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fada_lib.data.classes import ClassSet
from fada_lib.plots.over_seeds import spread
from fada_lib.plots.style import class_colours, class_legend, method_label, method_order, styled

FATES: dict[str, tuple[str, str]] = {
    "mended": ("mended", "#44AA99"),
    "exchanged": ("exchanged for another mistake", "#DDDDDD"),
    "kept": ("kept", "#777777"),
    "lost": ("lost", "#CC6677"),
}
"""Key of `fada_lib.analysis.mistakes.fate` -> legend and colour."""
_NAMED = 33
"""Percent of a class from which on what it is wrongly taken for is named in the bar, not in the legend alone."""


@styled
def taken_for_figure(
    confusion: Mapping[str, Mapping[object, Sequence[Sequence[int]]]], methods: Sequence[str], class_set: ClassSet
) -> Figure:
    """One panel a class: what its target pixels are predicted as, one bar a method, mean over seeds.

    The share that is predicted rightly stands in front and is printed at the right, in percent; big mistakes are named.

    Parameters
    ----------
    confusion : mapping
        Method name -> seed -> (K, K) counts of pixels, [truth, prediction].
    methods : sequence of str
        Which to show, from top to bottom, at least one; all have counts of at least one pixel.
    class_set : ClassSet
    """
    shares = {name: _mean_shares(confusion[name].values()) for name in methods}
    shown = [k for k in range(len(class_set)) if any(np.isfinite(table[k]).all() for table in shares.values())]
    rows = -(-len(shown) // 4)
    size = (16, rows * (0.4 * len(shares) + 0.8) + 2.1)
    figure, grid = plt.subplots(rows, 4, figsize=size, squeeze=False, sharex=True, sharey=True)
    for axes, k in zip(grid.flat, shown, strict=False):
        _class_panel(axes, [table[k] for table in shares.values()], k, class_set)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes in grid.flat[max(0, len(shown) - 4) : len(shown)]:
        axes.set_xlabel("predicted as (%)", fontsize=16)
        axes.tick_params(labelbottom=True)
    for axes in grid.flat:
        axes.tick_params(labelsize=16)
    grid[0, 0].set_yticks(range(len(shares)), [method_label(name) for name in shares])
    grid[0, 0].invert_yaxis()
    class_legend(figure, class_set)
    return figure


def _class_panel(axes: Axes, bars: Sequence[np.ndarray], k: int, class_set: ClassSet) -> None:
    """One bar of shares a method: the true class first, then the others in channel order."""
    order = [k, *(j for j in range(len(class_set)) if j != k)]
    colours = class_colours(class_set)
    for line, shares in enumerate(bars):
        values = 100 * shares[order]
        starts = np.concatenate([[0.0], values.cumsum()[:-1]])
        axes.barh(line, values, left=starts, color=[colours[j] for j in order], height=0.78)
        for j, start, width in zip(order[1:], starts[1:], values[1:], strict=True):
            if width >= _NAMED:
                style = {"color": _readable_on(colours[j]), "fontsize": 13, "ha": "center", "va": "center"}
                axes.text(start + width / 2, line, class_set.names[j], **style)
        axes.plot([values[0]] * 2, [line - 0.39, line + 0.39], color="white", linewidth=3)
        axes.text(102, line, f"{values[0]:.0f}", va="center", fontsize=16)
    axes.set_title(class_set.names[k], fontsize=17)
    axes.set_xlim(0, 118)
    axes.set_xticks((0, 50, 100))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _readable_on(colour: tuple[float, float, float]) -> str:
    """Black or white, whichever stands out on an RGB colour in 0..1."""
    return "black" if np.dot(colour, (0.299, 0.587, 0.114)) > 0.5 else "white"


@styled
def fate_figure(mistakes: Mapping[str, Mapping[object, Mapping[str, float | None]]]) -> Figure:
    """Left: of the pixels that the source model got wrong, how many a method mends; right: of the right ones, it loses.

    Bars are means over seeds, lines one standard deviation each way, of the mended and of the lost; one scale for both.

    Parameters
    ----------
    mistakes : mapping
        Method name -> seed -> ``mended``, ``exchanged``, ``kept``, ``lost``, fractions 0..1.
    """
    names = sorted(mistakes, key=method_order)
    size = (13, 0.42 * len(names) + 2.0)
    most = max(float(np.nansum(_mean_and_spread(seeds.values(), "lost"))) for seeds in mistakes.values())
    lost = max(20.0, 1.05 * most)
    figure, (left, right) = plt.subplots(1, 2, figsize=size, sharey=True, gridspec_kw={"width_ratios": (100, lost)})
    for axes, keys in ((left, ("mended", "exchanged", "kept")), (right, ("lost",))):
        starts = np.zeros(len(names))
        for key in keys:
            means, spreads = zip(*(_mean_and_spread(mistakes[name].values(), key) for name in names), strict=True)
            label, colour = FATES[key]
            style = {"xerr": spreads, "error_kw": {"elinewidth": 1.4}} if key in ("mended", "lost") else {}
            axes.barh(range(len(names)), means, left=starts, color=colour, height=0.72, label=label, **style)
            starts += np.asarray(means)
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    left.set_yticks(range(len(names)), [method_label(name) for name in names])
    left.invert_yaxis()
    left.set_xlim(0, 100)
    right.set_xlim(0, lost)
    spread_words = "\nline: one standard deviation over seeds" if any(len(s) > 1 for s in mistakes.values()) else ""
    left.set_xlabel(f"of the pixels that the source model got wrong (%){spread_words}")
    right.set_xlabel("of those it got\nright (%)")
    figure.legend(loc="outside upper center", ncols=len(FATES))
    return figure


def _mean_shares(tables: Sequence[Sequence[Sequence[int]]]) -> np.ndarray:
    """(K, K) row-normalised counts, mean over seeds; NaN rows for classes without a pixel."""
    counts = np.asarray(list(tables), float)
    pixels = counts.sum(axis=2, keepdims=True)
    return np.divide(counts, pixels, out=np.full_like(counts, np.nan), where=pixels > 0).mean(axis=0)


def _mean_and_spread(seeds: Sequence[Mapping[str, float | None]], key: str) -> tuple[float, float]:
    """Mean and standard deviation over seeds in percent; none at all is drawn as 0."""
    values = 100 * np.array([entry[key] for entry in seeds if entry[key] is not None])
    return (values.mean() if len(values) else 0.0), spread(values)
