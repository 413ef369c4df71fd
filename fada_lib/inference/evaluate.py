"""mIoU of a segmenter on a data set, at label resolution and on the class subset that it is judged on."""

from collections.abc import Sequence

import torch

from fada_lib.data.classes import ClassSet, class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.predict import predict_dataset
from fada_lib.metrics.iou import ConfusionMatrix, mean_iou
from fada_lib.models.segmenter import Segmenter


def evaluate(
    segmenter: Segmenter,
    dataset: SegmentationDataset,
    test_size: tuple[int, ...] = (),
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    subsets: Sequence[str] = (),
    absent: str = "truth",
) -> dict:
    """IoU by class and mean, as fractions 0..1.

    `subsets` names class sets to take means over (SYNTHIA's 13 of 16), by default the data set's own; ``miou`` is the
    mean over the first. Classes that a subset counts together (CamVid's bicyclist is rider and bicycle) are one in its
    mean; ``iou`` keeps them apart.
    `absent` says what becomes of absent classes, see `fada_lib.metrics.iou.intersection_over_union`.

    Returns
    -------
    dict
        ``miou``, ``iou`` (K values, None for a class that occurs nowhere) and ``subset_miou`` by class set.

    Raises
    ------
    UserError
        If the data set has no labels, or lacks a class of a subset.
    """
    dataset.require_labels("to be judged by: set evaluate_every: 0")
    device = next(segmenter.parameters()).device
    matrix = ConfusionMatrix(len(dataset.classes), device)
    for _, p, labels in predict_dataset(segmenter, dataset, test_size, scales, flip):
        matrix.update(p.argmax(dim=1), labels)
    iou = matrix.iou(absent)
    names = subsets or (dataset.classes.name,)
    chosen = {name: _mean_over(matrix, dataset.classes, class_set(name), absent) for name in names}
    return {"miou": chosen[names[0]], "iou": iou, "subset_miou": chosen}


def _mean_over(matrix: ConfusionMatrix, classes: ClassSet, subset: ClassSet, absent: str) -> float:
    return mean_iou(matrix.merged(classes.merged_channels(subset)).iou(absent), classes.channels_of(subset))


def target_entropy(segmenter: Segmenter, dataset: SegmentationDataset, test_size: tuple[int, ...] = ()) -> float:
    """Mean entropy of the predictions over all pixels, divided by log K: 0 (certain) to 1; needs no label."""
    total, pixels = 0.0, 0
    for _, p, _ in predict_dataset(segmenter, dataset, test_size):
        entropy = torch.special.entr(p).sum(dim=1) / torch.log(torch.tensor(float(p.shape[1])))
        total += float(entropy.double().sum())
        pixels += entropy.numel()
    return total / pixels
