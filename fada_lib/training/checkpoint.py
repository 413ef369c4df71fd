"""A trained segmenter on disk: tensors and plain types, enough to rebuild the network without anything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from fada_lib.data.classes import ClassSet, class_set
from fada_lib.files import resolve
from fada_lib.models.release import is_release, parse_release, segmenter_of
from fada_lib.models.segmenter import Segmenter, build_segmenter, heads_in
from fada_lib.models.tensor_files import read_tensors, save_tensors
from fada_lib.parameters import UserError

SCHEMA = 1
RELEASE_CLASS_SETS = {19: "cityscapes19", 16: "synthia16"}
"""What a released checkpoint of K classes predicts: it does not name them itself."""


@dataclass(frozen=True)
class Recipe:
    """What a checkpoint was trained as.

    Attributes
    ----------
    backbone, norm, class_set : str
        How to build the network.
    weights : str
        What it was initialised with, before any training.
    method : str
        The last method it was trained by.
    total_iterations : int
        Along the chain of stages.
    parameters : dict
        Of the run that wrote it.
    """

    backbone: str
    norm: str
    class_set: str
    weights: str
    method: str
    total_iterations: int
    parameters: dict


def save_checkpoint(path: Path, segmenter: Segmenter, recipe: Recipe) -> None:
    """Write `checkpoint.pt` atomically; `record_metrics` adds the evaluation once it is done."""
    content = {
        "schema": SCHEMA,
        **vars(recipe),
        "classes": list(class_set(recipe.class_set).names),
        "metrics": {},
        "segmenter": {name: tensor.cpu() for name, tensor in segmenter.state_dict().items()},
    }
    save_tensors(path, content)


def record_metrics(run: str | Path, metrics: Mapping[str, object]) -> None:
    """Keep a run's metrics (plain types) inside its checkpoint, so that the file alone says how good it is."""
    path = resolve(run) / "checkpoint.pt"
    save_tensors(path, {**read_tensors(path), "metrics": dict(metrics)})


def load_checkpoint(run: str | Path, device: torch.device | str = "cpu") -> tuple[Segmenter, Recipe]:
    """Rebuild the segmenter of a finished run.

    Parameters
    ----------
    run : str or Path
        The run's folder.
    device : torch.device or str

    Raises
    ------
    UserError
        If the run has no checkpoint, or the file is damaged, foreign or holds anything but plain data.
    """
    path = resolve(run) / "checkpoint.pt"
    if not path.exists():
        raise UserError(f"{path} is missing: run the stage that trains it first")
    segmenter, recipe = _ours(read_tensors(path), path)
    return segmenter.to(device=device, memory_format=torch.channels_last), recipe


def load_trained(path: str | Path, device: torch.device | str = "cpu") -> tuple[Segmenter, Recipe]:
    """Load any trained network: a run's folder, a `checkpoint.pt` of this project, or a `.pth` of the release.

    Raises
    ------
    UserError
        As `load_checkpoint`; and for a released network whose number of classes is neither 19 nor 16.
    """
    path = resolve(path)
    if path.is_dir():
        return load_checkpoint(path, device)
    content = read_tensors(path)
    segmenter, recipe = _released(content, path) if is_release(content) else _ours(content, path)
    return segmenter.to(device=device, memory_format=torch.channels_last), recipe


def require_classes(recipe: Recipe, classes: ClassSet, where: str) -> None:
    """Refuse, by a `UserError` that begins with `where`, a network that predicts other classes than the data have."""
    if class_set(recipe.class_set).names != classes.names:
        raise UserError(f"{where} predicts '{recipe.class_set}', the data have class_set '{classes.name}'")


def _ours(content: dict, path: Path) -> tuple[Segmenter, Recipe]:
    try:
        recipe = Recipe(**{name: content[name] for name in Recipe.__dataclass_fields__})
        segmenter = build_segmenter(recipe.backbone, len(class_set(recipe.class_set)), recipe.norm)
        segmenter.add_heads(heads_in(content["segmenter"]))
        segmenter.load_state_dict(content["segmenter"])
    except UserError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path} is no checkpoint of this project ({type(error).__name__}: {reason})") from error
    return segmenter, recipe


def _released(content: dict, path: Path) -> tuple[Segmenter, Recipe]:
    release = parse_release(content, path)
    if release.num_classes not in RELEASE_CLASS_SETS:
        raise UserError(f"{path} has {release.num_classes} classes: the release's networks have 19 or 16")
    segmenter = segmenter_of(release)
    classes, weights = RELEASE_CLASS_SETS[release.num_classes], "caffe" if release.backbone == "vgg16" else "imagenet"
    recipe = Recipe(release.backbone, release.norm, classes, weights, path.stem, release.iteration, {})
    return segmenter, recipe
