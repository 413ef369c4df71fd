"""FADA against the binary discriminator, class by class."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from fada_lib.plots.style import method_colour, method_label, method_order, styled

Gain = tuple[float, tuple[float, float] | None]
"""Mean difference in IoU and its interval, fractions; no interval for a single pair."""


@styled
def class_gain_figure(gains: Mapping[str, Sequence[Gain | None]], names: Sequence[str]) -> Figure:
    """One column a class, one mark a variant of FADA with its interval; filled where that leaves out zero.

    Parameters
    ----------
    gains : mapping
        Method name -> K differences from the binary discriminator, None for a class that was not measured.
    names : sequence of str
        K class names.
    """
    figure, axes = plt.subplots(figsize=(12, 5))
    methods = sorted(gains, key=method_order)
    for place, name in enumerate(methods):
        shift = 0.22 * (place - (len(methods) - 1) / 2)
        colour = method_colour(name)
        axes.plot([], [], marker="o", linestyle="", color=colour, label=method_label(name))
        for k, gain in enumerate(gains[name]):
            if gain is None:
                continue
            mean, interval = gain
            decided = interval is not None and not interval[0] <= 0 <= interval[1]
            if interval is not None:
                ends = [100 * bound for bound in interval]
                axes.plot([k + shift] * 2, ends, color=colour, linewidth=2, zorder=2)
            face = colour if decided else "white"
            axes.plot(k + shift, 100 * mean, marker="o", markersize=8, color=colour, markerfacecolor=face, zorder=3)
    axes.axhline(0.0, color="#4d4d4d", linewidth=1.0, zorder=1)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_ylabel("IoU minus that of the\nbinary discriminator (points)")
    axes.grid(axis="y")
    title = "bar: 95 % t interval; filled: it leaves out zero"
    figure.legend(loc="outside upper center", ncols=len(methods), title=title, title_fontsize="medium")
    return figure
