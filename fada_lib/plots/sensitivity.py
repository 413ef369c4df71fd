"""mIoU against the weight of the adversarial loss, every method over the same grid."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import method_colour, method_label, method_order, styled


@styled
def sensitivity_figure(
    scores: Mapping[str, Mapping[float, Sequence[float]]],
    split: str = "target tune split",
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Mean over seeds by lambda on a log axis, band one SD each way, the best of each method ringed.

    Parameters
    ----------
    scores : mapping
        Method name -> lambda -> mIoU per seed, fractions 0..1.
    split : str
        Where the mIoU was measured, for the axis.
    references : mapping, optional
        Name -> mIoU (0..1) without an adversarial loss, drawn as a dashed level.
    """
    figure, axes = plt.subplots(figsize=(10, 5))
    for name in sorted(scores, key=method_order):
        weights = sorted(weight for weight in scores[name] if weight > 0)
        values = [100 * np.asarray(scores[name][weight], float) for weight in weights]
        means = np.array([v.mean() for v in values])
        spread = np.array([v.std(ddof=1) if len(v) > 1 else 0.0 for v in values])
        colour = method_colour(name)
        axes.plot(weights, means, marker="o", color=colour, label=method_label(name))
        axes.fill_between(weights, means - spread, means + spread, color=colour, alpha=0.15, linewidth=0)
        best = int(np.argmax(means))
        axes.scatter(weights[best], means[best], s=230, facecolor="none", edgecolor=colour, linewidth=2)
    for name, level in (references or {}).items():
        axes.axhline(100 * level, color=method_colour(name), linestyle="--", linewidth=1.5, label=method_label(name))
    axes.set_xscale("log")
    weights = sorted({w for by_weight in scores.values() for w in by_weight if w > 0})
    axes.set_xticks(weights, [f"{w:g}" for w in weights])
    axes.minorticks_off()
    axes.set(xlabel="λ, weight of the adversarial loss (log scale)", ylabel=f"mIoU, {split} (%)")
    axes.grid(axis="y")
    figure.legend(loc="outside right upper")
    return figure
