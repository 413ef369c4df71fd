"""Proxy A-distance within each class: how far a linear probe still tells the domains apart, by method."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.class_cells import MOST_MARKS, draw_cells, name_columns
from fada_lib.plots.over_seeds import BySeed, means_over_seeds, measured_columns, spreads_over_seeds
from fada_lib.plots.style import is_oracle, method_colour, method_label, method_order, split_name, styled


@styled
def domain_distance_figure(distances: Mapping[str, BySeed], names: Sequence[str]) -> Figure:
    """The classes, then mean and median over them, for every method: marks, or cells where there are many methods.

    Parameters
    ----------
    distances : mapping
        Method name -> its values by seed.
    names : sequence of str
        K class names.
    """
    methods = sorted(distances, key=method_order)
    columns = measured_columns(distances, len(names))
    if len(methods) <= MOST_MARKS:
        return _marks(distances, methods, columns, names)
    label = "proxy A-distance within the class\n0: the probe guesses, 2: it never errs"
    figure, axes = draw_cells(distances, methods, columns, label, relative=False)
    name_columns(axes, columns, names)
    return figure


def _marks(
    distances: Mapping[str, BySeed], methods: Sequence[str], columns: Sequence[int | str], names: Sequence[str]
) -> Figure:
    """One row a column, one mark a method, its line one SD over seeds each way; students hollow, the oracle a cross."""
    places = np.arange(len(columns)) + np.where(np.arange(len(columns)) >= len(columns) - 2, 0.4, 0.0)
    height = max(0.42, 0.075 * len(methods) + 0.2) * len(columns) + 1.5
    figure, axes = plt.subplots(figsize=(11, height))
    for place in places[::2]:
        axes.axhspan(place - 0.5, place + 0.5, color="#f2f2f2", linewidth=0, zorder=0)
    for index, method in enumerate(methods):
        lines = places + 0.76 * ((index + 0.5) / len(methods) - 0.5)
        colour, hollow = method_colour(method), split_name(method)[2]
        axes.errorbar(
            means_over_seeds(distances[method], columns),
            lines,
            xerr=spreads_over_seeds(distances[method], columns),
            linestyle="none",
            marker="D" if hollow else "X" if is_oracle(method) else "o",
            markersize=8 if is_oracle(method) else 6,
            markerfacecolor="white" if hollow else colour,
            color=colour,
            linewidth=1.2,
            label=method_label(method),
        )
    axes.axvline(0, color="#4d4d4d", linewidth=1)
    axes.axhline(places[-2] - 0.7, color="#9e9e9e", linewidth=1, linestyle=":")
    axes.set_yticks(places, [names[c] if isinstance(c, int) else c for c in columns])
    for tick in axes.get_yticklabels()[-2:]:
        tick.set_fontweight("bold")
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.set_xlim(right=2.02)
    several = any(len(seeds) > 1 for seeds in distances.values())
    words = "\nline: one standard deviation over seeds each way" * several
    axes.set_xlabel(f"proxy A-distance within the class (0: the probe guesses the domain, 2: it never errs){words}")
    axes.tick_params(top=True, labeltop=True)
    axes.grid(axis="x")
    figure.legend(loc="outside upper center", ncols=min(3, len(methods)))
    return figure
