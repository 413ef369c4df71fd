"""Dose and response: what FADA gains over global alignment as the two domains move apart, in one figure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from fada_lib.plots.style import method_colour, method_label, styled

WORLD_MARKERS = "osv^P*Xhp"
"""One a world, in the order of their seeds; more worlds than marks begin again."""
DARK = "#4d4d4d"
_DODGE = 0.03
"""Sideways distance of two opponents at one dose, as a share of the axis."""


class Step(NamedTuple):
    """The response at one dose, fractions of 1: world seed -> differences per seed, and the t interval of the mean."""

    by_world: Mapping[int, Sequence[float]]
    interval: tuple[float, float] | None


@styled
def dose_figure(panels: Mapping[tuple[str, str], Mapping[str, Mapping[float, Step]]]) -> Figure:
    """FADA minus its opponents in target mIoU against the strength of each shift, paired.

    Above zero, classes matter.

    Parameters
    ----------
    panels : mapping
        (Name of the shift, of FADA) -> opponent -> dose -> `Step`; a panel each, a line an opponent, in its colour.
    """
    figure, row = plt.subplots(1, len(panels), figsize=(6.2 * len(panels) + 1.5, 5.4), sharey=True, squeeze=False)
    steps = [step for lines in panels.values() for line in lines.values() for step in line.values()]
    worlds = sorted({world for step in steps for world in step.by_world})
    for axes, ((shift, fada), lines) in zip(row[0], panels.items(), strict=True):
        axes.axhline(0, color=DARK, linewidth=1.2)
        for index, (opponent, line) in enumerate(lines.items()):
            _draw(axes, line, worlds, method_colour(opponent), _DODGE * (index - (len(lines) - 1) / 2))
        doses = sorted({dose for line in lines.values() for dose in line})
        axes.set_xticks(doses, [f"{dose:g}" for dose in doses])
        axes.margins(x=0.2)
        axes.set(title=method_label(fada), xlabel=f"{shift} (0: none)")
        axes.grid(axis="y")
    bar = "bar: 95 % t interval" if any(step.interval for step in steps) else "one pair, no spread"
    row[0][0].set_ylabel(f"gain in target mIoU (points)\n{bar}")
    figure.legend(handles=_handles(panels, worlds), loc="outside lower center", ncols=2)
    return figure


def _draw(axes: Axes, line: Mapping[float, Step], worlds: Sequence[int], colour: str, dodge: float) -> None:
    """One opponent in one panel: pairs as small marks by world, their mean, its interval."""
    doses = sorted(line)
    width = (doses[-1] - doses[0]) or 1.0
    means = [100 * float(np.mean([v for values in line[d].by_world.values() for v in values])) for d in doses]
    places = [dose + dodge * width for dose in doses]
    axes.plot(places, means, color=colour, marker="D", markersize=10, markeredgecolor="white", zorder=4)
    for dose, place, mean in zip(doses, places, means, strict=True):
        step = line[dose]
        if step.interval:
            axes.plot((place, place), 100 * np.asarray(step.interval), color=colour, linewidth=6, alpha=0.4)
        for world, values in step.by_world.items():
            where, marker = np.full(len(values), place), _mark(world, worlds)
            axes.scatter(where, 100 * np.asarray(values), s=34, color=colour, marker=marker)
        text = f"{mean:+.1f}".replace("-", "−")
        side = (10, 6) if dodge >= 0 else (-44, 6)
        label = axes.annotate(text, (place, mean), xytext=side, textcoords="offset points", color=DARK, weight="bold")
        label.set_path_effects([withStroke(linewidth=4, foreground="white")])


def _mark(world: int, worlds: Sequence[int]) -> str:
    return WORLD_MARKERS[worlds.index(world) % len(WORLD_MARKERS)]


def _handles(panels: Mapping, worlds: Sequence[int]) -> list[Line2D]:
    """Legend entries: a line an opponent, and a mark a world where there are several."""
    opponents = dict.fromkeys(name for lines in panels.values() for name in lines)
    handles = [
        Line2D([], [], color=method_colour(name), marker="D", label=f"minus {method_label(name)}") for name in opponents
    ]
    look = {"color": DARK, "linestyle": "none"}
    marks = [Line2D([], [], **look, marker=_mark(world, worlds), label=f"world {world}") for world in worlds]
    return handles + (marks if len(worlds) > 1 else [])
