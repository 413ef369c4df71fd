"""Dose and response: what FADA gains over the binary baseline as the target's district moves from the source's."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import styled


@styled
def dose_figure(
    shifts: Sequence[float],
    values: Sequence[Sequence[float]],
    intervals: Sequence[tuple[float, float] | None],
    label: str = "FADA, soft labels − Binary discriminator",
    level: float = 0.95,
) -> Figure:
    """Paired differences against the strength of the label shift; dots are seeds, the bar a t interval.

    Parameters
    ----------
    shifts : sequence of float
        Strength of the label shift, 0 (the source's district) to 1 (another: frequencies, sizes and layout).
    values : sequence of sequences
        Difference in target mIoU per seed at each shift, fractions of 1.
    intervals : sequence of (low, high) or None
        t interval of the mean at `level`, fractions of 1.
    """
    figure, axes = plt.subplots(figsize=(9, 5))
    means = [100 * float(np.mean(row)) for row in values]
    axes.axhline(0, color="#4d4d4d", linewidth=1.2)
    axes.plot(shifts, means, color="#0072B2", marker="D", markersize=10, zorder=3)
    for shift, row, interval, mean in zip(shifts, values, intervals, means, strict=True):
        if interval:
            axes.plot((shift, shift), 100 * np.asarray(interval), color="#0072B2", linewidth=5, alpha=0.3)
        axes.scatter(np.full(len(row), shift), 100 * np.asarray(row), s=30, color="#0072B2", alpha=0.6)
        text = f"{mean:+.1f}".replace("-", "−")
        axes.annotate(text, (shift, mean), xytext=(13, -20), textcoords="offset points", weight="bold")
    axes.set_xticks(list(shifts), [f"{s:g}" for s in shifts])
    axes.margins(x=0.12)
    shown = f"\nbar: {100 * level:.0f} % t interval" if any(intervals) else "\none seed, no spread"
    axes.set(xlabel="label shift (0: the source's district, 1: another, in frequencies, sizes and layout)")
    axes.set_ylabel(f"difference in target mIoU (points){shown}")
    axes.set_title(label)
    axes.grid(axis="y")
    return figure
