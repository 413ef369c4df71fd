"""One style for every figure: readable on a slide, safe for colour-blind readers, always the same bytes."""

import functools
import zlib
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from fada_lib.data.classes import ClassSet
from fada_lib.files import write_atomically

STYLE: dict[str, object] = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4d4d4d",
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "butt",  # a bar ends where its interval does
    "pdf.fonttype": 42,
    "svg.hashsalt": "fada",
}
"""Matplotlib settings of all figures."""

SOURCE_COLOUR = "#D55E00"
TARGET_COLOUR = "#0072B2"
"""The two domains, wherever a figure tells them apart (Okabe and Ito's vermillion and blue)."""

_METHODS: dict[str, tuple[str, str]] = {
    "source_only": ("Source only", "#8c8c8c"),
    "source_continued": ("Source, continued", "#CC79A7"),
    "adabn": ("AdaBN (target statistics)", "#882255"),
    "adaptsegnet": ("AdaptSegNet", "#56B4E9"),
    "minent": ("MinEnt", "#994F00"),
    "advent": ("AdvEnt", "#4B0092"),
    "clan": ("CLAN", "#117733"),
    "joint_global_local": ("Joint global-local", "#999933"),
    "binary": ("Binary discriminator", "#E69F00"),
    "fada_hard": ("FADA, hard labels", "#009E73"),
    "fada_soft": ("FADA, soft labels", "#0072B2"),
    "fada_soft_temperature_1.0": ("FADA, soft labels, T = 1.0", "#0A1F4D"),
    "fada_domain_term": ("FADA, domain term alone", "#009988"),
    "fada_class_term": ("FADA, class term alone", "#CC3311"),
    "oracle_encodings": ("FADA, true encodings", "#661100"),
    "oracle": ("Oracle (target labels)", "#000000"),
}
CONTROLS = ("adabn", "source_continued_target_statistics", "source_continued_recoloured")
"""Names of what gets the target's batch-norm or colour statistics and has no discriminator."""

_SPARE_COLOURS = ("#D55E00", "#F0E442")
_SHADES = (-0.6, -0.45, -0.3, -0.15, 0.2, 0.4, 0.6, 0.75)
"""How far a variant's colour lies from its method's, towards black or white."""
_SYMBOLS = {"lambda_adv": "λ"}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function that returns a figure: drawn in the style, and never shown twice by a notebook."""

    @functools.wraps(draw)
    def wrapper(*arguments: object, **named: object) -> Figure:
        with mpl.rc_context(STYLE):
            figure = draw(*arguments, **named)
        plt.close(figure)
        return figure

    return wrapper


def split_name(name: str) -> tuple[str, str, bool]:
    """Split `base@variant+sd` into base, variant (possibly empty) and whether the run is self-distilled."""
    distilled = name.endswith("+sd")
    base, _, variant = name.removesuffix("+sd").partition("@")
    return base, variant, distilled


def varied_method(base: str) -> tuple[str, str]:
    """The known method that a name begins with and what is changed: ``binary_slow`` is (binary, slow), else ('', name).

    The method itself has changed nothing: ``binary`` is (binary, '').
    """
    known = [name for name in _METHODS if base == name or base.startswith(name + "_")]
    method = max(known, key=len, default="")
    return method, base.removeprefix(method).removeprefix("_")


def is_oracle(name: str) -> bool:
    """Whether a network was trained with target labels: it competes with no method, and its name begins with oracle."""
    return name.startswith("oracle")


def is_control(name: str) -> bool:
    """Whether a network was adapted without a discriminator, by statistics alone: no method, but what one must beat."""
    return split_name(name)[0] in CONTROLS


def method_label(name: str) -> str:
    """The human name of a method: ``fada_soft@lambda_adv=0.01+sd`` is 'FADA, soft labels (λ = 0.01) + SD'.

    A name that goes on after that of a known method is its variant: ``binary_slow`` is 'Binary discriminator, slow'.
    The student of the source model, ``source_only+sd``, is plain self-training and says so.
    """
    base, variant, distilled = split_name(name)
    method, rest = varied_method(base)
    words = rest.replace("_", " ").replace("temperature ", "T = ")
    label = ", ".join(filter(None, (_METHODS[method][0], words))) if method else words.capitalize()
    if variant:
        pairs = (part.partition("=") for part in variant.split(","))
        label += " (" + ", ".join(f"{_SYMBOLS.get(k, k.replace('_', ' '))} = {v}" for k, _, v in pairs) + ")"
    if distilled:
        label += " + SD"
    return f"Self-training ({label[0].lower()}{label[1:]})" if distilled and base == "source_only" else label


def method_colour(name: str) -> str:
    """The colour of a method as ``#rrggbb``: fixed for the study's own, a shade of it for a variant of one.

    Any other gets one of two spare colours, chosen by the name.
    """
    method, rest = varied_method(split_name(name)[0])
    choice = zlib.crc32(rest.encode())
    if not method:
        return _SPARE_COLOURS[choice % len(_SPARE_COLOURS)]
    colour = _METHODS[method][1]
    return _shaded(colour, _SHADES[choice % len(_SHADES)]) if rest else colour


def _shaded(colour: str, amount: float) -> str:
    """`colour` moved towards white by a positive fraction, towards black by a negative one."""
    end = 1.0 if amount > 0 else 0.0
    return mpl.colors.to_hex([c + abs(amount) * (end - c) for c in mpl.colors.to_rgb(colour)])


def method_order(name: str) -> tuple[int, str]:
    """Sorting key: the order in which the study tells its story, unknown methods before the oracle."""
    known = list(_METHODS)
    method, _ = varied_method(split_name(name)[0])
    if method == "oracle":
        return len(known) + 1, name
    return (known.index(method) if method else len(known)), name


def class_colours(class_set: ClassSet) -> list[tuple[float, float, float]]:
    """K RGB colours in 0..1, the set's palette (Cityscapes' where it names none) in channel order."""
    return [tuple(c / 255 for c in class_set.palette[k]) for k in range(len(class_set))]


def class_legend(figure: Figure, class_set: ClassSet, ignored: bool = False) -> None:
    """Put a legend of the classes under the figure."""
    handles = [
        Patch(facecolor=colour, edgecolor="#4d4d4d", linewidth=0.5, label=name)
        for colour, name in zip(class_colours(class_set), class_set.names, strict=True)
    ]
    if ignored:
        handles.append(Patch(facecolor="#262626", edgecolor="#707070", hatch="////", label="ignored"))
    figure.legend(handles=handles, loc="outside lower center", ncols=7, handlelength=1.2, columnspacing=1.4)


def legend_mark(marker: str, label: str, colour: object = "#6b6b6b") -> Line2D:
    """A legend entry: a mark without a line, grey unless its colour says something."""
    return Line2D([], [], linestyle="none", marker=marker, markersize=9, color=colour, label=label)


def without_frame(axes: Axes) -> None:
    """Remove ticks and frame, for axes that hold a picture."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write `<stem>.png` and `<stem>.pdf` atomically and close the figure.

    The files carry no date, so a figure of the same numbers has the same bytes.

    Returns
    -------
    tuple of Path
        The PNG and the PDF.
    """
    stem = Path(stem)
    png, pdf = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".pdf")
    without_dates = {png: {"Software": None}, pdf: {"CreationDate": None, "Producer": None, "Creator": None}}
    with mpl.rc_context(STYLE):
        for path, metadata in without_dates.items():
            write_atomically(path, lambda temporary, m=metadata: figure.savefig(temporary, metadata=m))
    plt.close(figure)
    return png, pdf
