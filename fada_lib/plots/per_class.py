"""IoU of every class under every method, as a table of colours."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.style import method_label, method_order, styled


@styled
def class_heatmap(iou: Mapping[str, Sequence[float | None]], names: Sequence[str]) -> Figure:
    """One row a method, one column a class, the number in each cell; the best method of a class is bold.

    Parameters
    ----------
    iou : mapping
        Method name -> K IoU, fractions 0..1, None where the class does not occur in the ground truth.
    names : sequence of str
        K class names.
    """
    methods = sorted(iou, key=method_order)
    values = 100 * np.array([[np.nan if v is None else v for v in iou[name]] for name in methods], float)
    figure, axes = plt.subplots(figsize=(max(10, 0.78 * len(names) + 3), 0.5 * len(methods) + 1.7))
    picture = axes.imshow(np.ma.masked_invalid(values), cmap="cividis", vmin=0, vmax=100, aspect="auto")
    ranked = [row for row, name in enumerate(methods) if name != "oracle"]
    for column in range(len(names)):
        seen = [row for row in ranked if np.isfinite(values[row, column])]
        best = max(seen, key=lambda row: values[row, column]) if len(seen) > 1 else -1
        for row in range(len(methods)):
            value = values[row, column]
            text, weight = ("—", "normal") if np.isnan(value) else (f"{value:.0f}", "bold" if row == best else "normal")
            ink = "black" if np.isnan(value) or value > 52 else "white"
            axes.text(column, row, text, ha="center", va="center", color=ink, weight=weight, fontsize=12)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(methods)), [method_label(name) for name in methods])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, label="IoU (%)", fraction=0.03, pad=0.02)
    return figure
