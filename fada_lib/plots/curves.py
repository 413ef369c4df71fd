"""How training went: losses and learning rate of a run, target tune mIoU of all methods over the iterations."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, method_colour, method_label, method_order, styled

_LOSS_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Of what belongs to no domain."""
_TUNE = "target_tune_miou"
_TOGETHER = 5
"""So many methods share the axes of `target_curves`: the bands of more cannot be told apart."""
_OTHERS = "#d0d0d0"


@styled
def training_curves(history: Sequence[Mapping[str, float]], weights: Mapping[str, float] | None = None) -> Figure:
    """Losses, learning rate and (where measured) mIoU of one run over its iterations.

    Parameters
    ----------
    history : sequence of mappings
        Rows of `history.jsonl`: ``iteration`` with ``learning_rate`` and losses, or with what was evaluated, of which
        keys that end in ``_miou`` (fractions 0..1) are drawn.
    weights : mapping, optional
        Loss -> the lambda that its logged values hold (`fada_lib.methods.options.loss_weights`). They are divided by
        it, so that all losses stand beside each other (in nats; the entropy as a share of log K).
    """
    weights = weights or {}
    logged = {key for row in history if "learning_rate" in row for key in row}
    losses = sorted(logged - {"iteration", "learning_rate"})
    scores = sorted({key for row in history for key in row if key.endswith("_miou")})
    panels = [(losses, "loss"), (["learning_rate"] if logged else [], "learning rate"), (scores, "mIoU (%)")]
    panels = [(names, label) for names, label in panels if names]
    figure, row = plt.subplots(1, len(panels), figsize=(max(7.0, 4.6 * len(panels)), 3.9), squeeze=False)
    for axes, (names, label) in zip(row[0], panels, strict=True):
        for name, colour in _line_colours(names).items():
            iterations, values = series(history, name)
            factor = 100 if names is scores else 1 / (weights.get(name) or 1.0)
            few = len(values) <= 12
            axes.plot(iterations, factor * values, color=colour, label=_words(name), marker="o" if few else None)
        axes.set(xlabel="iteration", ylabel=label)
        axes.set_ylim(bottom=None if names is scores else 0)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4))
        axes.grid(axis="y")
        if len(names) > 1 or label != "learning rate":
            axes.legend()
    return figure


@styled
def target_curves(
    histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]],
    references: Mapping[str, float] | None = None,
    label: str = "target tune mIoU (%)",
) -> Figure:
    """Target tune mIoU over the iterations of adaptation: mean over seeds, band from lowest to highest.

    More methods than `_TOGETHER` get a panel each, in which the others' means are grey.

    Parameters
    ----------
    histories : mapping
        Method name -> one history per seed, whose rows have ``target_tune_miou``, a fraction 0..1.
    references : mapping, optional
        Method name -> mIoU (0..1) on the same split, drawn as a dashed level, e.g. source only and the oracle.
    label : str
        Of the y axis.
    """
    names = sorted(histories, key=method_order)
    panels = [[name] for name in names] if len(names) > _TOGETHER else [names]
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    size = (14, 2.8 * rows + 1.2) if len(panels) > 1 else (10, 5)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    for axes, shown in zip(grid.flat, panels, strict=False):
        for other in (name for name in names if name not in shown):
            axes.plot(*_mean_curve(histories[other], _TUNE)[:2], color=_OTHERS, linewidth=1.2, zorder=1)
        draw_by_method(axes, {name: histories[name] for name in shown}, _TUNE)
        for name, value in (references or {}).items():
            axes.axhline(100 * value, color=method_colour(name), linestyle="--", linewidth=1.5)
        axes.grid(axis="y")
        if len(panels) > 1:
            axes.set_title(method_label(shown[0]), color=method_colour(shown[0]))
    for axes in grid.flat[max(0, len(panels) - columns) : len(panels)]:
        axes.tick_params(labelbottom=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel("iteration of adaptation")
    figure.supylabel(label)
    _curve_legend(figure, names if len(panels) == 1 else [], list(references or {}))
    return figure


def _curve_legend(figure: Figure, methods: Sequence[str], references: Sequence[str]) -> None:
    """A line with marks a method, a dashed one a reference level; without methods, what the grey lines are."""
    handles = [Line2D([], [], label=method_label(name), **_look(name)) for name in methods]
    if not methods:
        handles.append(Line2D([], [], color=_OTHERS, linewidth=1.2, label="the other methods' means"))
    level = {"linestyle": "--", "linewidth": 1.5}
    handles += [Line2D([], [], color=method_colour(name), label=method_label(name), **level) for name in references]
    place = {"loc": "outside right upper"} if methods else {"loc": "outside lower right", "ncols": len(handles)}
    figure.legend(handles=handles, **place)


def _look(name: str) -> dict[str, object]:
    """Of a method's line; continued source training is dashed, for a method that hardly differs may lie on it."""
    style = "--" if name == "source_continued" else "-"
    return {"color": method_colour(name), "linestyle": style, "marker": "o", "markersize": 5}


def _mean_curve(
    histories: Sequence[Sequence[Mapping[str, float]]], key: str
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Iterations that all histories have, the mean over them and the (seeds, N) values, in percent."""
    curves = [dict(zip(*series(history, key), strict=True)) for history in histories]
    common = sorted(set.intersection(*(set(curve) for curve in curves))) if curves else []
    values = 100 * np.array([[curve[i] for i in common] for curve in curves])
    return common, values.mean(0) if common else values, values


def draw_by_method(axes: Axes, histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]], key: str) -> None:
    """One line a method, in percent: the mean over its histories where all have `key`; the band is their range."""
    for name in sorted(histories, key=method_order):
        common, mean, values = _mean_curve(histories[name], key)
        if not common:
            continue
        axes.plot(common, mean, label=method_label(name), **_look(name))
        if len(values) > 1:
            axes.fill_between(common, values.min(0), values.max(0), color=method_colour(name), alpha=0.15, linewidth=0)


def series(history: Sequence[Mapping[str, float]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Iterations and values of the rows that have `key`, two (N,) arrays."""
    pairs = [(row["iteration"], row[key]) for row in history if row.get(key) is not None]
    return np.array([i for i, _ in pairs], int), np.array([v for _, v in pairs], float)


def _line_colours(names: Sequence[str]) -> dict[str, str]:
    """Key -> colour: that of the domain that it names, else one of `_LOSS_COLOURS`, used again where they run out."""
    domains = {"source": SOURCE_COLOUR, "target": TARGET_COLOUR}
    named = {name: colour for name in names for domain, colour in domains.items() if domain in name.split("_")}
    spare = itertools.cycle(_LOSS_COLOURS)
    return {name: named.get(name) or next(spare) for name in names}


def _words(key: str) -> str:
    """A key of the history as words."""
    return key.removesuffix("_miou").replace("_", " ")
