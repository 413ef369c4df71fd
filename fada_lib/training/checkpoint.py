"""A trained segmenter on disk: tensors and plain types, enough to rebuild the network without anything else."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch

from fada_lib.data.classes import class_set
from fada_lib.files import resolve, write_atomically
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.parameters import UserError

SCHEMA = 1


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
    """Write `checkpoint.pt` atomically."""
    content = {
        "schema": SCHEMA,
        **vars(recipe),
        "classes": list(class_set(recipe.class_set).names),
        "segmenter": {name: tensor.cpu() for name, tensor in segmenter.state_dict().items()},
    }
    save_tensors(path, content)


def save_tensors(path: Path, content: dict) -> None:
    """`torch.save`, atomically; through memory, because only then a full disk is an OSError and ends in one line."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getbuffer()))


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
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        recipe = Recipe(**{name: content[name] for name in Recipe.__dataclass_fields__})
        segmenter = build_segmenter(recipe.backbone, len(class_set(recipe.class_set)), recipe.norm)
        segmenter.load_state_dict(content["segmenter"])
    except UserError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path} is no checkpoint of this project ({type(error).__name__}: {reason})") from error
    return segmenter.to(device=device, memory_format=torch.channels_last), recipe
