"""From images to class probabilities at label resolution, single-scale or multi-scale (paper, section 4.6)."""

import contextlib
from collections.abc import Iterator, Sequence

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.parallel import read_ahead
from fada_lib.losses.precision import at_least_single
from fada_lib.models.segmenter import Segmenter, network_input, upsample
from fada_lib.parameters import UserError

BATCH_PIXELS = 300_000
"""Images of equal size are predicted together up to this many pixels."""
AHEAD = 8
"""Test examples that are decoded while the network works; 4 MB each of Cityscapes at 1024x512."""


@torch.inference_mode()
def probabilities(
    segmenter: Segmenter,
    images: torch.Tensor,
    size: tuple[int, int],
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> torch.Tensor:
    """Mean class probabilities over scales and, with `flip`, mirror images.

    Parameters
    ----------
    segmenter : Segmenter
    images : Tensor
        (N, 3, H, W): uint8 RGB, or floating-point and normalised already.
    size : tuple of int
        (height, width) of the label maps.
    scales : sequence of float
        Factors on the input size, truncated to whole pixels as in the release (0.7, 1.0, 1.3 there); the
        *normalised* image is resized bilinearly with aligned corners.
    flip : bool
        Average with the prediction of the mirror image.

    Returns
    -------
    Tensor
        (N, K, height, width); the mean of softmaxes, each taken after upsampling to `size`.

    Raises
    ------
    UserError
        For no scale, or one at which no pixel is left.
    """
    if not scales:
        raise UserError("scales is empty: give at least one, e.g. (1.0,)")
    normalised = network_input(segmenter, images)
    total, passes = None, 0
    for scale in scales:
        scaled = normalised
        if scale != 1.0:
            scaled = upsample(normalised, _scaled(normalised.shape[-2:], scale))
        for mirrored in (False, True) if flip else (False,):
            logits = at_least_single(segmenter(scaled.flip(3) if mirrored else scaled))
            p = torch.softmax(upsample(logits, size), dim=1)
            p = p.flip(3) if mirrored else p
            total, passes = (p if total is None else total + p), passes + 1
    return total / passes


def _scaled(size: Sequence[int], scale: float) -> tuple[int, int]:
    height, width = (int(side * scale) for side in size)
    if min(height, width) < 1:
        raise UserError(
            f"scales holds {scale}, which leaves nothing of {size[1]}x{size[0]} pixels: choose a larger one"
        )
    return height, width


def predict_dataset(
    segmenter: Segmenter,
    dataset: SegmentationDataset,
    test_size: tuple[int, ...] = (),
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """Predict a whole data set in order.

    Yields
    ------
    (indices, probabilities, labels)
        Indices of the images, (N, K, H, W) probabilities at label resolution, (N, H, W) channels.
    """
    device = next(segmenter.parameters()).device
    with evaluating(segmenter):
        for indices, images, labels in batches_to_test(dataset, test_size):
            p = probabilities(segmenter, images, tuple(labels.shape[-2:]), scales, flip)
            yield indices, p, labels.to(device)


@contextlib.contextmanager
def evaluating(segmenter: Segmenter) -> Iterator[None]:
    """Evaluation mode for a while; afterwards every module is in the mode it was (frozen batch norm stays frozen)."""
    modes = [(module, module.training) for module in segmenter.modules()]
    segmenter.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def batches_to_test(
    dataset: SegmentationDataset, test_size: tuple[int, ...]
) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """Neighbouring test examples of equal size, stacked up to `BATCH_PIXELS`."""
    group: list[tuple[int, torch.Tensor, torch.Tensor]] = []
    examples = read_ahead(lambda index: dataset.test_example(index, test_size), range(len(dataset)), AHEAD)
    for index, (image, label) in enumerate(examples):
        full = group and (
            group[0][1].shape != image.shape
            or group[0][2].shape != label.shape
            or (len(group) + 1) * label.numel() > BATCH_PIXELS
        )
        if full:
            yield _stack(group)
            group = []
        group.append((index, image, label))
    if group:
        yield _stack(group)


def _stack(
    group: list[tuple[int, torch.Tensor, torch.Tensor]],
) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    return [g[0] for g in group], torch.stack([g[1] for g in group]), torch.stack([g[2] for g in group])
