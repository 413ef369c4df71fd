"""The diagnosis of an adaptation over its iterations: domains, encodings, class frequencies, discriminator."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from fada_lib.parameters import UserError
from fada_lib.plots.curves import draw_by_method, series
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, styled

_PANELS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    (
        "both domains",
        "mIoU (%)",
        {"source_val_miou": ("source val", SOURCE_COLOUR), "target_tune_miou": ("target tune", TARGET_COLOUR)},
    ),
    (
        "encodings on target tune",
        "share of pixels, error (%)",
        {
            "encoding_coverage": ("pixels with a label", "#56B4E9"),
            "encoding_accuracy": ("of these, right", "#0072B2"),
            "encoding_ece": ("calibration error", "#D55E00"),
        },
    ),
    (
        "predicted against true classes",
        "distance of frequencies (%)",
        {"frequency_distance": ("total variation", TARGET_COLOUR)},
    ),
    (
        "discriminator",
        "right decisions (%)",
        {
            "discriminator_domain_accuracy": ("domain (chance: 50 %)", "#000000"),
            "discriminator_class_accuracy": ("domain and class", "#009E73"),
        },
    ),
    (
        "what pulls at the features",
        "norm of gradients on F (%)",
        {"gradient_ratio": ("adversarial ÷ segmentation", "#CC79A7")},
    ),
)
_MARKERS = ("o", "s", "^")


@styled
def diagnosis_figure(history: Sequence[Mapping[str, float]]) -> Figure:
    """What was measured on the way, one panel a question; a panel without values is left out.

    Parameters
    ----------
    history : sequence of mappings
        Rows of `history.jsonl`; those with the keys of `fada_lib.inference.diagnose.diagnose` and with the
        ``gradient_ratio`` (all fractions) are drawn.

    Raises
    ------
    UserError
        If nothing was measured.
    """
    measured = {key for row in history for key in row}
    panels = [panel for panel in _PANELS if measured & set(panel[2])]
    if not panels:
        raise UserError("the history holds no diagnosis: train with evaluate_every above 0")
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(4.9 * columns, 3.7 * rows), squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, label, lines) in zip(grid.flat, panels, strict=False):
        for (key, (name, colour)), marker in zip(lines.items(), _MARKERS, strict=False):
            if key in measured:
                iterations, values = series(history, key)
                axes.plot(iterations, 100 * values, color=colour, marker=marker, label=name)
        if "discriminator_domain_accuracy" in lines:
            axes.axhline(50, color="#9e9e9e", linewidth=1, linestyle=":")
        axes.set(title=title, xlabel="iteration of adaptation", ylabel=label)
        axes.set_ylim(0, 1.08 * max(axes.get_ylim()[1], 1e-6))
        axes.grid(axis="y")
        axes.legend()
    return figure


_BY_METHOD: tuple[tuple[str, str, str], ...] = (
    ("encoding_accuracy", "encodings, of pixels with knowledge", "right (%)"),
    ("encoding_ece", "calibration of the encodings", "error (%)"),
    ("frequency_distance", "predicted against true classes", "total variation (%)"),
    ("source_val_miou", "source, after adapting to the target", "source val mIoU (%)"),
    ("discriminator_domain_accuracy", "discriminator: domain", "right (%), chance 50"),
    ("discriminator_class_accuracy", "discriminator: domain and class", "right (%)"),
)
_LEGEND_COLUMNS = 4
"""As many of the longest names as are as wide as the figure."""


@styled
def diagnosis_by_method(histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]]) -> Figure:
    """The same for all methods of a study: one panel a question, a line a method, its band the range over seeds.

    Parameters
    ----------
    histories : mapping
        Method name -> one history a seed, as for `diagnosis_figure`; a method is missing where it measured nothing.
    """
    rows = -(-len(histories) // _LEGEND_COLUMNS)
    figure, grid = plt.subplots(2, 3, figsize=(15, 7 + 0.3 * rows))
    lines = {}
    for axes, (key, title, label) in zip(grid.flat, _BY_METHOD, strict=True):
        draw_by_method(axes, histories, key)
        axes.set(title=title, xlabel="iteration of adaptation", ylabel=label)
        axes.grid(axis="y")
        lines |= {line.get_label(): line for line in axes.get_lines()}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=_LEGEND_COLUMNS)
    return figure
