"""Target mIoU by method: every seed, mean and spread; self-distillation and MST as marks."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import legend_mark, method_colour, method_label, method_order, styled

WAYS: dict[str, tuple[str, str]] = {
    "single": ("o", "single scale"),
    "mst": ("s", "multi-scale testing"),
    "sd": ("D", "self-distilled"),
    "sd_mst": ("*", "self-distilled, multi-scale"),
}
"""Marker and name of the ways in which a method is judged."""


@styled
def comparison_figure(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """One line a method and way of judging: seeds as small marks, their mean as a big one, a bar of one SD.

    Parameters
    ----------
    scores : mapping
        Method name -> {a key of `WAYS`: mIoU per seed, fractions 0..1}.
    """
    lines = [
        (name, variant, 100 * np.asarray(scores[name][variant], float))
        for name in sorted(scores, key=method_order)
        for variant in WAYS
        if len(scores[name].get(variant, ()))
    ]
    several_ways = len(lines) > len(scores)
    line = 0.36 if len(lines) <= 24 else 0.25
    between = 1.8 if several_ways else 1.15
    figure, axes = plt.subplots(figsize=(11, line * (len(lines) + (between - 1) * len(scores)) + 1.6))
    height, ticks, previous = 0.0, {}, None
    for name, variant, values in lines:
        height -= 1.0 if name == previous else between
        previous = name
        ticks.setdefault(name, []).append(height)
        marker, colour, mean = WAYS[variant][0], method_colour(name), values.mean()
        if len(values) > 1:
            axes.plot(mean + values.std(ddof=1) * np.array((-1, 1)), (height, height), color=colour, linewidth=2.5)
            axes.scatter(values, np.full(len(values), height), s=18, color=colour, alpha=0.55, zorder=2)
        size = (190 if marker == "*" else 85) * line / 0.36
        axes.scatter(mean, height, s=size, color=colour, marker=marker, edgecolor="white", zorder=3)
        axes.text(1.02, height, _written(values), transform=axes.get_yaxis_transform(), va="center", color="#4d4d4d")
    axes.set_yticks([float(np.mean(h)) for h in ticks.values()], [method_label(n) for n in ticks])
    axes.tick_params(axis="y", length=0)
    several = any(len(values) > 1 for _, _, values in lines)
    label = "target mIoU (%)" + "; line: one standard deviation over seeds each way" * several
    axes.set(xlabel=label, ylim=(height - 1.0, -0.8))
    axes.grid(axis="x")
    used = [v for v in WAYS if any(v == variant for _, variant, _ in lines)]
    if used != ["single"]:
        figure.legend(handles=[legend_mark(*WAYS[v]) for v in used], loc="outside lower center", ncols=len(used))
    return figure


def _written(values: np.ndarray) -> str:
    """Mean and, of several values, their SD."""
    return f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")
