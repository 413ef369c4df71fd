"""Street scenes and their labels: images of both domains, and predictions beside the truth."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import class_legend, method_label, styled, without_frame

MOST_COLUMNS = 7
"""Pictures beside each other that can still be read on a slide."""


def colour(channels: np.ndarray, class_set: ClassSet) -> np.ndarray:
    """Paint a label map in the class set's colours; ignored pixels are dark with a diagonal hatch.

    Parameters
    ----------
    channels : (H, W) array of int
        Channels of `class_set`; everything from K on counts as ignored.

    Returns
    -------
    (H, W, 3) uint8 array
    """
    painted = class_set.palette[np.asarray(channels).astype(np.uint8)]
    rows, columns = np.indices(painted.shape[:2])
    period = max(6, painted.shape[0] // 16)
    stripes = (rows + columns) % period < max(1, period // 5)
    ignored = np.asarray(channels) >= len(class_set)
    painted[ignored] = 38
    painted[ignored & stripes] = 112
    return painted


@styled
def domain_grid(images_by_domain: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]], class_set: ClassSet) -> Figure:
    """Images above their labels, one pair of rows a domain.

    Parameters
    ----------
    images_by_domain : mapping
        Title of the domain -> pairs of image, (H, W, 3) uint8, and channels, (H, W).
    class_set : ClassSet
        Meaning and colours of the channels.
    """
    columns = max(len(pairs) for pairs in images_by_domain.values())
    width = 12.0 / columns
    height = width * max(_aspect(image) for pairs in images_by_domain.values() for image, _ in pairs)
    size = (12, 2 * len(images_by_domain) * (height + 0.04) + 1.0)
    figure, grid = plt.subplots(2 * len(images_by_domain), columns, figsize=size, squeeze=False)
    for axes in grid.flat:
        without_frame(axes)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    ignored = False
    for row, (title, pairs) in enumerate(images_by_domain.items()):
        for column, (image, channels) in enumerate(pairs):
            grid[2 * row, column].imshow(image)
            grid[2 * row + 1, column].imshow(colour(channels, class_set), interpolation="nearest")
            ignored |= bool((np.asarray(channels) >= len(class_set)).any())
        grid[2 * row, 0].set_ylabel(f"{title}\nimage")
        grid[2 * row + 1, 0].set_ylabel(f"{title}\nlabels")
    class_legend(figure, class_set, ignored=ignored)
    return figure


@styled
def image_grid(images_by_title: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Images without labels, one row a title.

    Parameters
    ----------
    images_by_title : mapping
        Title of the row -> (H, W, 3) uint8 images, as many in every row.
    """
    rows = list(images_by_title.values())
    width = 12.0 / len(rows[0])
    height = width * max(_aspect(image) for images in rows for image in images)
    size = (12, len(rows) * (height + 0.04))
    figure, grid = plt.subplots(len(rows), len(rows[0]), figsize=size, squeeze=False)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    for line, (title, images) in zip(grid, images_by_title.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            without_frame(axes)
            axes.imshow(image)
        line[0].set_ylabel(title)
    return figure


@styled
def prediction_grid(rows: Sequence[Mapping[str, object]], class_set: ClassSet) -> Figure:
    """One row an image: the image, its true labels and what each method predicts; of many, in blocks of `MOST_COLUMNS`.

    Parameters
    ----------
    rows : sequence of mappings
        Keys ``image`` (H, W, 3) uint8, ``truth`` (H, W) channels, ``predictions`` {method name: (H, W)
        channels}.
    class_set : ClassSet
        Meaning and colours of the channels.
    """
    methods = list(rows[0]["predictions"])
    titles = ["Image", "Truth", *map(method_label, methods)]
    blocks = math.ceil(len(titles) / MOST_COLUMNS)
    columns = math.ceil(len(titles) / blocks)
    scale = max(12.0, 2.0 * columns)
    height = blocks * (len(rows) * (scale / columns * _aspect(rows[0]["image"]) + 0.05) + 0.6) + 1.0
    figure, grid = plt.subplots(blocks * len(rows), columns, figsize=(scale, height), squeeze=False)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    for axes in grid.flat:
        without_frame(axes)
    for number, row in enumerate(rows):
        labels = [row["truth"], *(row["predictions"][method] for method in methods)]
        pictures = [row["image"], *(colour(channels, class_set) for channels in labels)]
        for place, picture in enumerate(pictures):
            axes = grid[place // columns * len(rows) + number, place % columns]
            axes.imshow(picture, interpolation="nearest" if place else None)
            if number == 0:
                axes.set_title(titles[place].replace(", ", ",\n").replace(" (", "\n(").replace(" + ", "\n+ "))
    ignored = any((np.asarray(row["truth"]) >= len(class_set)).any() for row in rows)
    class_legend(figure, class_set, ignored=ignored)
    return figure


def _aspect(image: np.ndarray) -> float:
    """Height over width."""
    return image.shape[0] / image.shape[1]
