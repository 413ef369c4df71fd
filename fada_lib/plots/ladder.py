"""The paper's Table 4 as a ladder: what adaptation, self-distillation and multi-scale testing add or take."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fada_lib.plots.over_seeds import spread
from fada_lib.plots.style import method_colour, method_label, method_order, styled

_WIDEST = 0.6
"""How far the marks of one step may spread over the axis, of 1 from step to step."""


@styled
def ladder_figure(ladders: Mapping[str, Sequence[Sequence[float] | None]], steps: Sequence[str]) -> Figure:
    """mIoU step by step for every method that was distilled, so that no gain passes for FADA's alone.

    Bars are one standard deviation over seeds.

    Parameters
    ----------
    ladders : mapping
        Method name -> for each step the mIoU per seed (fractions 0..1), or None where it was not run.
    steps : sequence of str
        Names of the steps, e.g. ``source only``, ``+ adaptation``, ``+ SD``, ``+ MST``.
    """
    figure, axes = plt.subplots(figsize=(11, 4.8))
    names = sorted(ladders, key=method_order)
    for index, name in enumerate(names):
        shift = min(0.07, _WIDEST / len(names)) * (index - (len(names) - 1) / 2)
        present = [(s, 100 * np.asarray(v, float)) for s, v in enumerate(ladders[name]) if v is not None and len(v)]
        if not present:
            continue
        places = [step + shift for step, _ in present]
        means = [values.mean() for _, values in present]
        spreads = [spread(values) for _, values in present]
        look = {"color": method_colour(name), "marker": "o", "markersize": 8, "capsize": 3, "elinewidth": 1.2}
        label = f"{method_label(name)}  {means[-1]:.1f}"
        axes.errorbar(places, means, yerr=spreads if np.isfinite(spreads).any() else None, label=label, **look)
    axes.set_xticks(range(len(steps)), steps)
    axes.set_xlim(-0.45, len(steps) - 0.55)
    several = any(len(values or ()) > 1 for ladder in ladders.values() for values in ladder)
    axes.set_ylabel("target mIoU (%)" + "\nbar: one standard deviation over seeds" * several)
    axes.grid(axis="y")
    figure.legend(loc="outside right upper", title="at the last step (%)")
    return figure
