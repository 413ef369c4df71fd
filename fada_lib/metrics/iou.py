"""Intersection over union (paper, section 4.2), accumulated on the device over a whole data set."""

from collections.abc import Sequence

import torch

from fada_lib.data.classes import IGNORE


class ConfusionMatrix:
    """Pixel counts of (truth, prediction) over a data set.

    Parameters
    ----------
    num_classes : int
        K.
    device : torch.device or str
        Where the counts live; they are read once, at the end.
    """

    def __init__(self, num_classes: int, device: torch.device | str = "cpu") -> None:
        self.num_classes = num_classes
        self.counts = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=device)

    def update(self, prediction: torch.Tensor, truth: torch.Tensor) -> None:
        """Count (H, W) or (N, H, W) channels; pixels whose truth is 255 are left out of everything."""
        counted = truth != IGNORE
        index = truth[counted].long() * self.num_classes + prediction[counted].long()
        self.counts += torch.bincount(index, minlength=self.num_classes**2).view_as(self.counts)

    def iou(self) -> list[float | None]:
        """IoU = TP / (TP + FP + FN) by class, 0..1; None for a class absent from the truth."""
        return intersection_over_union(self.counts)


def intersection_over_union(counts: torch.Tensor) -> list[float | None]:
    """IoU of each class from a (K, K) matrix of counts [truth, prediction].

    A class absent from the truth has no IoU (None), as in `cityscapesscripts`, so that all methods are judged on
    the same classes; the authors' release counts absent classes as 0.
    """
    counts = counts.double().cpu()
    intersection = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - intersection
    return [float(i / u) if t > 0 else None for i, u, t in zip(intersection, union, counts.sum(1), strict=True)]


def mean_iou(iou: Sequence[float | None], channels: Sequence[int] | None = None) -> float:
    """The mean over the classes that have an IoU, or over a subset of channels (SYNTHIA's 13 of 16)."""
    chosen = [iou[c] for c in (channels if channels is not None else range(len(iou))) if iou[c] is not None]
    return sum(chosen) / len(chosen) if chosen else 0.0
