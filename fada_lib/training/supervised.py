"""One supervised iteration and the labelled images behind it: source model, oracle, student."""

import numpy as np
import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.sampling import Stream, class_balanced_list
from fada_lib.data.transforms import normalise
from fada_lib.losses.segmentation import segmentation_loss
from fada_lib.models.segmenter import Segmenter, upsample
from fada_lib.parameters import TrainingParameters, UserError
from fada_lib.training.device import Compute


def prepare_images(images: torch.Tensor, segmenter: Segmenter, compute: Compute) -> torch.Tensor:
    """uint8 images to normalised channels-last input on the device."""
    images = images.to(compute.device, non_blocking=True)
    normalised = normalise(images, segmenter.feature_extractor.input_convention)
    return normalised.contiguous(memory_format=torch.channels_last)


def supervised_step(
    segmenter: Segmenter,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    compute: Compute,
    gradient_clip: float = 0.0,
) -> dict[str, torch.Tensor]:
    """One iteration of Eq. 3 on (N, 3, H, W) uint8 images and (N, H, W) channels; the loss at input resolution."""
    optimiser.zero_grad(set_to_none=True)
    with compute.autocast():
        logits = segmenter(prepare_images(images, segmenter, compute))
    labels = labels.to(compute.device, non_blocking=True)
    loss = segmentation_loss(upsample(logits.float(), labels.shape[-2:]), labels).mean()
    loss.backward()
    if gradient_clip:
        torch.nn.utils.clip_grad_norm_(segmenter.parameters(), gradient_clip)
    optimiser.step()
    return {"segmentation": loss.detach()}


def labelled_stream(p: TrainingParameters, dataset: SegmentationDataset, name: str, size: tuple[int, ...]) -> Stream:
    """The stream of labelled images that a run's parameters describe.

    Raises
    ------
    UserError
        For an unknown `sampling`.
    """
    if p.sampling not in ("random", "class_balanced"):
        raise UserError(f"sampling is '{p.sampling}': choose random or class_balanced")
    order: tuple[int, ...] = ()
    if p.sampling == "class_balanced":
        horizon = p.poly_horizon or p.iterations
        order = tuple(
            class_balanced_list(classes_by_file(dataset), len(dataset.classes), horizon * p.batch_size, p.seed)
        )
    return Stream(name, p.seed, p.batch_size, size, p.flip_probability, p.jitter, order=order)


def classes_by_file(dataset: SegmentationDataset) -> list[set[int]]:
    """For every image the channels that occur in its label, any number of pixels."""
    present = (np.unique(np.array(dataset.load(i)[1])) for i in range(len(dataset)))
    return [{int(c) for c in values if c < len(dataset.classes)} for values in present]
