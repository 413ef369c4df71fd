"""The paper's Fig. 3 from real predictions: a pixel's domain encoding as binary, hard and soft labels."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fada_lib.data.classes import IGNORE, ClassSet
from fada_lib.methods.options import FadaOptions
from fada_lib.plots.style import (
    SOURCE_COLOUR,
    TARGET_COLOUR,
    class_colours,
    class_legend,
    styled,
    without_frame,
)


@styled
def encodings_figure(
    image: np.ndarray,
    truth: np.ndarray,
    pixels: Sequence[tuple[int, int]],
    soft: np.ndarray,
    hard: np.ndarray,
    class_set: ClassSet,
    options: FadaOptions,
    domain: str = "target",
) -> Figure:
    """One row a pixel: where it is, and its encoding in the three forms.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    truth : (H, W) array
        Its channels, written under the pixels; the encodings do not know them.
    pixels : sequence of (row, column)
        P positions in the image.
    soft, hard : (P, K) arrays
        Class knowledge of Eq. 8 and Eq. 7, each 0..1. A row of zeros is a pixel that hard labels ignore.
    options : FadaOptions
        Temperature, clipping and threshold that they were made with, for the titles.
    domain : str
        ``source`` fills the first half of the 2K entries, ``target`` the second; the other half is zero.
    """
    ratios = {"width_ratios": (1.9, 1.1, 2.4, 2.4)}
    size = (13, 1.75 * len(pixels) + 1.7)
    figure, grid = plt.subplots(len(pixels), 4, figsize=size, squeeze=False, gridspec_kw=ratios, sharey=False)
    for line, pixel, soft_row, hard_row in zip(grid, pixels, soft, hard, strict=True):
        _crop(line[0], image, pixel)
        known = truth[pixel] != IGNORE
        line[0].set_xlabel(f"truth: {class_set.names[truth[pixel]] if known else 'no label'}", color="#6b6b6b")
        _binary(line[1], domain)
        _fine(line[2], hard_row, class_set, domain)
        _fine(line[3], soft_row, class_set, domain)
    hard_words = f"hard, Eq. 7 (at least {options.threshold} sure)"
    soft_words = f"soft, Eq. 8 (T = {options.temperature}, clipped at {options.clip})"
    titles = (f"pixel of a {domain} image", "binary", hard_words, soft_words)
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title)
    class_legend(figure, class_set)
    return figure


def _crop(axes: Axes, image: np.ndarray, pixel: tuple[int, int]) -> None:
    """The surroundings of the pixel, half the image wide, with the pixel marked."""
    height, width = image.shape[:2]
    rows, columns = max(8, height // 2), max(16, width // 2)
    top = int(np.clip(pixel[0] - rows // 2, 0, height - rows))
    left = int(np.clip(pixel[1] - columns // 2, 0, width - columns))
    axes.imshow(image[top : top + rows, left : left + columns])
    for size, colour in ((15, "black"), (12, "white")):
        style = {"marker": "s", "markersize": size, "markerfacecolor": "none", "markeredgecolor": colour}
        axes.plot(pixel[1] - left, pixel[0] - top, markeredgewidth=1.8, **style)
    without_frame(axes)


def _binary(axes: Axes, domain: str) -> None:
    """[1, 0] for the source, [0, 1] for the target."""
    axes.bar((0, 1), (domain == "source", domain == "target"), color=(SOURCE_COLOUR, TARGET_COLOUR), width=0.7)
    axes.set(xlim=(-0.6, 1.6), ylim=(0, 1.08), yticks=(0, 1), xticks=(0, 1), xticklabels=("source", "target"))
    axes.set_ylabel("told to D")


def _fine(axes: Axes, knowledge: np.ndarray, class_set: ClassSet, domain: str) -> None:
    """2K bars: K entries of the source half, K of the target half, one of the halves all zero."""
    classes = len(class_set)
    start = 0 if domain == "source" else classes
    for half, colour in ((0, SOURCE_COLOUR), (classes, TARGET_COLOUR)):
        axes.axvspan(half - 0.5, half + classes - 0.5, color=colour, alpha=0.06, linewidth=0)
    positions = start + np.arange(classes)
    axes.bar(positions, knowledge, color=class_colours(class_set), edgecolor="#333333", linewidth=0.5, width=0.85)
    if np.any(knowledge > 0):
        top = int(np.argmax(knowledge))
        label, side = f"{class_set.names[top]} {knowledge[top]:.2f}", "left" if top < classes / 2 else "right"
        above = knowledge[top] < 0.8
        offset = (-0.4 if above else 0.8) * (1 if side == "left" else -1)
        height, anchor = (knowledge[top] + 0.03, "bottom") if above else (knowledge[top], "top")
        axes.text(start + top + offset, height, label, ha=side, va=anchor, fontsize=12)
    else:
        middle = start + (classes - 1) / 2
        axes.text(middle, 0.5, "ignored:\nnot confident", ha="center", va="center", fontsize=12)
    centres = ((classes - 1) / 2, classes + (classes - 1) / 2)
    names = ("K source entries", "K target entries")
    axes.set(xlim=(-0.5, 2 * classes - 0.5), ylim=(0, 1.08), yticks=(0, 1), xticks=centres, xticklabels=names)
    axes.tick_params(axis="x", length=0)
