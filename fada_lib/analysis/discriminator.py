"""What a discriminator learned: predictions as maps, decisions against domain and true class, also over training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.outputs import dataset_outputs, decision_logits
from fada_lib.inference.predict import evaluating
from fada_lib.methods.interface import Method, forward_pass
from fada_lib.metrics.domains import DomainDecisions, target_probability
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import AdaptParameters
from fada_lib.training.snapshots import load_snapshot_adversaries, load_snapshots


class Judged(NamedTuple):
    """An image as the discriminator sees it.

    Attributes
    ----------
    domain : int
        The image's: 0 source, 1 target.
    image : (H, W, 3) uint8 array
    truth : (H, W) array
        Channels, 255 ignored.
    target_probability : (h, w) array
        P(d = target | f), 0..1, at the discriminator's own resolution.
    channels : (h, w) array or None
        The class of the largest of 2K channels, whichever domain it is of; None for a discriminator of domains alone.
    """

    domain: int
    image: np.ndarray
    truth: np.ndarray
    target_probability: np.ndarray
    channels: np.ndarray | None


@torch.inference_mode()
def judged_images(
    segmenter: Segmenter,
    method: Method,
    dataset: SegmentationDataset,
    domain: int,
    indices: Sequence[int],
    test_size: tuple[int, ...] = (),
) -> list[Judged]:
    """What a `method` that `judges` says of a few images of one domain; indices wrap around in a small data set."""
    rows = []
    with evaluating(segmenter):
        for index in (i % len(dataset) for i in indices):
            image, truth = dataset.test_example(index, test_size)
            logits = decision_logits(method, forward_pass(segmenter, image[None]))
            halves = logits.shape[1] // 2
            channels = (logits.argmax(dim=1)[0] % halves).cpu().numpy() if halves > 1 else None
            probability = target_probability(logits)[0].cpu().numpy()
            rows.append(Judged(domain, image.permute(1, 2, 0).numpy(), truth.numpy(), probability, channels))
    return rows


@torch.inference_mode()
def decision_shares(
    segmenter: Segmenter,
    method: Method,
    source: SegmentationDataset,
    target: SegmentationDataset,
    test_size: tuple[int, ...] = (),
) -> np.ndarray:
    """The row-normalised confusion matrix of domain x true class against the discriminator's decision.

    The target's labels serve to measure only; `method` is one that `judges`.

    Returns
    -------
    (2K, 2k) array
        Row d K + c: how the feature pixels of domain d whose centre has class c are shared among the 2k decisions (the
        largest channel), 0..1; NaN for a class without pixels. k is K, or 1 for a discriminator of domains alone.
    """
    decisions = DomainDecisions(len(target.classes), next(segmenter.parameters()).device)
    for domain, dataset in enumerate((source, target)):
        for _, outputs, labels in dataset_outputs(segmenter, dataset, test_size):
            logits = decision_logits(method, outputs)
            decisions.update(logits, labels, domain)
    counts = decisions.joint.flatten(0, 1).cpu().numpy().astype(float)
    pixels = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, pixels, out=np.full_like(counts, np.nan), where=pixels > 0)


def decisions_over_training(
    p: AdaptParameters, source: SegmentationDataset, target: SegmentationDataset, device: torch.device | str = "cpu"
) -> dict[int, np.ndarray]:
    """`decision_shares` of every snapshot of a finished adaptation by iteration; empty without discriminator.

    Each discriminator judges the features of its own moment, as in training.

    Raises
    ------
    UserError
        If the run kept no snapshots.
    """
    networks, adversaries = load_snapshots(p, device), load_snapshot_adversaries(p, device)
    return {
        done: decision_shares(networks[done], adversary, source, target, p.test_size)
        for done, adversary in adversaries.items()
    }
