"""A measure of alignment against IoU: every class under every method, and the rank correlations either way."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fada_lib.data.classes import ClassSet
from fada_lib.plots.style import class_colours, method_colour, method_label, method_order, split_name, styled

_MARKERS = "osD^vP<>X*hpdH8"


@styled
def relation_figure(
    measure: Mapping[str, np.ndarray],
    iou: Mapping[str, np.ndarray],
    found: Mapping[str, object],
    class_set: ClassSet,
    name: str,
) -> Figure:
    """Left: one mark a class (colour) and method (shape). Right: Spearman's correlations within classes and methods.

    Self-distilled methods have the shape of their teacher and are hollow.

    Parameters
    ----------
    measure, iou : mapping
        Method -> (K,) means over seeds, NaN where there is none; IoU as fractions 0..1.
    found : mapping
        `fada_lib.analysis.relation.relation` of the two.
    class_set : ClassSet
    name : str
        Of the measure, for its axis.
    """
    methods = sorted(found["within_method"], key=method_order)
    shown = [k for k in range(len(class_set)) if any(np.isfinite(measure[m][k] + iou[m][k]) for m in methods)]
    height = max(6.0, 0.34 * (len(shown) + len(methods)) + 2)
    figure, (points, bars) = plt.subplots(1, 2, figsize=(15, height), gridspec_kw={"width_ratios": (1.25, 1)})
    palette = np.array(class_colours(class_set))
    teachers = list(dict.fromkeys(split_name(method)[:2] for method in methods))
    for method in methods:
        marker, hollow = _shape(method, teachers)
        colours = {"c": "none", "edgecolors": palette[shown]} if hollow else {"c": palette[shown]}
        style = {"edgecolors": "#333333", "linewidths": 1.4 if hollow else 0.6, "alpha": 0.9, **colours}
        points.scatter(measure[method][shown], 100 * iou[method][shown], marker=marker, s=62, **style)
    values = np.concatenate([measure[method][shown] for method in methods])
    if not shown:
        points.text(0.5, 0.5, "no class has both", transform=points.transAxes, ha="center", color="#6b6b6b")
    elif np.nanmin(values) > 0 and np.nanmax(values) > 10 * np.nanmin(values):
        points.set_xscale("log")
    points.set(xlabel=f"{name} (mean over seeds)", ylabel="IoU on target val (%, mean over seeds)")
    points.grid()
    rows = [(class_set.names[k], found["within_class"][k], palette[k]) for k in shown]
    rows += [(method_label(m), found["within_method"][m], method_colour(m)) for m in methods]
    _correlations(bars, rows, len(shown))
    marks = [_handle(method, *_shape(method, teachers)) for method in methods]
    figure.legend(handles=marks, loc="outside lower center", ncols=min(4, len(marks)), title="shape: method")
    return figure


def _shape(method: str, teachers: Sequence[tuple[str, str]]) -> tuple[str, bool]:
    """The marker of a method and whether it is hollow."""
    base, variant, distilled = split_name(method)
    return _MARKERS[teachers.index((base, variant)) % len(_MARKERS)], distilled


def _handle(method: str, marker: str, hollow: bool) -> Line2D:
    """A legend entry for a method."""
    face = "none" if hollow else "#6b6b6b"
    style = {"linestyle": "none", "color": "#6b6b6b", "markerfacecolor": face, "label": method_label(method)}
    return Line2D([], [], marker=marker, **style)


def _correlations(axes: Axes, rows: Sequence[tuple[str, Mapping[str, float] | None, object]], classes: int) -> None:
    """A bar of rho a row with its n; the first `classes` rows are classes (over methods), the others methods."""
    places = np.arange(len(rows)) + np.where(np.arange(len(rows)) >= classes, 1.2, 0.0)
    for place, (_, entry, colour) in zip(places, rows, strict=True):
        if entry is None:
            axes.text(0, place, " too few", va="center", color="#6b6b6b")
            continue
        axes.barh(place, entry["rho"], 0.72, color=colour, edgecolor="#333333", linewidth=0.6)
        outwards = 0.03 if entry["rho"] >= 0 else -0.03
        text = f"{entry['rho']:+.2f} (n = {entry['n']})".replace("-", "−")
        axes.text(
            entry["rho"] + outwards, place, text, va="center", ha="left" if outwards > 0 else "right", fontsize=11
        )
    axes.axvline(0, color="#4d4d4d", linewidth=1)
    axes.set(xlim=(-1.9, 1.9), xticks=(-1, -0.5, 0, 0.5, 1), xlabel="Spearman's rank correlation with IoU")
    axes.set_yticks(places, [label for label, _, _ in rows])
    axes.set_ylim(places[-1] + 0.8, -1.3)
    for first, title in ((0, "within a class, over the methods"), (classes, "within a method, over the classes")):
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        axes.text(-1.85, places[first] - 0.85, title, va="center", fontweight="bold", fontsize=12, bbox=behind)
