"""ImageNet weights for a feature extractor: downloaded, or a local file that is checked before it is used."""

import hashlib
import http.client
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torchvision.models import ResNet50_Weights, ResNet101_Weights, VGG16_Weights

from fada_lib.data.transforms import CAFFE_MEAN_BGR, IMAGENET_MEAN, IMAGENET_STD
from fada_lib.files import resolve
from fada_lib.models.fit import fit
from fada_lib.models.segmenter import Segmenter
from fada_lib.models.tensor_files import read_tensors
from fada_lib.parameters import UserError

TORCHVISION_WEIGHTS = {
    "resnet50": ResNet50_Weights.IMAGENET1K_V1,
    "resnet101": ResNet101_Weights.IMAGENET1K_V1,
    "vgg16": VGG16_Weights.IMAGENET1K_V1,
}
CAFFE_VGG16 = "https://web.eecs.umich.edu/~justincj/models/vgg16-00b39a1b.pth"
"""VGG-16 of its authors, converted from Caffe by J. Johnson: what the release starts from."""
VGG_POSITIONS = {f"features.{old}": f"{new}" for new, old in enumerate(i for i in range(30) if i != 23)}
"""torchvision's position of each VGG-16 layer to its position here, where pool4 (23) and pool5 (30) are left out."""
NEW_IN_VGG = ("29.weight", "29.bias", "31.weight", "31.bias")
"""fc6 and fc7 as atrous convolutions, which a classifier of ImageNet has in another form."""

_CHECKSUM_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
_FAILED_DOWNLOAD = (OSError, http.client.HTTPException, RuntimeError)
"""What `torch.hub` raises: no connection, a connection cut, another checksum (RuntimeError)."""


def initialise(segmenter: Segmenter, backbone: str, weights: str) -> None:
    """Load ImageNet weights into F.

    Parameters
    ----------
    segmenter : Segmenter
    backbone : str
        The name it was built by.
    weights : str
        ``none`` (train from scratch), ``imagenet`` (torchvision's, downloaded), ``caffe`` (VGG-16 only: the
        release's, downloaded), ``caffe:PATH`` (a local file in Caffe's convention: BGR, 0-255) or a PATH of a file in
        torchvision's. Local files hold a state dictionary under torchvision's names. A checksum in a file's name
        (`resnet101-63fe2227.pth`: the first digits of its SHA-256) is compared with its content.

    Raises
    ------
    UserError
        If there are no such weights, the download fails, or the file is damaged or does not fit the backbone.
    """
    if weights == "none":
        return
    caffe = weights == "caffe" or weights.startswith("caffe:")
    if caffe and backbone != "vgg16":
        raise UserError(f"weights: '{weights}' is for backbone 'vgg16', not '{backbone}'; set weights: imagenet")
    if weights == "imagenet" and backbone not in TORCHVISION_WEIGHTS:
        raise UserError(f"weights: there are no ImageNet weights for '{backbone}'; set weights: none")
    if weights in ("imagenet", "caffe"):
        path = download(CAFFE_VGG16 if caffe else TORCHVISION_WEIGHTS[backbone].url)
    else:
        path = resolve(weights.removeprefix("caffe:"))
    state = read_weights(path)
    if backbone == "vgg16":
        if not caffe and _sha256(path).startswith("00b39a1b"):
            raise UserError(f"weights: {path} is Caffe's VGG-16: write weights: caffe:{path}")
        state = release_positions(state if caffe else for_caffe_input(state))
    needed = {key: value for key, value in state.items() if not key.startswith("fc.")}
    new = NEW_IN_VGG if backbone == "vgg16" else ()
    fit(segmenter.feature_extractor.backbone, needed, f"weights: {path}", f"backbone '{backbone}'", new)


def download(url: str) -> Path:
    """The file behind `url` in torch's cache, downloaded with a progress bar if it is not there yet.

    Raises
    ------
    UserError
        If the download fails or its checksum is another than the one in its name; nothing is kept then.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not path.exists():
        promised = _CHECKSUM_IN_NAME.search(path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), promised and promised[1], progress=True)
        except _FAILED_DOWNLOAD as error:
            reason = str(error).partition("\n")[0]
            raise UserError(f"weights: the download of {url} failed ({reason}); set weights to a local file") from error
    return path


def read_weights(path: Path) -> Mapping[str, torch.Tensor]:
    """Read a file of tensors whose content agrees with the checksum in its name, if it has one."""
    promised = _CHECKSUM_IN_NAME.search(path.name)
    if promised and path.is_file() and not (found := _sha256(path)).startswith(promised[1]):
        raise UserError(
            f"weights: {path} has the checksum {found[: len(promised[1])]}, not the one in its name: it is truncated "
            "or another file; delete it and download it again"
        )
    return read_tensors(path)


def for_caffe_input(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """torchvision's VGG-16, which wants standardised RGB, for BGR in 0..255 less Caffe's mean.

    The network then computes the same, except within a pixel of the border, where the padding of 0 is another grey.
    """
    if "features.0.weight" not in state or "features.0.bias" not in state:
        return dict(state)
    deviation = 255 * torch.tensor(IMAGENET_STD, dtype=torch.float64).view(1, 3, 1, 1)
    weight = state["features.0.weight"].double() / deviation
    shift = torch.tensor(CAFFE_MEAN_BGR[::-1]) - 255 * torch.tensor(IMAGENET_MEAN)
    bias = state["features.0.bias"].double() + (weight * shift.view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    first = {"features.0.weight": weight.flip(1).float(), "features.0.bias": bias.float()}
    return {**state, **first}


def release_positions(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """VGG-16's convolutions under their position in the release's sequence; the classifier is left out."""
    renamed = {}
    for key, value in state.items():
        stem, _, leaf = key.rpartition(".")
        if stem in VGG_POSITIONS:
            renamed[f"{VGG_POSITIONS[stem]}.{leaf}"] = value
    return renamed


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
