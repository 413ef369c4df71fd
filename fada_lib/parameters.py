"""The parameters of the five stages: one frozen dataclass a notebook, the only place where defaults live.

The defaults are small enough to explore on a laptop in minutes; studies (`params/*.yaml`) override them.
`from_mapping` refuses unknown names, wrong types and, by `fada_lib.limits`, senseless values, so a mistake in a
parameter file ends a study before it starts.
"""

import dataclasses
import difflib
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field

from fada_lib.limits import objection

T = typing.TypeVar("T")


class UserError(Exception):
    """A wrong input: one clear line that names the file or parameter and the way out."""


@dataclass(frozen=True, kw_only=True)
class DataParameters:
    """Notebook 01: a world, either read from real folders or made when the roots are empty.

    With a `target_root` alone only the game is made, as the source of a real target.

    `*_image_folder`, `*_label_folder` and `*_label_values` belong to the layout ``folders`` (see
    `fada_lib.data.layouts.folders`). `class_set` may list class names (see `fada_lib.data.classes.class_set`).
    `judged_on` lists the class sets that mIoU is taken over; tables show the first (empty: all of `class_set`).
    `pixel_cache` is a folder for decoded images (see `fada_lib.data.cache`); empty: none are kept.
    """

    run: str = "results/interactive/runs/01_data"
    source_layout: str = "gta5"
    source_root: str = ""
    source_image_folder: str = "images"
    source_label_folder: str = "labels"
    source_label_values: dict[str, object] = field(default_factory=dict)
    source_groups: tuple[str, ...] = ()
    source_val_images: int = 20
    target_layout: str = "cityscapes"
    target_root: str = ""
    target_image_folder: str = "{split}/images"
    target_label_folder: str = "{split}/labels"
    target_label_values: dict[str, object] = field(default_factory=dict)
    target_groups: tuple[str, ...] = ()
    target_val_split: str = "val"
    tune_groups: tuple[str, ...] = ("tunewick",)
    class_set: str = "world12"
    judged_on: tuple[str, ...] = ()
    pixel_cache: str = ""
    world_seed: int = 0
    height: int = 96
    width: int = 192
    source_train_images: int = 120
    target_train_images: int = 120
    target_tune_images: int = 20
    target_val_images: int = 40
    label_shift: float = 0.5
    appearance_shift: float = 1.0
    source_label_shift: float = 0.0
    missing_class: str = "none"
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class TrainingParameters:
    """What the three training stages share."""

    data: str = "results/interactive/runs/01_data"
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    precision: str = "auto"
    workers: int = 0
    source_size: tuple[int, ...] = ()
    target_size: tuple[int, ...] = ()
    test_size: tuple[int, ...] = ()
    second_test_size: tuple[int, ...] = ()
    iterations: int = 100
    poly_horizon: int = 0
    batch_size: int = 4
    learning_rate: float = 0.03
    classifier_learning_rate_factor: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 0.0005
    poly_power: float = 0.9
    gradient_clip: float = 5.0
    flip_probability: float = 0.5
    jitter: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    sampling: str = "random"
    scales: tuple[float, ...] = (0.7, 1.0, 1.3)
    log_every: int = 10
    evaluate_every: int = 0
    checkpoint_every: int = 100


@dataclass(frozen=True, kw_only=True)
class PretrainParameters(TrainingParameters):
    """Notebook 02: supervised training on one domain; `domain: target` makes the oracle.

    `checkpoint` names a trained network, one of the release's or this project's, to start from instead of `weights`;
    with `iterations: 0` it is only evaluated.
    """

    run: str = "results/interactive/runs/02_source"
    method: str = "source_only"
    domain: str = "source"
    backbone: str = "resnet_small"
    norm: str = "group"
    weights: str = "none"
    checkpoint: str = ""
    iterations: int = 150


@dataclass(frozen=True, kw_only=True)
class AdaptParameters(TrainingParameters):
    """Notebook 03: adaptation of the source model by a method of the registry.

    `source_colours: target` recolours the source images by the colour statistics of the target's training images
    (see `fada_lib.data.recolouring`); ``own`` leaves them. `snapshot_every` keeps the network every so many iterations
    (0: never), to show how its features move.
    """

    run: str = "results/interactive/runs/03_fada_soft"
    source_run: str = "results/interactive/runs/02_source"
    name: str = "fada_soft"
    method: str = "fada"
    options: dict[str, object] = field(default_factory=dict)
    batch_norm: str = "frozen"
    source_colours: str = "own"
    segmentation_temperature: float = 1.0
    discriminator_learning_rate: float = 0.001
    snapshot_every: int = 0


@dataclass(frozen=True, kw_only=True)
class DistillParameters(TrainingParameters):
    """Notebook 04: self-distillation of an adapted teacher into a fresh student.

    `student_norm` is the student's `norm`, or ``teacher`` for the teacher's (the release: batch for GTA5, where the
    teacher is frozen); a student that goes on from a teacher with batch norm keeps its statistics if ``frozen``.
    `crop_size`, [width, height], crops the scaled image to it instead of to its size before scaling (the release:
    full-size images scaled by `crop_scales`, crops of 1024x512). `label_size` is the size at which the teacher labels,
    by default `test_size` (the release labels at 1024x512 and tests at 2048x1024). A study's `variants` of the section
    set `variant`. `photographs` is an image or a folder of images that the student labels at the end; empty: the first
    three of the target's val part.
    """

    run: str = "results/interactive/runs/04_fada_soft"
    teacher_run: str = "results/interactive/runs/03_fada_soft"
    student: str = "fresh"
    student_norm: str = "teacher"
    confidence_threshold: float = 0.0
    teacher_multiscale: bool = False
    crop_scales: tuple[float, ...] = (1.0, 1.0)
    crop_size: tuple[int, ...] = ()
    label_size: tuple[int, ...] = ()
    variant: str = ""
    photographs: str = ""
    iterations: int = 150


@dataclass(frozen=True, kw_only=True)
class AnalyseParameters:
    """Notebook 05: Class Center Distance, domain distance, mistakes and t-SNE over the runs of a study."""

    run: str = "results/interactive/runs/05_analysis"
    data: str = "results/interactive/runs/01_data"
    runs: tuple[str, ...] = (
        "results/interactive/runs/02_source",
        "results/interactive/runs/03_binary",
        "results/interactive/runs/03_fada_soft",
    )
    embedded: tuple[str, ...] = ("source_only", "binary", "fada_soft")
    students: tuple[str, ...] = ("fada_soft",)
    samples_per_domain: int = 2000
    squared_denominator: bool = True
    perplexity: float = 30.0
    embedding_iterations: int = 500
    seed: int = 0
    threads: int = 1
    device: str = "auto"
    test_size: tuple[int, ...] = ()


STAGES: dict[str, type] = {
    "data": DataParameters,
    "pretrain": PretrainParameters,
    "adapt": AdaptParameters,
    "distill": DistillParameters,
    "analyse": AnalyseParameters,
}


def from_mapping(kind: type[T], values: Mapping[str, object], where: str) -> T:
    """Build the dataclass `kind` from a mapping, refusing what does not fit.

    Parameters
    ----------
    kind : dataclass type
        E.g. `AdaptParameters`, or the options dataclass of a method.
    values : mapping
        Names and values as YAML or papermill gives them.
    where : str
        What to name in the error, e.g. ``params/default.yaml, section 'adapt'``.

    Raises
    ------
    UserError
        On an unknown name (with the nearest known one), a value of the wrong type or one outside its limits.
    """
    hints = typing.get_type_hints(kind)
    for name in values:
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(hints))}"
            raise UserError(f"{where}: unknown parameter '{name}'; {advice}")
    checked = {name: _checked(hints[name], value, f"{where}: '{name}'") for name, value in values.items()}
    for name, value in checked.items():
        if problem := objection(name, value, hints):
            raise UserError(f"{where}: '{name}' {problem}")
    return kind(**checked)


def to_mapping(parameters: object) -> dict[str, object]:
    """The parameters as a flat dict of plain YAML types (tuples become lists)."""
    plain = dataclasses.asdict(parameters)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def _checked(hint: object, value: object, where: str) -> object:
    """Return `value` as the type `hint`; a whole number is accepted where a float is wanted, nothing else bends."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise UserError(f"{where} must be a list, not {value!r}")
        return tuple(_checked(arguments[0], v, where) for v in value)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise UserError(f"{where} must be a mapping, not {value!r}")
        return dict(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if hint is float and whole and abs(value) <= sys.float_info.max:
        return float(value)
    if type(value) is not hint:
        advice = " (YAML reads 1e-4 as text: write 1.0e-4)" if hint is float and isinstance(value, str) else ""
        raise UserError(f"{where} must be of type {hint.__name__}, not {value!r}{advice}")
    return value
