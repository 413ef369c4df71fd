"""What a method of adaptation is: the terms it adds to the segmentation loss, and its discriminators."""

from typing import NamedTuple

import torch
from torch import nn


class Outputs(NamedTuple):
    """One domain's forward pass.

    Attributes
    ----------
    features : Tensor
        (N, C, h, w) of F.
    logits : Tensor
        (N, K, h, w) of C, at feature resolution.
    size : tuple of int
        (H, W) of the input image.
    """

    features: torch.Tensor
    logits: torch.Tensor
    size: tuple[int, int]

    def detach(self) -> "Outputs":
        """The same outputs, cut from the graph of the segmentation network."""
        return Outputs(self.features.detach(), self.logits.detach(), self.size)


class Method(nn.Module):
    """A method of adaptation; its parameters are those of its discriminators, possibly none.

    Subclasses set `uses_target` and override what they need. Both kinds of terms see the same forward pass, so the
    discriminator learns from features computed before F is updated, as in the release.
    """

    uses_target = True

    def generator_terms(self, source: Outputs, target: Outputs | None, progress: float) -> dict[str, torch.Tensor]:
        """Weighted losses to add to the segmentation loss, none by default; `progress` runs from 0 to 1."""
        del source, target, progress
        return {}

    def discriminator_terms(self, source: Outputs, target: Outputs | None, progress: float) -> dict[str, torch.Tensor]:
        """Losses of the discriminators on detached outputs, none by default."""
        del source, target, progress
        return {}
