"""Dose and response: what FADA gains over each opponent as the two domains move apart, in one figure."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from fada_lib.plots.style import legend_mark, method_colour, method_label, styled

WORLD_MARKERS = "osv^P*Xhp"
"""One a world, in the order of their seeds; more worlds than marks begin again."""
DARK = "#4d4d4d"


class Step(NamedTuple):
    """The response at one dose, fractions of 1: world seed -> differences per seed, and the t interval of the mean."""

    by_world: Mapping[int, Sequence[float]]
    interval: tuple[float, float] | None


@styled
def dose_figure(panels: Mapping[tuple[str, str], Mapping[str, Mapping[float, Step]]]) -> Figure:
    """FADA minus its opponents in target mIoU against the strength of each shift, paired.

    A row an opponent, each on a scale of its own.

    Parameters
    ----------
    panels : mapping
        (Name of the shift, of FADA) -> opponent -> dose -> `Step`; a column each.
    """
    opponents = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    size = (5.4 * len(panels) + 1.5, 3.0 * len(opponents) + 1.8)
    figure, grid = plt.subplots(len(opponents), len(panels), figsize=size, sharex="col", sharey="row", squeeze=False)
    steps = [step for lines in panels.values() for line in lines.values() for step in line.values()]
    worlds = sorted({world for step in steps for world in step.by_world})
    for row, opponent in zip(grid, opponents, strict=True):
        for axes, lines in zip(row, panels.values(), strict=True):
            _draw(axes, lines.get(opponent, {}), worlds, method_colour(opponent))
        row[0].set_ylabel(f"minus {fill(method_label(opponent), 14)}")
    for column, ((shift, fada), lines) in zip(grid.T, panels.items(), strict=True):
        doses = sorted({dose for line in lines.values() for dose in line})
        column[-1].set_xticks(doses, [f"{dose:g}" for dose in doses])
        column[-1].set_xlabel(f"{shift} (0: none)")
        column[0].set_title(method_label(fada))
    bar = "bar: 95 % t interval" if any(step.interval for step in steps) else "one pair, no spread"
    figure.supylabel(f"FADA's gain in target mIoU (points); {bar}", fontsize=13)
    if len(worlds) > 1:
        figure.legend(handles=_handles(worlds), loc="outside lower center", ncols=len(worlds))
    return figure


def _draw(axes: Axes, line: Mapping[float, Step], worlds: Sequence[int], colour: str) -> None:
    """One opponent in one panel: pairs as small marks by world, their mean, its interval."""
    axes.axhline(0, color=DARK, linewidth=1.2)
    axes.grid(axis="y")
    axes.margins(x=0.2, y=0.12)
    doses = sorted(line)
    means = [100 * float(np.mean([v for values in line[d].by_world.values() for v in values])) for d in doses]
    axes.plot(doses, means, color=colour, marker="D", markersize=10, markeredgecolor="white", zorder=4)
    for index, (dose, mean) in enumerate(zip(doses, means, strict=True)):
        step = line[dose]
        if step.interval:
            axes.plot((dose, dose), 100 * np.asarray(step.interval), color=colour, linewidth=6, alpha=0.4)
        for world, values in step.by_world.items():
            where, marker = np.full(len(values), dose), _mark(world, worlds)
            axes.scatter(where, 100 * np.asarray(values), s=34, color=colour, marker=marker)
        rises = index + 1 < len(means) and means[index + 1] > mean
        place = {"xytext": (10, -9 if rises else 9), "textcoords": "offset points", "va": "center", "zorder": 6}
        label = axes.annotate(f"{mean:+.1f}".replace("-", "−"), (dose, mean), color=DARK, weight="bold", **place)
        label.set_path_effects([withStroke(linewidth=4, foreground="white")])


def _mark(world: int, worlds: Sequence[int]) -> str:
    return WORLD_MARKERS[worlds.index(world) % len(WORLD_MARKERS)]


def _handles(worlds: Sequence[int]) -> list[Line2D]:
    """Legend entries: a mark a world."""
    return [legend_mark(_mark(world, worlds), f"world {world}", DARK) for world in worlds]
