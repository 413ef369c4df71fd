"""ImageNet weights for a feature extractor: torchvision's, or a local file that is checked before it is used."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torchvision.models import ResNet50_Weights, ResNet101_Weights, VGG16_Weights

from fada_lib.data.transforms import IMAGENET_STD
from fada_lib.files import resolve
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import UserError

TORCHVISION_WEIGHTS = {
    "resnet50": ResNet50_Weights.IMAGENET1K_V1,
    "resnet101": ResNet101_Weights.IMAGENET1K_V1,
    "vgg16": VGG16_Weights.IMAGENET1K_V1,
}
VGG_POSITIONS = {f"features.{old}": f"{new}" for new, old in enumerate(i for i in range(30) if i != 23)}
"""torchvision's position of each VGG-16 layer to its position here, where pool4 (23) and pool5 (30) are left out."""


def initialise(segmenter: Segmenter, backbone: str, weights: str) -> None:
    """Load ImageNet weights into F.

    Parameters
    ----------
    segmenter : Segmenter
    backbone : str
        The name it was built by.
    weights : str
        ``none`` (train from scratch), ``imagenet`` (torchvision downloads and checks them) or the path of a
        file that holds a state dictionary under torchvision's names.

    Raises
    ------
    UserError
        If there are no such weights, or the file does not fit the backbone.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        if backbone not in TORCHVISION_WEIGHTS:
            raise UserError(f"weights: there are no ImageNet weights for '{backbone}'; set weights: none")
        try:
            state = dict(TORCHVISION_WEIGHTS[backbone].get_state_dict(progress=True, check_hash=True))
        except OSError as error:
            raise UserError(f"weights: the download failed ({error}); set weights to a local file") from error
        if backbone == "vgg16":
            state["features.0.weight"] = _for_caffe_input(state["features.0.weight"])
    else:
        state = read_state(resolve(weights))
    _load(segmenter, backbone, state, weights)


def read_state(path: Path) -> Mapping[str, torch.Tensor]:
    """Read a file of tensors without executing anything in it; `UserError` for a missing or foreign file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"weights: {path} is missing") from error
    except Exception as error:
        raise UserError(f"weights: {path} is not a plain file of tensors ({type(error).__name__})") from error


def _load(segmenter: Segmenter, backbone: str, state: Mapping[str, torch.Tensor], where: str) -> None:
    if not isinstance(state, Mapping):
        raise UserError(f"weights: {where} holds no state dictionary")
    state = _renamed_vgg(state) if backbone == "vgg16" else {k: v for k, v in state.items() if not k.startswith("fc.")}
    expected = segmenter.feature_extractor.backbone.state_dict()
    new = {"29.weight", "29.bias", "31.weight", "31.bias"} if backbone == "vgg16" else set()
    needed = {k for k in expected if k not in new and not k.endswith("num_batches_tracked")}
    surplus = [k for k in state if k not in expected and not k.endswith("num_batches_tracked")]
    for problem, keys in (("lacks", sorted(needed - state.keys())), ("has, but should not,", surplus)):
        if keys:
            raise UserError(f"weights: {where} does not fit backbone '{backbone}': it {problem} {keys[0]}")
    for key in sorted(needed):
        if state[key].shape != expected[key].shape:
            shapes = f"{tuple(state[key].shape)}, not {tuple(expected[key].shape)}"
            raise UserError(f"weights: {where} does not fit backbone '{backbone}': {key} is {shapes}")
    fitting = {k: v for k, v in state.items() if k in expected}
    segmenter.feature_extractor.backbone.load_state_dict(fitting, strict=False)


def _for_caffe_input(weight: torch.Tensor) -> torch.Tensor:
    """torchvision's first VGG layer, which wants standardised RGB, for BGR in 0..255 less its mean."""
    deviation = 255 * torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (weight / deviation).flip(1)


def _renamed_vgg(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """torchvision's convolutions under their position here; its classifier is left out."""
    renamed = {}
    for key, value in state.items():
        stem, _, leaf = key.rpartition(".")
        if stem in VGG_POSITIONS:
            renamed[f"{VGG_POSITIONS[stem]}.{leaf}"] = value
    return renamed
