"""Does the better aligned network have the higher mIoU? One labelled point a method."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from fada_lib.plots.over_seeds import spread
from fada_lib.plots.style import (
    is_control,
    is_oracle,
    legend_mark,
    method_colour,
    method_label,
    method_order,
    styled,
)

KINDS = {"source or adapted by a loss": "o", "control (target statistics)": "s", "oracle (target labels)": "X"}
"""Kind of a network -> its marker."""
_NEAR = ((8, 10), (8, -10), (-8, 10), (-8, -10), (10, 0), (-10, 0))
_FAR = tuple((x, y) for distance in (22, 36, 50, 64, 80, 100) for y in (distance, -distance) for x in (8, -8))
"""Where a label may stand beside its point, in points; from afar a line leads to it."""


def kind(name: str) -> str:
    """Which of `KINDS` a method is."""
    plain, control, oracle = KINDS
    return oracle if is_oracle(name) else control if is_control(name) else plain


@styled
def alignment_and_miou_figure(
    points: Mapping[str, Sequence[tuple[float, float]]], rho: Mapping[str, float | None], name: str
) -> Figure:
    """Mean of a measure over the classes against target mIoU, mean over seeds, lines one standard deviation each way.

    Parameters
    ----------
    points : mapping
        Method name -> (measure, mIoU as a fraction 0..1) of each seed.
    rho : mapping
        Scope -> Spearman's correlation of the means over its methods, None where there are too few.
    name : str
        Of the measure, for its axis.
    """
    figure, axes = plt.subplots(figsize=(12, 6.4))
    labels, bars = [], []
    for method in sorted(points, key=method_order):
        values = np.asarray(points[method], float) * (1, 100)
        mean = values.mean(axis=0)
        style = {"color": method_colour(method), "marker": KINDS[kind(method)], "markersize": 11, "linewidth": 1.4}
        across, up = (spread(column) for column in values.T)
        axes.errorbar(*mean, xerr=across, yerr=up, markeredgecolor="white", **style)
        bars += [(mean - reach, mean + reach) for reach in ((across, 0), (0, up)) if np.isfinite(reach).all()]
        labels.append((mean, method_label(method)))
    axes.margins(0.09)
    several = any(len(seeds) > 1 for seeds in points.values())
    words = "; line: one standard deviation over seeds each way" * several
    axes.set(xlabel=f"{name}, mean over the classes{words}", ylabel="target mIoU (%)")
    axes.grid()
    shown = {kind(method) for method in points}
    if len(shown) > 1:
        handles = [legend_mark(KINDS[k], k) for k in KINDS if k in shown]
        figure.legend(handles=handles, loc="outside upper center", ncols=3)
    told = [f"{value:+.2f} {scope}".replace("-", "−") for scope, value in rho.items() if value is not None]
    if told:
        axes.set_title("rank correlation with mIoU: " + ", ".join(told), fontsize=12)
    figure.draw_without_rendering()
    _label(axes, labels, [Bbox(axes.transData.transform(ends)) for ends in bars])
    return figure


def _label(axes: Axes, labels: Sequence[tuple[np.ndarray, str]], bars: Sequence[Bbox]) -> None:
    """Write every label beside its point, at the place where it covers least: of equals the nearest."""
    renderer = axes.figure.canvas.get_renderer()
    marks = axes.transData.transform([point for point, _ in labels])
    taken: list[Bbox] = []
    for point, text in labels:
        best = None
        for place in (*_NEAR, *_FAR):
            note = _write(axes, text, point, place)
            note.update_positions(renderer)
            box = Text.get_window_extent(note, renderer)  # an annotation's own has its line in it
            cost = _cost(box, axes.bbox, marks, taken, bars)
            if best is None or cost < best[0]:
                if best:
                    best[1].remove()
                best = cost, note, box
            else:
                note.remove()
            if cost == 0:
                break
        taken.append(best[2])


def _write(axes: Axes, text: str, point: np.ndarray, place: tuple[int, int]) -> Annotation:
    """The label at that place, a line to it from afar."""
    ha = "left" if place[0] > 0 else "right" if place[0] < 0 else "center"
    style = {"xytext": place, "textcoords": "offset points", "ha": ha, "va": "center", "fontsize": 12}
    style["path_effects"] = [withStroke(linewidth=2.5, foreground="white")]
    if place in _FAR:
        line = {"arrowstyle": "-", "color": "#6b6b6b", "linewidth": 0.8, "relpos": (float(place[0] < 0), 0.5)}
        style["arrowprops"] = line
    return axes.annotate(text, point, **style)


def _cost(box: Bbox, inside: Bbox, marks: np.ndarray, taken: Sequence[Bbox], bars: Sequence[Bbox]) -> int:
    """What a label there would cover; outside the axes is worst, then points and labels, then bars."""
    outside = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    covered = sum(box.padded(5).contains(*mark) for mark in marks) + sum(box.overlaps(other) for other in taken)
    return 1000 * outside + 30 * covered + sum(box.overlaps(bar) for bar in bars)
