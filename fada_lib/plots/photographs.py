"""What a network says about photographs that have no truth beside them."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from fada_lib.data.classes import ClassSet
from fada_lib.inference.photographs import Labelled
from fada_lib.plots.scenes import colour
from fada_lib.plots.style import class_legend, styled, without_frame

TITLES = ("Photograph", "Labels", "Overlay", "Confidence")


@styled
def photograph_figure(labelled: Sequence[Labelled], classes: ClassSet) -> Figure:
    """One row a photograph: the photograph, its label map, both over each other, and the network's confidence.

    Parameters
    ----------
    labelled : sequence of Labelled
        As `fada_lib.inference.photographs.label_photographs` yields them.
    classes : ClassSet
        The network's classes.
    """
    height = sum(3 * one.image.shape[0] / one.image.shape[1] + 0.05 for one in labelled) + 1.6
    ratios = [one.image.shape[0] / one.image.shape[1] for one in labelled]
    figure, grid = plt.subplots(len(labelled), len(TITLES), figsize=(12, height), squeeze=False, height_ratios=ratios)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    for line, one in zip(grid, labelled, strict=True):
        line[0].imshow(one.image)
        line[1].imshow(colour(one.channels, classes), interpolation="nearest")
        line[2].imshow(one.overlay(classes))
        certainty = line[3].imshow(one.confidence, vmin=0, vmax=1, cmap="viridis")
    for axes in grid.flat:
        without_frame(axes)
    for axes, title in zip(grid[0], TITLES, strict=True):
        axes.set_title(title)
    figure.colorbar(certainty, ax=grid[:, 3], shrink=0.9, label="probability of the class")
    class_legend(figure, classes)
    return figure
