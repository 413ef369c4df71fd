"""What a discriminator learned, drawn: P(target | f) and its classes as maps, its decisions as a confusion matrix."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from fada_lib.analysis.discriminator import DOMAINS, Judged
from fada_lib.data.classes import ClassSet
from fada_lib.plots.scenes import colour
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, class_legend, styled, without_frame

_DOMAIN_MAP = LinearSegmentedColormap.from_list("domains", (SOURCE_COLOUR, "#f7f7f7", TARGET_COLOUR))


@styled
def judged_figure(rows: Sequence[Judged], class_set: ClassSet) -> Figure:
    """One row an image: it, its true labels, P(target | f), and the class of the 2K-way decision if there is one."""
    fine = all(row.channels is not None for row in rows)
    columns = 4 if fine else 3
    aspect = max(row.image.shape[0] / row.image.shape[1] for row in rows)
    size = (3.4 * columns, len(rows) * (3.4 * aspect + 0.05) + 2.0)
    figure, grid = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    for line, row in zip(grid, rows, strict=True):
        extent = (0, row.image.shape[1], row.image.shape[0], 0)
        line[0].imshow(row.image)
        line[1].imshow(colour(row.truth, class_set), interpolation="nearest")
        shown = line[2].imshow(row.target_probability, cmap=_DOMAIN_MAP, vmin=0, vmax=1, extent=extent)
        if fine:
            line[3].imshow(colour(row.channels, class_set), interpolation="nearest", extent=extent)
        for axes in line:
            without_frame(axes)
        line[0].set_ylabel(DOMAINS[row.domain])
    for axes, title in zip(grid[0], ("Image", "Truth", "P(target | f)", "Class of its decision"), strict=False):
        axes.set_title(title)
    bar = figure.colorbar(shown, ax=list(grid.flat), location="bottom", shrink=0.4, aspect=30, ticks=(0, 0.5, 1))
    bar.ax.set_xticklabels(("source", "P(target | f) = 0.5", "target"))
    class_legend(figure, class_set, ignored=any((row.truth >= len(class_set)).any() for row in rows))
    return figure


@styled
def decisions_figure(shares: np.ndarray, class_set: ClassSet) -> Figure:
    """The row-normalised confusion matrix: true domain and class downwards, the discriminator's decision across.

    Parameters
    ----------
    shares : (2K, 2k) array
        Of `fada_lib.analysis.discriminator.decision_shares`; rows of NaN are classes that do not occur.
    class_set : ClassSet
    """
    fine = shares.shape[1] > 2
    names = [f"{name}, {domain}" for domain in DOMAINS for name in class_set.names]
    width = 0.3 * shares.shape[1] + 4.6 if fine else 6.0
    figure, axes = plt.subplots(figsize=(width, 0.3 * len(names) + (3.4 if fine else 2.2)))
    shown = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(range(shares.shape[1]), names if fine else DOMAINS)
    if fine:
        plt.setp(axes.get_xticklabels(), rotation=90)
        axes.axvline(len(class_set) - 0.5, color="white", linewidth=2)
    axes.axhline(len(class_set) - 0.5, color="white", linewidth=2)
    for row in np.flatnonzero(np.isnan(shares).all(axis=1)):
        axes.text((shares.shape[1] - 1) / 2, row, "no pixels", ha="center", va="center", fontsize=11)
    axes.set(ylabel="true class and domain", xlabel="the discriminator's decision")
    axes.tick_params(length=0)
    figure.colorbar(shown, label="share of the row (%)", fraction=0.05)
    return figure
