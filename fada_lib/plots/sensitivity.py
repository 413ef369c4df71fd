"""mIoU against the weight of the adversarial loss, all methods on the same grid: by lambda, and by its effect on F."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from fada_lib.plots.over_seeds import spread
from fada_lib.plots.style import method_colour, method_label, method_order, styled

Points = Sequence[tuple[float, Sequence[float]]]
"""Positions on the x axis, above 0 and in the order of lambda, each with the mIoU per seed, fractions 0..1."""
OWN = ("binary", "fada", "oracle_encodings")
"""How the names begin of what has a panel of its own, FADA and its binary baseline; all else is from elsewhere."""
OWN_TITLE, OTHERS_TITLE = "FADA and its binary baseline", "Methods from elsewhere"


@styled
def sensitivity_figure(
    scores: Mapping[str, Mapping[float, Sequence[float]]],
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Mean over seeds by lambda on a log axis, band one SD each way, the best of each method ringed.

    A lambda of 0 has no place on it, so a method without a larger one is left out.

    Parameters
    ----------
    scores : mapping
        Method name -> lambda -> mIoU per seed on the target's tune part, fractions 0..1.
    references : mapping, optional
        Name -> mIoU (0..1) without an adversarial loss, drawn as a dashed level.
    """
    curves = {name: [(w, by_weight[w]) for w in sorted(by_weight) if w > 0] for name, by_weight in scores.items()}
    curves = {name: points for name, points in curves.items() if points}
    figure = _curves(curves, references or {})
    for axes, (_, names) in zip(figure.axes, _panels(curves), strict=True):
        weights = sorted({w for name in names for w, _ in curves[name]})
        axes.set_xticks(weights, [f"{w:g}" for w in weights])
        axes.minorticks_off()
    figure.supxlabel("λ, weight of the adversarial loss (log scale)", fontsize="medium")
    return figure


@styled
def ratio_figure(
    curves: Mapping[str, Points],
    references: Mapping[str, float] | None = None,
) -> Figure:
    """The same curves by what lambda amounts to: the ratio of the gradients' norms on F, measured in training.

    Losses of different units meet here. The line at 1, where the adversarial terms pull at F as hard as the
    segmentation loss, is drawn if the curves come as far.

    Parameters
    ----------
    curves : mapping
        Method name -> (ratio, mIoU per seed) in the order of lambda.
    references
        As of `sensitivity_figure`.
    """
    figure = _curves(curves, references or {})
    for axes, (_, names) in zip(figure.axes, _panels(curves), strict=True):
        if any(ratio >= 1 for name in names for ratio, _ in curves[name]):
            axes.axvline(1.0, color="#4d4d4d", linewidth=1.2, linestyle=":", zorder=0)
        axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        for set_formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            set_formatter("{x:g}")
    figure.supxlabel("norm of the gradient on F, adversarial / segmentation (log scale)", fontsize="medium")
    return figure


def _curves(curves: Mapping[str, Points], references: Mapping[str, float]) -> Figure:
    """The `_panels` side by side on one scale of mIoU; a single one without a heading."""
    panels = _panels(curves)
    figure, row = plt.subplots(1, len(panels), figsize=(4 * len(panels) + 6, 5), sharey=True, squeeze=False)
    for axes, (title, group) in zip(row[0], panels, strict=True):
        for name in group:
            _curve(axes, name, curves[name])
        for name, level in references.items():
            label = method_label(name) if axes is row[0, -1] else None
            axes.axhline(100 * level, color=method_colour(name), linestyle="--", linewidth=1.5, label=label)
        axes.set_xscale("log")
        axes.grid(axis="y")
        if len(panels) > 1:
            axes.set_title(title)
    row[0, 0].set_ylabel("mIoU, target tune split (%)\nband: one standard deviation over seeds")
    figure.legend(loc="outside right upper")
    return figure


def _panels(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Heading and methods of a panel for `OWN` and of one for those from elsewhere, as far as there are any."""
    ordered = sorted(names, key=method_order)
    own = [name for name in ordered if name.startswith(OWN)]
    others = [name for name in ordered if name not in own]
    return [(title, group) for title, group in ((OWN_TITLE, own), (OTHERS_TITLE, others)) if group]


def _curve(axes: Axes, name: str, points: Points) -> None:
    positions = [position for position, _ in points]
    values = [100 * np.asarray(scores, float) for _, scores in points]
    means = np.array([v.mean() for v in values])
    spreads = np.array([spread(v) for v in values])
    colour = method_colour(name)
    axes.plot(positions, means, marker="o", color=colour, label=method_label(name))
    axes.fill_between(positions, means - spreads, means + spreads, color=colour, alpha=0.15, linewidth=0)
    best = int(np.argmax(means))
    axes.scatter(positions[best], means[best], s=230, facecolor="none", edgecolor=colour, linewidth=2)
