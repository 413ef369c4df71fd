"""How right and how well calibrated class knowledge is, accumulated on the device over a data set."""

import torch

from fada_lib.data.classes import IGNORE

BINS = 15
"""Bins of equal width that confidences are sorted into (Guo et al., On Calibration of Modern Neural Networks, 2017)."""


class Calibration:
    """Pixel counts by confidence of class knowledge a: the largest entry is its confidence, its place the decision.

    Pixels without knowledge (hard labels below their threshold are all zero) count against the coverage alone.

    Parameters
    ----------
    device : torch.device or str
        Where the counts live; they are read once, at the end.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.pixels, self.correct, self.confidence = torch.zeros(3, BINS, dtype=torch.float64, device=device)
        self.labelled = torch.zeros((), dtype=torch.int64, device=device)

    def update(self, knowledge: torch.Tensor, truth: torch.Tensor) -> None:
        """Count (N, K, H, W) knowledge, entries 0..1, against (N, H, W) channels, of which 255 is left out."""
        confidence, decision = knowledge.max(dim=1)
        labelled = truth != IGNORE
        counted = labelled & (confidence > 0)
        bins = torch.where(counted, (confidence * BINS).long().clamp(max=BINS - 1), BINS).flatten()
        for total, values in (
            (self.pixels, counted),
            (self.correct, decision == truth),
            (self.confidence, confidence),
        ):
            total += torch.bincount(bins, values.flatten().double(), minlength=BINS + 1)[:BINS]
        self.labelled += labelled.sum()

    def result(self) -> dict[str, float | None]:
        """What was counted, as fractions 0..1.

        Returns
        -------
        dict
            ``coverage``: labelled pixels that have any knowledge; ``accuracy``: correct decisions among these;
            ``ece``: the expected calibration error, the mean over these of |accuracy - mean confidence| of their bin.
            The last two are None where nothing is covered.
        """
        pixels, correct, confidence = (total.cpu() for total in (self.pixels, self.correct, self.confidence))
        covered, labelled = float(pixels.sum()), int(self.labelled)
        if not covered:
            return {"coverage": 0.0, "accuracy": None, "ece": None}
        return {
            "coverage": covered / labelled,
            "accuracy": float(correct.sum()) / covered,
            "ece": float((correct - confidence).abs().sum()) / covered,
        }
