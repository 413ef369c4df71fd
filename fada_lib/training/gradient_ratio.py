"""The unit of lambda: how hard the adversarial terms pull at F, measured beside the segmentation loss.

The lambdas of two methods are no common unit: a 2K-way loss is about log 2K where a two-way loss is log 2, clipped
encodings sum to less than one, and a discriminator that is sure of itself has little gradient whatever its loss.
What F receives is comparable: the norm of the gradient of the weighted terms, over that of the segmentation loss.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.sampling import Stream, batches
from fada_lib.methods.interface import Method
from fada_lib.models.segmenter import Segmenter
from fada_lib.training.device import Compute
from fada_lib.training.supervised import forward, segmentation_terms


def gradient_ratio(
    segmenter: Segmenter,
    method: Method,
    source: tuple[torch.Tensor, torch.Tensor],
    target_images: torch.Tensor,
    compute: Compute,
    *,
    target_labels: torch.Tensor | None = None,
    progress: float = 0.0,
    segmentation_temperature: float = 1.0,
) -> dict[str, float]:
    """Norms of the two gradients on F that an iteration would add up, before clipping, and their ratio.

    Parameters and gradients, running statistics and random states stay as they are.

    Parameters
    ----------
    segmenter, method
        In the mode in which they are trained.
    source : (Tensor, Tensor)
        (N, 3, H, W) images and (N, H, W) channels, as of an iteration.
    target_images : Tensor
        As the source's.
    target_labels, progress, segmentation_temperature
        As of `fada_lib.training.adapt.adapt_step`.

    Returns
    -------
    dict
        ``gradient_segmentation`` and ``gradient_adversarial``, Euclidean norms over F's trained parameters of the
        gradients of the segmentation loss (heads included) and of the method's weighted terms;
        ``gradient_ratio``, the second over the first (0 / 0 is NaN). Empty for a method without terms.
    """
    trained = [p for p in segmenter.feature_extractor.parameters() if p.requires_grad]
    images, labels = source
    with untouched(segmenter, compute.device):
        of_source = forward(segmenter, images, compute, labels)
        losses = segmentation_terms(method, of_source, segmentation_temperature)
        segmentation = gradient_norm(sum(losses.values()), trained)
        of_target = forward(segmenter, target_images, compute, target_labels)
        terms = method.generator_terms(of_source.detach(), of_target, progress)
        if not terms:
            return {}
        adversarial = gradient_norm(sum(terms.values()), trained)
    norms = {"gradient_segmentation": segmentation, "gradient_adversarial": adversarial}
    return {name: float(value) for name, value in {**norms, "gradient_ratio": adversarial / segmentation}.items()}


def gradient_norm(loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Euclidean norm, in float64, of the gradient of a scalar on all `parameters` together; no `.grad` is written."""
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.stack([g.double().square().sum() for g in gradients if g is not None]).sum().sqrt()


def measured_ratio(
    segmenter: Segmenter,
    method: Method,
    streams: Iterable[tuple[SegmentationDataset, Stream]],
    compute: Compute,
    *,
    progress: float,
    segmentation_temperature: float,
) -> dict[str, float]:
    """`gradient_ratio` on the first batch of each of a run's `streams`, always the same; empty without a target.

    They are batches that the run trains on in its first iteration. What is compared are runs that see the same ones.
    """
    if not method.uses_target:
        return {}
    with torch.random.fork_rng([]):  # a loader draws a number
        source, (images, labels) = (next(batches(data, stream, 0, 1)) for data, stream in streams)
    return gradient_ratio(
        segmenter,
        method,
        source,
        images,
        compute,
        target_labels=labels if method.reads_target_labels else None,
        progress=progress,
        segmentation_temperature=segmentation_temperature,
    )


@contextmanager
def untouched(segmenter: Segmenter, device: torch.device) -> Iterator[None]:
    """Leave running statistics and PyTorch's random states as they were before the block."""
    kept = [buffer.clone() for buffer in segmenter.buffers()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
    with torch.no_grad():
        for buffer, value in zip(segmenter.buffers(), kept, strict=True):
            buffer.copy_(value)
