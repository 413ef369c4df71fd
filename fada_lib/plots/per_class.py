"""IoU of every class under every method, as a table of colours."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from fada_lib.plots.style import is_oracle, method_label, method_order, styled


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
    sns.heatmap(
        values,
        ax=axes,
        cmap="cividis",
        vmin=0,
        vmax=100,
        annot=True,
        fmt=".0f",
        annot_kws={"fontsize": 12},
        cbar_kws={"label": "IoU (%)", "fraction": 0.03, "pad": 0.02},
        xticklabels=names,
        yticklabels=[method_label(name) for name in methods],
    )
    best = _best_rows(values, [row for row, name in enumerate(methods) if not is_oracle(name)])
    for text in axes.texts:
        column, row = (int(position) for position in text.get_position())
        text.set_weight("bold" if best.get(column) == row else "normal")
    for row, column in np.argwhere(np.isnan(values)):
        axes.text(column + 0.5, row + 0.5, "—", ha="center", va="center", fontsize=12)
    axes.tick_params(length=0)
    plt.setp(axes.get_yticklabels(), rotation=0)
    plt.setp(axes.get_xticklabels(), rotation=40, ha="right", rotation_mode="anchor")
    return figure


def _best_rows(values: np.ndarray, ranked: list[int]) -> dict[int, int]:
    """Column -> row of its highest value among the `ranked` rows, for columns in which several were measured."""
    seen = {column: [row for row in ranked if np.isfinite(values[row, column])] for column in range(values.shape[1])}
    return {c: max(rows, key=lambda row: values[row, c]) for c, rows in seen.items() if len(rows) > 1}
