"""How the two domains differ before any network: class frequencies and colours."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, styled


@styled
def class_frequencies(source: Sequence[float], target: Sequence[float], class_set: ClassSet) -> Figure:
    """Share of pixels by class in both domains on a log axis, with the ratio target over source.

    Parameters
    ----------
    source, target : (K,) sequences
        Fractions of the labelled pixels, 0..1. A class that is absent gets no dot.
    """
    order = np.argsort(np.asarray(source) + np.asarray(target))
    figure, axes = plt.subplots(figsize=(10, 0.42 * len(class_set) + 1.8))
    seen = [v for v in (*source, *target) if v > 0]
    axes.set_xscale("log")
    axes.set_xlim(min(seen) / 1.6, min(1.0, max(seen) * 1.6))
    for line, k in enumerate(order):
        pair = (source[k], target[k])
        if all(v > 0 for v in pair):
            axes.plot(pair, (line, line), color="#bdbdbd", linewidth=4, solid_capstyle="round", zorder=1)
            text = f"× {_ratio(pair[1] / pair[0])}"
        else:
            text = "absent in " + " and ".join(n for n, v in zip(("source", "target"), pair, strict=True) if v <= 0)
        axes.text(1.01, line, text, transform=axes.get_yaxis_transform(), va="center", color="#4d4d4d")
    for values, colour, marker, label in (
        (source, SOURCE_COLOUR, "o", "source"),
        (target, TARGET_COLOUR, "D", "target"),
    ):
        dots = [(values[k], line) for line, k in enumerate(order) if values[k] > 0]
        axes.scatter(*zip(*dots, strict=True), s=70, color=colour, marker=marker, label=label, zorder=2)
    axes.set_yticks(range(len(order)), [class_set.names[k] for k in order])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))
    axes.set_xlabel("share of labelled pixels (log scale)")
    axes.text(1.01, 1.0, "target ÷ source", transform=axes.transAxes, va="bottom", color="#4d4d4d")
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return figure


@styled
def colour_histograms(source: Sequence[np.ndarray], target: Sequence[np.ndarray]) -> Figure:
    """Distribution of red, green and blue over all pixels of both domains.

    Parameters
    ----------
    source, target : sequences of (H, W, 3) uint8 arrays
    """
    figure, row = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True)
    edges = np.arange(0, 257, 4)
    for channel, (axes, name) in enumerate(zip(row, ("red", "green", "blue"), strict=True)):
        for images, colour, label in ((source, SOURCE_COLOUR, "source"), (target, TARGET_COLOUR, "target")):
            counts = sum(np.histogram(image[..., channel], edges)[0] for image in images)
            axes.stairs(100 * counts / counts.sum(), edges, color=colour, label=label, linewidth=2)
            axes.stairs(100 * counts / counts.sum(), edges, color=colour, alpha=0.15, fill=True)
        axes.set(xlabel=f"{name} (0..255)", xlim=(0, 256), xticks=(0, 64, 128, 192, 255))
        axes.grid(axis="y")
    row[0].set_ylabel("share of pixels (%)")
    row[2].legend()
    return figure


def _ratio(value: float) -> str:
    """Two significant digits without an exponent."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
