"""Paired differences between methods: one dot a seed, their mean and its t interval."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import styled


@styled
def differences_figure(
    labels: Sequence[str],
    values: Sequence[Sequence[float]],
    intervals: Sequence[tuple[float, float] | None],
    level: float = 0.95,
) -> Figure:
    """Differences in target mIoU with a line at zero; without spread (one seed) only the dot is drawn.

    Parameters
    ----------
    labels : sequence of str
        What is compared, e.g. ``FADA, soft labels − Binary discriminator``.
    values : sequence of sequences
        Difference per seed, fractions of 1.
    intervals : sequence of (low, high) or None
        t interval of the mean at `level`, fractions of 1.
    """
    figure, axes = plt.subplots(figsize=(11, 0.55 * len(labels) + 1.5))
    everything = 100 * np.array([0.0, *(v for row in values for v in row), *(b for i in intervals if i for b in i)])
    span = max(2.0, float(np.ptp(everything)))
    for line, (row, interval) in enumerate(zip(values, intervals, strict=True)):
        points, height = 100 * np.asarray(row, float), -line
        colour = "#0072B2" if points.mean() >= 0 else "#D55E00"
        if interval:
            axes.plot(100 * np.asarray(interval), (height, height), color=colour, linewidth=3, alpha=0.45)
        axes.scatter(points, np.full(len(points), height), s=28, color=colour, alpha=0.6, zorder=2)
        axes.scatter(points.mean(), height, s=110, color=colour, edgecolor="white", marker="D", zorder=3)
        text = f"{points.mean():+.1f}".replace("-", "−")
        axes.text(1.01, height, text, transform=axes.get_yaxis_transform(), va="center")
    axes.axvline(0, color="#4d4d4d", linewidth=1.2)
    axes.set_yticks([-line for line in range(len(labels))], labels)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(everything.min() - 0.06 * span, everything.max() + 0.06 * span)
    axes.set_ylim(-len(labels) + 0.4, 0.6)
    shown = f"; bar: {100 * level:.0f} % t interval" if any(intervals) else "; one seed, no spread"
    axes.set_xlabel(f"difference in target mIoU (points){shown}")
    axes.grid(axis="x")
    return figure
