"""A measure by class for many methods: a table of numbers, coloured to be read from afar."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from fada_lib.plots.over_seeds import BySeed, means_over_seeds
from fada_lib.plots.style import method_label

MOST_MARKS = 9
"""Methods that bars or marks can show beside each other; of more, a figure is a table of colours."""
DARK_TEXT_FROM = 0.22
"""Relative luminance of a cell from which dark text has more contrast on it than white."""


def draw_cells(
    measure: Mapping[str, BySeed], methods: Sequence[str], columns: Sequence[int | str], label: str, relative: bool
) -> tuple[Figure, plt.Axes]:
    """One row a method, means over seeds in cells; the caller names the columns.

    Parameters
    ----------
    measure : mapping
        Method name -> its values by seed.
    methods : sequence of str
        From top to bottom.
    columns : sequence
        See `over_seeds.measured_columns`.
    label : str
        What the numbers are.
    relative : bool
        Colour a value by its ratio to the column's median over the methods, on a log scale; else by its size, from 0.
    """
    values = np.array([means_over_seeds(measure[method], columns) for method in methods])
    typical = [np.median(known) if (known := column[np.isfinite(column)]).size else 1.0 for column in values.T]
    figure, axes = plt.subplots(figsize=(0.72 * len(columns) + 3.6, 0.36 * len(methods) + 1.6))
    sns.heatmap(
        values / typical if relative else values,
        ax=axes,
        cmap="PuOr" if relative else "Purples",
        norm=LogNorm(0.4, 2.5) if relative else Normalize(0, 2),
        annot=values,
        fmt=".2f",
        annot_kws={"fontsize": 13},
        cbar_kws={"label": label, "fraction": 0.03, "pad": 0.02},
        yticklabels=[method_label(name) for name in methods],
    )
    faces = axes.collections[0].get_facecolors()[np.isfinite(values).ravel()]
    for text, face in zip(axes.texts, faces, strict=True):
        text.set_color("#1a1a1a" if sns.utils.relative_luminance(face) > DARK_TEXT_FROM else "white")
    if relative:
        colours = figure.axes[-1].yaxis
        colours.set_ticks([0.5, 1, 2], ["½", "1", "2"])
        colours.set_ticks([], minor=True)
    axes.axvline(len(columns) - 2, color="white", linewidth=6)
    axes.set_xticks(np.arange(len(columns)) + 0.5)
    axes.tick_params(length=0)
    plt.setp(axes.get_yticklabels(), rotation=0)
    return figure, axes


def name_columns(axes: plt.Axes, columns: Sequence[int | str], names: Sequence[str]) -> None:
    """Write classes, mean and median under the ticks, the last two bold."""
    labels = [names[column] if isinstance(column, int) else column for column in columns]
    axes.set_xticks(axes.get_xticks(), labels, rotation=35, ha="right", rotation_mode="anchor")
    for tick in axes.get_xticklabels()[-2:]:
        tick.set_fontweight("bold")
