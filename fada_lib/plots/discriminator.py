"""What a discriminator learned, drawn: P(target | f) and its classes as maps, its decisions as a confusion matrix."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from fada_lib.analysis.discriminator import Judged
from fada_lib.data.classes import ClassSet
from fada_lib.data.domains import DOMAINS
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
    width = 0.3 * shares.shape[1] + 4.6 if fine else 6.0
    figure, axes = plt.subplots(figsize=(width, 0.6 * len(class_set) + (3.4 if fine else 2.2)))
    shown = _decisions(axes, shares, class_set)
    _name_decisions(axes, shares, class_set)
    figure.colorbar(shown, label="share of the row (%)", fraction=0.05)
    return figure


@styled
def decisions_strip(shares: Mapping[int, np.ndarray], class_set: ClassSet) -> Figure:
    """The same at several iterations, side by side, at least one; the rows are named at the first alone."""
    columns = len(shares)
    size = (3.6 * columns + 3.4, 0.3 * len(class_set) + 2.4)
    figure, row = plt.subplots(1, columns, figsize=size, squeeze=False, sharey=True)
    for axes, (iteration, found) in zip(row[0], shares.items(), strict=True):
        shown = _decisions(axes, found, class_set)
        axes.set_title(f"iteration {iteration}")
        middle = (found.shape[1] - 1) / 2
        axes.set_xticks([middle / 2 - 0.25, 1.5 * middle + 0.25], DOMAINS)
        axes.set_xlabel("its decision")
    row[0, 0].set_yticks([len(class_set) / 2 - 0.5, 1.5 * len(class_set) - 0.5], DOMAINS, rotation=90, va="center")
    row[0, 0].set_ylabel("true domain and class")
    figure.colorbar(shown, ax=list(row[0]), label="share of the row (%)", fraction=0.03)
    return figure


def _decisions(axes: Axes, shares: np.ndarray, class_set: ClassSet) -> AxesImage:
    """The matrix in percent, its quarters parted by white lines."""
    shown = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    axes.axhline(len(class_set) - 0.5, color="white", linewidth=2)
    if shares.shape[1] > 2:
        axes.axvline(len(class_set) - 0.5, color="white", linewidth=2)
    axes.tick_params(length=0)
    return shown


def _name_decisions(axes: Axes, shares: np.ndarray, class_set: ClassSet) -> None:
    """Every row by its class and domain, and every column too where the discriminator knows classes."""
    names = [f"{name}, {domain}" for domain in DOMAINS for name in class_set.names]
    fine = shares.shape[1] > 2
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(range(shares.shape[1]), names if fine else DOMAINS, rotation=90 if fine else 0)
    for row in np.flatnonzero(np.isnan(shares).all(axis=1)):
        axes.text((shares.shape[1] - 1) / 2, row, "no pixels", ha="center", va="center", fontsize=11)
    axes.set(ylabel="true class and domain", xlabel="the discriminator's decision")
