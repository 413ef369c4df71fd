"""The library's public functions in one place: stable names, plain tensors, no study around them (`docs/api.md`).

A *step* is one full iteration, from the forward pass to the updated weights. Images are (N, 3, H, W): uint8 RGB, which
is normalised by the backbone's convention, or floating-point, which counts as normalised already. Labels are
(N, H, W) channels, 255 ignored. Everything works in float32 and, after ``network.double()``, in float64.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from fada_lib.analysis import ccd
from fada_lib.data.classes import class_set
from fada_lib.data.layouts import mapped_layout
from fada_lib.data.sampling import class_balanced_list
from fada_lib.data.transforms import Augmentation, augment, normalise, to_tensor
from fada_lib.inference.export import export_segmenter
from fada_lib.inference.photographs import label_photographs, write_photographs
from fada_lib.inference.predict import evaluating, probabilities
from fada_lib.methods.fada import Fada
from fada_lib.methods.options import FadaOptions
from fada_lib.metrics.iou import ConfusionMatrix, intersection_over_union, mean_iou, require_channels
from fada_lib.models import weights as imagenet
from fada_lib.models.backbones import build_feature_extractor
from fada_lib.models.discriminator import FineGrainedDiscriminator
from fada_lib.models.release import (
    load_release,
    parse_release,
    read_release,
    release_state,
    segmenter_of,
    write_release,
)
from fada_lib.models.segmenter import Segmenter, build_segmenter, network_input, upsample
from fada_lib.training import checkpoint
from fada_lib.training.adapt import DISCRIMINATOR_BETAS, adapt_step
from fada_lib.training.device import Compute
from fada_lib.training.schedule import poly_factor
from fada_lib.training.state import set_learning_rate
from fada_lib.training.supervised import supervised_step

RELEASE = FadaOptions(lambda_adv=0.001, discriminator_resolution="input", discriminator_weight=0.5)
"""The adversarial losses as the release computes them; T = 1.8 and the clip of 0.9 are the options' defaults."""
PAPER = FadaOptions(lambda_adv=0.001, discriminator_resolution="input", discriminator_weight=1.0)
"""As the paper writes them: the two terms of L_D are added, not averaged (Eq. 5)."""


def build_discriminator(
    backbone: str, num_classes: int, hidden: tuple[int, int] = (256, 128)
) -> FineGrainedDiscriminator:
    """The discriminator for a backbone's features, with fresh weights; `num_classes` 1 makes the binary one."""
    with torch.device("meta"):
        channels = build_feature_extractor(backbone, "frozen").channels
    return FineGrainedDiscriminator(channels, num_classes, hidden)


def initialise(segmenter: Segmenter, backbone: str, weights: str) -> None:
    """ImageNet weights for F, as `fada_lib.models.weights.initialise` says; a PATH starts at the working directory."""
    if weights not in ("none", "imagenet", "caffe"):
        path = weights.removeprefix("caffe:")
        weights = weights.removesuffix(path) + str(Path(path).expanduser().absolute())
    imagenet.initialise(segmenter, backbone, weights)


def load_weights(
    weights: str | Path | Mapping, segmenter: Segmenter, discriminator: FineGrainedDiscriminator | None = None
) -> None:
    """Copy weights under the release's names, a `.pth` or its dictionary, into networks built by name.

    Raises
    ------
    UserError
        For a file that cannot be read, or weights that do not fit.
    """
    if isinstance(weights, Mapping):
        release = parse_release(weights, Path("the given weights"))
    else:
        release = read_release(weights)
    load_release(release, segmenter, discriminator)


def load_trained(path: str | Path, device: str = "cpu") -> tuple[Segmenter, checkpoint.Recipe]:
    """Build and load a trained network with its recipe: a released `.pth`, a `checkpoint.pt` or a run's folder."""
    return checkpoint.load_trained(Path(path).expanduser().absolute(), device)


def segmenter_optimiser(
    segmenter: Segmenter,
    learning_rate: float = 2.5e-4,
    classifier_factor: float = 10.0,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
) -> torch.optim.SGD:
    """SGD over F and C as in the release: ten times the rate for C, weight decay on biases and affine as well."""
    groups = segmenter.parameter_groups(classifier_factor)
    optimiser = torch.optim.SGD(groups, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    set_learning_rate(optimiser, learning_rate)
    return optimiser


def discriminator_optimiser(discriminator: FineGrainedDiscriminator, learning_rate: float = 1e-4) -> torch.optim.Adam:
    """Adam(0.9, 0.99) over D (paper, section 4.3)."""
    return torch.optim.Adam(discriminator.parameters(), lr=learning_rate, betas=DISCRIMINATOR_BETAS)


def source_step(
    segmenter: Segmenter, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> dict[str, torch.Tensor]:
    """One supervised iteration (Eq. 3): of the source model, and of self-distillation on pseudo labels.

    Returns
    -------
    dict
        ``segmentation``; gradients stay in ``.grad``.
    """
    return supervised_step(segmenter, optimiser, images, labels, _compute(segmenter))


def adversarial_step(
    segmenter: Segmenter,
    discriminator: FineGrainedDiscriminator,
    optimisers: Mapping[str, torch.optim.Optimizer],
    source_images: torch.Tensor,
    source_labels: torch.Tensor,
    target_images: torch.Tensor,
    *,
    options: FadaOptions = RELEASE,
    segmentation_temperature: float = 1.8,
) -> dict[str, torch.Tensor]:
    """One iteration of FADA: F and C against a fixed D, then D on the same features.

    Parameters
    ----------
    segmenter, discriminator
        In the mode they are to be trained in.
    optimisers : mapping
        ``segmenter`` and ``discriminator``; their rates are set before, see `set_learning_rate` and `poly_factor`.
    options : FadaOptions
        `RELEASE`, `PAPER` or one's own.
    segmentation_temperature : float
        Divides the source's logits in the segmentation loss: 1.8 in the release, 1.0 in the paper.

    Returns
    -------
    dict
        ``segmentation``, ``adversarial`` (times lambda), ``discriminator_source`` and ``discriminator_target``
        (times their weight); gradients stay in ``.grad``.
    """
    method = Fada(options, segmenter.feature_extractor.channels, segmenter.num_classes, discriminator)
    return adapt_step(
        segmenter,
        method,
        dict(optimisers),
        (source_images, source_labels),
        target_images,
        _compute(segmenter),
        segmentation_temperature=segmentation_temperature,
    )


def transform(
    image: Image.Image, label: Image.Image, size: tuple[int, int], choice: Augmentation | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """An RGB image with its label (mode L) as a training example.

    Parameters
    ----------
    image, label : PIL images
    size : (int, int)
        (width, height): Pillow's bicubic filter for the image, nearest neighbour for the label.
    choice : Augmentation, optional
        Flip, colour jitter, scale and crop; by default none.

    Returns
    -------
    (Tensor, Tensor)
        (3, H, W) and (H, W), uint8; `normalise` makes a batch of images the network's input.
    """
    image, label = augment(image, label, size, choice or Augmentation())
    return to_tensor(image), to_tensor(label)


def channels(values: np.ndarray, layout_name: str, classes: str) -> np.ndarray:
    """Stored label values of a data set (``gta5``, ``synthia``, ``cityscapes``, ...) as channels of a class set.

    Parameters
    ----------
    values : (H, W) uint8 array
    layout_name, classes : str
        E.g. ``gta5`` and ``cityscapes19``.

    Returns
    -------
    (H, W) uint8 array
        255 where the class is not in the set.

    Raises
    ------
    UserError
        For an unknown layout, or ``folders``, whose map is a study's.
    """
    return class_set(classes).channel_of_train_id[mapped_layout(layout_name).train_id_of_value][values]


def predict(
    segmenter: Segmenter,
    images: torch.Tensor,
    size: tuple[int, int],
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> torch.Tensor:
    """(N, K, height, width) class probabilities at `size` = (height, width), in evaluation mode.

    The release's multi-scale test is ``scales=(0.7, 1.0, 1.3), flip=True``; its pseudo labels are the arg max of one.
    """
    with evaluating(segmenter):
        return probabilities(segmenter, images, size, scales, flip)


def iou(prediction: torch.Tensor, truth: torch.Tensor, num_classes: int, absent: str = "truth") -> list[float | None]:
    """IoU by class of (N, H, W) channels, pooled over all images; `absent` as in `intersection_over_union`.

    Truth that is neither a channel nor 255 is refused; such a prediction is a miss, see `ConfusionMatrix.update`.
    """
    require_channels(truth, num_classes)
    matrix = ConfusionMatrix(num_classes, prediction.device)
    matrix.update(prediction, truth)
    return matrix.iou(absent)


def class_center_distance(
    features: npt.ArrayLike, classes: npt.ArrayLike, num_classes: int, *, squared: bool = True, min_samples: int = 1
) -> list[float | None]:
    """CCD by class (Eq. 9) of (N, C) features and their N channels, every class that occurs counted.

    `squared` as in `fada_lib.analysis.ccd.class_center_distance`; studies leave classes of fewer than 20 samples out.
    """
    return ccd.class_center_distance(
        np.asarray(features), np.asarray(classes), num_classes, squared=squared, min_samples=min_samples
    )


def _compute(segmenter: Segmenter) -> Compute:
    return Compute(next(segmenter.parameters()).device, None)


__all__ = [
    "PAPER",
    "RELEASE",
    "Augmentation",
    "ConfusionMatrix",
    "FadaOptions",
    "adversarial_step",
    "build_discriminator",
    "build_segmenter",
    "channels",
    "class_balanced_list",
    "class_center_distance",
    "class_set",
    "discriminator_optimiser",
    "export_segmenter",
    "initialise",
    "intersection_over_union",
    "iou",
    "label_photographs",
    "load_trained",
    "load_weights",
    "mean_iou",
    "network_input",
    "normalise",
    "poly_factor",
    "predict",
    "read_release",
    "release_state",
    "segmenter_of",
    "segmenter_optimiser",
    "set_learning_rate",
    "source_step",
    "transform",
    "upsample",
    "write_photographs",
    "write_release",
]
