"""t-SNE of features: one panel a method, colour for the class and marker for the domain."""

import textwrap
from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, class_colours, legend_mark, method_label, styled

_MOST_BESIDE = 5
_TITLE_WIDTH = 24
"""Letters to a line of a panel's title; longer ones touch their neighbours."""
MARKERS = {0: "o", 1: "^"}
"""By domain: source, target."""


@styled
def embedding_figure(panels: Mapping[str, Mapping[str, np.ndarray]], class_set: ClassSet) -> Figure:
    """Panels in the order given, five beside each other at most; under each, the same points coloured by domain.

    Parameters
    ----------
    panels : mapping
        Method name -> ``points`` (N, 2) coordinates, ``classes`` (N,) channels, ``domains`` (N,) 0 source,
        1 target.
    """
    blocks = -(-len(panels) // _MOST_BESIDE)
    columns = -(-len(panels) // blocks)
    side = min(4.3, 12 / columns)
    size = (side * columns + 2.2, blocks * (2 * side + 0.5))
    figure, grid = plt.subplots(2 * blocks, columns, figsize=size, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for number, (name, panel) in enumerate(panels.items()):
        block, column = divmod(number, columns)
        points, classes, domains = (np.asarray(panel[key]) for key in ("points", "classes", "domains"))
        for row in range(2):
            axes = grid[2 * block + row, column]
            axes.set_visible(True)
            draw_points(axes, points, classes, domains, class_set, by_domain=row == 1)
            axes.set(aspect="equal", adjustable="datalim")
            axes.set_ylabel(f"coloured by {('class', 'domain')[row]}\nt-SNE 2 (no unit)" if column == 0 else "")
        axes.set_xlabel("t-SNE 1 (no unit)")
        title = method_label(name).replace(" = ", "\u00a0=\u00a0")
        grid[2 * block, column].set_title(textwrap.fill(title, _TITLE_WIDTH))
    present = sorted({int(k) for panel in panels.values() for k in np.unique(panel["classes"])})
    figure.legend(handles=legend_handles(class_set, present), loc="outside right center")
    return figure


def draw_points(
    axes: Axes, points: np.ndarray, classes: np.ndarray, domains: np.ndarray, class_set: ClassSet, by_domain: bool
) -> None:
    """Scatter (N, 2) points in a frame without ticks, marked by domain and coloured by class or by domain."""
    colours = np.array([to_rgb(c) for c in (SOURCE_COLOUR, TARGET_COLOUR)] if by_domain else class_colours(class_set))
    channels = (domains if by_domain else classes).astype(int)
    for domain, marker in MARKERS.items():
        chosen = domains == domain
        style = {"s": 16, "marker": marker, "linewidths": 0, "alpha": 0.45 if by_domain else 0.75}
        axes.scatter(*points[chosen].T, c=colours[channels[chosen]], rasterized=True, **style)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#cccccc")


def legend_handles(class_set: ClassSet, present: Iterable[int]) -> list[Line2D]:
    """Legend entries: the classes that occur, then the two domains."""
    colours = class_colours(class_set)
    domains = zip(MARKERS.values(), ("source", "target"), (SOURCE_COLOUR, TARGET_COLOUR), strict=True)
    return [
        *(legend_mark("s", class_set.names[k], colours[k]) for k in present),
        *(legend_mark(marker, name, colour) for marker, name, colour in domains),
    ]
