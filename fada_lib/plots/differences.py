"""Paired differences between methods: one dot a pair of runs, their mean and its t interval."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from fada_lib.plots.style import styled

_LINE, _GAP = 0.42, 1.3
"""Inches a row, and rows that a heading takes."""


@styled
def differences_figure(
    labels: Sequence[str],
    values: Sequence[Sequence[float]],
    intervals: Sequence[tuple[float, float] | None],
    groups: Sequence[str] = (),
) -> Figure:
    """Differences in target mIoU with a line at zero; without spread (one pair) only the dot is drawn.

    Parameters
    ----------
    labels : sequence of str
        What is compared, e.g. ``FADA, soft labels − Binary discriminator``.
    values : sequence of sequences
        Difference per pair, fractions of 1.
    intervals : sequence of (low, high) or None
        95 % t interval of the mean, fractions of 1.
    groups : sequence of str
        Heading under which each row stands, rows of one heading together; empty for none.
    """
    heights = _heights(groups or [""] * len(labels))
    top, bottom = heights[0] + (1.4 if groups else 0.7), heights[-1] - 0.7
    figure, axes = plt.subplots(figsize=(11.5, _LINE * (top - bottom) + 1.0))
    everything = 100 * np.array([0.0, *(v for row in values for v in row), *(b for i in intervals if i for b in i)])
    span = max(2.0, float(np.ptp(everything)))
    for height, row, interval in zip(heights, values, intervals, strict=True):
        points = 100 * np.asarray(row, float)
        colour = "#0072B2" if points.mean() >= 0 else "#D55E00"
        if interval:
            axes.plot(100 * np.asarray(interval), (height, height), color=colour, linewidth=3, alpha=0.45)
        axes.scatter(points, np.full(len(points), height), s=24, color=colour, alpha=0.6, zorder=2)
        axes.scatter(points.mean(), height, s=85, color=colour, edgecolor="white", marker="D", zorder=3)
        text = f"{points.mean():+.1f}".replace("-", "−")
        axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), va="center")
    left = everything.min() - 0.06 * span
    from_the_edge = blended_transform_factory(figure.transFigure, axes.transData)
    for index, heading in enumerate(groups):
        if index == 0 or groups[index - 1] != heading:
            place = {"transform": from_the_edge, "va": "bottom", "in_layout": False, "zorder": 4}
            over_the_lines = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(0.01, heights[index] + 0.5, heading, weight="bold", fontsize=12, bbox=over_the_lines, **place)
    axes.axvline(0, color="#4d4d4d", linewidth=1.2, zorder=0)
    axes.set_yticks(heights, labels)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(left, everything.max() + 0.06 * span)
    axes.set_ylim(bottom, top)
    shown = "; bar: 95 % t interval" if any(intervals) else "; one seed, no spread"
    axes.set_xlabel(f"difference in target mIoU (points){shown}")
    axes.grid(axis="x")
    return figure


def _heights(groups: Sequence[str]) -> list[float]:
    """Where each row lies, downwards from 0, with room above the first of each group that has a heading."""
    heights, height = [], 0.0
    for index, group in enumerate(groups):
        height -= 1.0 + (_GAP if group and (index == 0 or groups[index - 1] != group) else 0.0)
        heights.append(height)
    return heights
