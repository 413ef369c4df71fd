"""A measure of alignment against IoU, class by class, and the rank correlations either way."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fada_lib.data.classes import ClassSet
from fada_lib.plots.alignment_and_miou import KINDS, kind
from fada_lib.plots.style import class_colours, legend_mark, method_label, method_order, styled

_SCOPES = (("v", "#0072B2"), ("^", "#D55E00"), ("P", "#000000"))
"""Marker and colour of each scope of a correlation, in their order; no marker of a kind of network is among them."""


@styled
def relation_figure(
    measure: Mapping[str, np.ndarray],
    iou: Mapping[str, np.ndarray],
    found: Mapping[str, Mapping],
    class_set: ClassSet,
    name: str,
) -> Figure:
    """Left: one mark a class (colour) and network (shape: its kind). Right: Spearman's correlations.

    Parameters
    ----------
    measure, iou : mapping
        Method -> (K,) means over seeds, NaN where there is none; IoU as fractions 0..1.
    found : mapping
        `fada_lib.analysis.relation.relation` of the two; its methods are shown.
    class_set : ClassSet
    name : str
        Of the measure, for its axis.
    """
    methods = sorted(found["within_method"], key=method_order)
    shown = [k for k in range(len(class_set)) if any(np.isfinite(measure[m][k] + iou[m][k]) for m in methods)]
    height = max(6.0, 0.3 * (len(shown) + len(methods)) + 1.6)
    figure, (points, bars) = plt.subplots(1, 2, figsize=(14, height), gridspec_kw={"width_ratios": (1.25, 1)})
    palette = np.array(class_colours(class_set))
    for method in methods:
        style = {"c": palette[shown], "edgecolors": "#333333", "linewidths": 0.6, "alpha": 0.9}
        points.scatter(measure[method][shown], 100 * iou[method][shown], marker=KINDS[kind(method)], s=70, **style)
    values = np.concatenate([measure[method][shown] for method in methods])
    if not shown:
        points.text(0.5, 0.5, "no class has both", transform=points.transAxes, ha="center", color="#6b6b6b")
    elif np.nanmin(values) > 0 and np.nanmax(values) > 10 * np.nanmin(values):
        points.set_xscale("log")
    points.set(xlabel=f"{name} (mean over seeds)", ylabel="IoU on target val (%, mean over seeds)")
    points.grid()
    _correlations(bars, found, [(k, class_set.names[k]) for k in shown], methods)
    kinds = {kind(method): None for method in methods}
    handles = [legend_mark(KINDS[k], k) for k in KINDS if k in kinds]
    handles += [legend_mark("s", class_set.names[k], palette[k]) for k in shown]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.2, handletextpad=0.3)
    return figure


def _correlations(
    axes: Axes, found: Mapping[str, Mapping], classes: Sequence[tuple[int, str]], methods: Sequence[str]
) -> None:
    """Above, a row a class with a mark a scope; below, a row a method with a bar over the classes."""
    places = np.arange(len(classes) + len(methods)) + np.repeat([0.0, 1.4], [len(classes), len(methods)])
    for (marker, colour), (scope, entries) in zip(_SCOPES, found["within_class"].items(), strict=False):
        known = [(entries[k]["rho"], place) for (k, _), place in zip(classes, places, strict=False) if entries[k]]
        if known:
            style = {"marker": marker, "color": colour, "edgecolor": "white", "s": 75, "zorder": 3}
            axes.scatter(*zip(*known, strict=True), label=scope, **style)
    for method, place in zip(methods, places[len(classes) :], strict=True):
        if entry := found["within_method"][method]:
            axes.barh(place, entry["rho"], 0.7, color="#9e9e9e")
    drawn = [any(entries[k] for entries in found["within_class"].values()) for k, _ in classes]
    drawn += [found["within_method"][method] is not None for method in methods]
    for place in places[~np.array(drawn, bool)]:
        axes.text(0.02, place, "too few", va="center", color="#6b6b6b")
    axes.axvline(0, color="#4d4d4d", linewidth=1)
    axes.set(xlim=(-1.05, 1.05), xticks=(-1, -0.5, 0, 0.5, 1), xlabel="Spearman's rank correlation with IoU")
    axes.set_yticks(places, [*(label for _, label in classes), *map(method_label, methods)])
    axes.set_ylim(places[-1] + 0.8 if len(places) else 1, -1.3)
    axes.grid(axis="x")
    for first, title in ((0, "within a class, over the methods"), (len(classes), "within a method, over the classes")):
        if first < len(places):
            behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(-1.02, places[first] - 0.9, title, va="center", fontweight="bold", fontsize=12, bbox=behind)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, columnspacing=0.8, handletextpad=0.1)
