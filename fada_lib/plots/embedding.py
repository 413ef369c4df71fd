"""t-SNE of features: one panel a method, colour for the class and marker for the domain."""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, class_colours, method_label, styled

MARKERS = {0: "o", 1: "^"}
"""By domain: source, target."""


@styled
def embedding_figure(panels: Mapping[str, Mapping[str, np.ndarray]], class_set: ClassSet) -> Figure:
    """Panels in the order given; under each, the same points coloured by domain.

    Parameters
    ----------
    panels : mapping
        Method name -> ``points`` (N, 2) coordinates, ``classes`` (N,) channels, ``domains`` (N,) 0 source,
        1 target.
    """
    side = min(4.3, 16 / len(panels))
    figure, grid = plt.subplots(2, len(panels), figsize=(side * len(panels) + 2.2, 2 * side + 0.5), squeeze=False)
    palette = np.array(class_colours(class_set))
    domain_palette = np.array([plt.matplotlib.colors.to_rgb(c) for c in (SOURCE_COLOUR, TARGET_COLOUR)])
    for column, (name, panel) in enumerate(panels.items()):
        points, classes, domains = (np.asarray(panel[key]) for key in ("points", "classes", "domains"))
        for row in range(2):
            axes = grid[row, column]
            colours = palette[classes] if row == 0 else domain_palette[domains.astype(int)]
            for domain, marker in MARKERS.items():
                chosen = domains == domain
                style = {"s": 16, "marker": marker, "linewidths": 0, "alpha": 0.75 if row == 0 else 0.45}
                axes.scatter(*points[chosen].T, c=colours[chosen], rasterized=True, **style)
            axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
            axes.spines[:].set(visible=True, color="#cccccc")
            axes.set_xlabel("t-SNE 1 (no unit)", color="#6b6b6b", fontsize=12)
        grid[0, column].set_title(method_label(name))
    grid[0, 0].set_ylabel("coloured by class")
    grid[1, 0].set_ylabel("coloured by domain")
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
