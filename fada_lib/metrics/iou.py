"""Intersection over union (paper, section 4.2), accumulated on the device over a whole data set."""

from collections.abc import Iterable, Sequence

import torch

from fada_lib.data.classes import IGNORE
from fada_lib.parameters import UserError

ABSENT = ("truth", "both", "zero")
"""What becomes of absent classes, see `intersection_over_union`."""


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
        self.void = torch.zeros(num_classes, dtype=torch.int64, device=device)

    def update(self, prediction: torch.Tensor, truth: torch.Tensor) -> None:
        """Count (H, W) or (N, H, W) channels.

        Pixels whose truth is 255 are left out of everything. A prediction of K or more (255: void) or below 0
        is a miss of the true class and no one's false alarm, as in `cityscapesscripts`.
        """
        counted = truth != IGNORE
        predicted = prediction[counted].long()
        predicted = predicted.masked_fill(predicted < 0, self.num_classes).clamp(max=self.num_classes)
        index = truth[counted].long() * (self.num_classes + 1) + predicted
        counts = torch.bincount(index, minlength=self.num_classes * (self.num_classes + 1))
        counts = counts.view(self.num_classes, self.num_classes + 1)
        self.counts += counts[:, :-1]
        self.void += counts[:, -1]

    def iou(self, absent: str = "truth") -> list[float | None]:
        """IoU = TP / (TP + FP + FN) by class, 0..1; see `intersection_over_union`."""
        return intersection_over_union(self.counts, absent, self.void)

    def merged(self, pairs: Iterable[tuple[int, int]]) -> "ConfusionMatrix":
        """A copy in which channel a counts as b, in truth and prediction, for every pair (a, b)."""
        copy = ConfusionMatrix(self.num_classes, self.counts.device)
        copy.counts, copy.void = self.counts.clone(), self.void.clone()
        for a, b in pairs:
            for counts in (copy.counts, copy.counts.T, copy.void):
                counts[b] += counts[a]
                counts[a] = 0
        return copy


def require_channels(truth: torch.Tensor, num_classes: int) -> None:
    """Refuse truth with anything but 0..K-1 and 255, for callers whose truth no data set has inspected.

    Raises
    ------
    UserError
        Naming a value.
    """
    strange = truth[(truth != IGNORE) & ((truth < 0) | (truth >= num_classes))]
    if strange.numel():
        raise UserError(f"truth holds {strange[0].item()}: use 0 to {num_classes - 1}, and {IGNORE} where to ignore")


def intersection_over_union(
    counts: torch.Tensor, absent: str = "truth", void: torch.Tensor | None = None
) -> list[float | None]:
    """IoU of each class from a matrix of counts.

    Parameters
    ----------
    counts : Tensor
        (K, K), [truth, prediction].
    absent : str
        ``truth``, ours: a class without a true pixel has no IoU (None), so that all methods are judged on the same
        classes. ``both``, `cityscapesscripts`': None only where the class is not predicted either; one that is only
        predicted scores 0. ``zero``, the release's I / (U + 1e-10): every absent class scores 0.
    void : Tensor, optional
        (K,) pixels of each class that were predicted as none of the K.

    Raises
    ------
    UserError
        For an unknown `absent`.
    """
    if absent not in ABSENT:
        raise UserError(f"absent is '{absent}': choose one of {', '.join(ABSENT)}")
    counts = counts.double().cpu()
    intersection, truth = counts.diagonal(), counts.sum(1)
    if void is not None:
        truth = truth + void.double().cpu()
    union = counts.sum(0) + truth - intersection
    if absent == "zero":
        return [float(v) for v in intersection / (union + 1e-10)]
    judged = truth if absent == "truth" else union
    return [float(i / u) if j > 0 else None for i, u, j in zip(intersection, union, judged, strict=True)]


def mean_iou(iou: Sequence[float | None], channels: Sequence[int] | None = None) -> float:
    """The mean over the classes that have an IoU, or over a subset of channels (SYNTHIA's 13 of 16)."""
    chosen = [iou[c] for c in (channels if channels is not None else range(len(iou))) if iou[c] is not None]
    return sum(chosen) / len(chosen) if chosen else 0.0
