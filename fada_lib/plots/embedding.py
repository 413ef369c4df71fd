"""t-SNE of features: one panel a method, colour for the class and marker for the domain."""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, class_colours, method_label, styled

_MOST_BESIDE = 5
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
    palette = np.array(class_colours(class_set))
    domain_palette = np.array([plt.matplotlib.colors.to_rgb(c) for c in (SOURCE_COLOUR, TARGET_COLOUR)])
    for number, (name, panel) in enumerate(panels.items()):
        block, column = divmod(number, columns)
        points, classes, domains = (np.asarray(panel[key]) for key in ("points", "classes", "domains"))
        for row in range(2):
            axes = grid[2 * block + row, column]
            axes.set_visible(True)
            colours = palette[classes] if row == 0 else domain_palette[domains.astype(int)]
            for domain, marker in MARKERS.items():
                chosen = domains == domain
                style = {"s": 16, "marker": marker, "linewidths": 0, "alpha": 0.75 if row == 0 else 0.45}
                axes.scatter(*points[chosen].T, c=colours[chosen], rasterized=True, **style)
            axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
            axes.spines[:].set(visible=True, color="#cccccc")
            axes.set_ylabel(f"coloured by {('class', 'domain')[row]}\nt-SNE 2 (no unit)" if column == 0 else "")
        axes.set_xlabel("t-SNE 1 (no unit)")
        grid[2 * block, column].set_title(method_label(name))
    present = sorted({int(k) for panel in panels.values() for k in np.unique(panel["classes"])})
    figure.legend(handles=legend_handles(class_set, present), loc="outside right center")
    return figure


def legend_handles(class_set: ClassSet, present: Iterable[int]) -> list[Line2D]:
    """Legend entries: the classes that occur, then the two domains."""
    colours = class_colours(class_set)
    dots = [(colours[k], "s", class_set.names[k]) for k in present]
    domains = (SOURCE_COLOUR, TARGET_COLOUR)
    dots += [(domains[d], MARKERS[d], name) for d, name in enumerate(("source", "target"))]
    return [Line2D([], [], linestyle="none", marker=m, markersize=9, color=c, label=n) for c, m, n in dots]
