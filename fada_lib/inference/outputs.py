"""Features and logits of whole data sets: what methods and their discriminators see, without gradient."""

from collections.abc import Iterator

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.predict import batches_to_test, evaluating
from fada_lib.methods.interface import Method, Outputs, forward_pass
from fada_lib.models.segmenter import Segmenter


def dataset_outputs(
    segmenter: Segmenter, dataset: SegmentationDataset, test_size: tuple[int, ...] = ()
) -> Iterator[tuple[list[int], Outputs, torch.Tensor]]:
    """Every image of a data set in order, batch norm in evaluation mode.

    Yields
    ------
    (indices, outputs, labels)
        Indices of the images, their outputs, (N, H, W) channels at label resolution.
    """
    device = next(segmenter.parameters()).device
    with evaluating(segmenter):
        for indices, images, labels in batches_to_test(dataset, test_size):
            with torch.inference_mode():
                outputs = forward_pass(segmenter, images)
            yield indices, outputs, labels.to(device)


@torch.inference_mode()
def decision_logits(method: Method, outputs: Outputs) -> torch.Tensor | None:
    """What a method's discriminator says of a forward pass; None for a method without one.

    Returns
    -------
    Tensor or None
        (N, 2k, h, w) logits, the source's half first: k is K for a discriminator of domain x class, 1 for one of
        domains, whose single logit l of the target becomes (0, l).
    """
    logits = method.domain_logits(outputs)
    if logits is None or logits.shape[1] > 1:
        return logits
    return torch.cat((torch.zeros_like(logits), logits), dim=1)
