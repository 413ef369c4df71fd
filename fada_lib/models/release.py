"""The authors' checkpoints (JDAI-CV/FADA): read into our networks, and ours written in their form.

A released `.pth` is a dictionary: `iteration`, `feature_extractor`, `classifier`, perhaps `model_D` and the states of
optimisers, which are not used here. Keys may stand behind `module.` (distributed training). The names inside are those
of our modules, so nothing is renamed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from fada_lib.models.discriminator import FineGrainedDiscriminator
from fada_lib.models.fit import fit
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.models.tensor_files import read_tensors, save_tensors
from fada_lib.parameters import UserError

State = Mapping[str, torch.Tensor]

_BLOCKS_OF_LAYER_3 = {6: "resnet50", 23: "resnet101"}


@dataclass(frozen=True)
class Release:
    """A released checkpoint in memory.

    Attributes
    ----------
    path : Path
        For messages.
    iteration : int
    feature_extractor, classifier : dict of Tensor
        Under the release's names, without `module.`.
    discriminator : dict of Tensor or None
        None for a source model.
    """

    path: Path
    iteration: int
    feature_extractor: State
    classifier: State
    discriminator: State | None

    @property
    def num_classes(self) -> int:
        """K, from the classifier."""
        return len(self.classifier["conv2d_list.0.bias"])

    @property
    def backbone(self) -> str:
        """``resnet50``, ``resnet101`` or ``vgg16``, told by the names of the layers."""
        names = self.feature_extractor
        if "backbone.29.weight" in names:
            return "vgg16"
        blocks = {m[1] for name in names if (m := re.match(r"backbone\.layer3\.(\d+)\.", name))}
        if len(blocks) not in _BLOCKS_OF_LAYER_3:
            raise UserError(f"{self.path} has a backbone unknown here: it must be ResNet-50, ResNet-101 or VGG-16")
        return _BLOCKS_OF_LAYER_3[len(blocks)]

    @property
    def norm(self) -> str:
        """``batch`` where batch norm was live (it then counts its batches), else ``frozen``."""
        live = any(name.endswith("num_batches_tracked") for name in self.feature_extractor)
        return "batch" if live else "frozen"


def is_release(content: Mapping) -> bool:
    """Whether a file's dictionary has the form of a released checkpoint."""
    return "feature_extractor" in content and "classifier" in content


def read_release(path: str | Path) -> Release:
    """Read a released `.pth`; nothing in it is executed.

    Raises
    ------
    UserError
        For a file that is missing, truncated, malicious or no released checkpoint.
    """
    path = Path(path).expanduser()
    return parse_release(read_tensors(path), path)


def parse_release(content: Mapping, path: Path) -> Release:
    """The checkpoint in the dictionary that the file `path` holds."""
    if not is_release(content):
        raise UserError(f"{path} is no checkpoint of the release: it lacks feature_extractor or classifier")
    states = {}
    for part in ("feature_extractor", "classifier", "model_D"):
        state = content.get(part)
        if part == "model_D" and state is None:
            states[part] = None
            continue
        if not isinstance(state, Mapping) or not all(isinstance(t, torch.Tensor) for t in state.values()):
            raise UserError(f"{path} is no checkpoint of the release: its {part} is no dictionary of tensors")
        states[part] = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    if "conv2d_list.0.bias" not in states["classifier"]:
        raise UserError(f"{path} is no checkpoint of the release: its classifier lacks conv2d_list.0.bias")
    iteration = content.get("iteration", 0)
    iteration = iteration if isinstance(iteration, int) else 0
    return Release(path, iteration, states["feature_extractor"], states["classifier"], states["model_D"])


def load_release(release: Release, segmenter: Segmenter, discriminator: FineGrainedDiscriminator | None = None) -> None:
    """Copy a released checkpoint's weights into our networks; further heads go, for its classifier predicts alone.

    Raises
    ------
    UserError
        For another backbone, number of classes or missing discriminator, naming the first tensor that does not fit.
    """
    fit(segmenter.classifier, release.classifier, f"{release.path} (classifier, {release.num_classes} classes)")
    fit(segmenter.feature_extractor, release.feature_extractor, f"{release.path} (feature_extractor)")
    segmenter.heads.clear()
    if discriminator is not None:
        if release.discriminator is None:
            raise UserError(f"{release.path} holds no model_D: it is a source model")
        fit(discriminator, release.discriminator, f"{release.path} (model_D)")


def segmenter_of(release: Release) -> Segmenter:
    """The released segmentation network, in evaluation mode."""
    segmenter = build_segmenter(release.backbone, release.num_classes, release.norm)
    load_release(release, segmenter)
    return segmenter.eval()


def release_state(
    segmenter: Segmenter, discriminator: FineGrainedDiscriminator | None = None, iteration: int = 0
) -> dict[str, object]:
    """The networks' weights (on the CPU, copied) as the release's dictionary; without a discriminator, no `model_D`."""
    content: dict[str, object] = {
        "iteration": iteration,
        "feature_extractor": _state(segmenter.feature_extractor),
        "classifier": _state(segmenter.predicting_classifier()),
    }
    return content if discriminator is None else {**content, "model_D": _state(discriminator)}


def write_release(
    path: str | Path, segmenter: Segmenter, discriminator: FineGrainedDiscriminator | None = None, iteration: int = 0
) -> None:
    """Write the networks as a released `.pth`, atomically."""
    save_tensors(Path(path).expanduser(), release_state(segmenter, discriminator, iteration))


def _state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}
