"""Equations 7 and 8: the class knowledge a of the domain encodings [a; 0] (source) and [0; a] (target).

The functions take the classifier's (N, K, H, W) logits and return a without gradient: the encodings are labels, the
network is not trained to change them. `true_labels` alone takes the truth instead.
"""

import torch
from torch.nn import functional

from fada_lib.losses.precision import at_least_single


@torch.no_grad()
def soft_labels(logits: torch.Tensor, temperature: float = 1.8, clip: float = 0.9) -> torch.Tensor:
    """Multi-channel soft labels (Eq. 8) with confidence clipping (sections 3.3 and 4.6).

    Parameters
    ----------
    logits : Tensor
        (N, K, H, W).
    temperature : float
        T; 1.8 in the paper.
    clip : float
        Entries above it are set to it and the vector is *not* renormalised (as in the release), so it then
        sums to less than 1. 1.0 clips nothing.

    Returns
    -------
    Tensor
        (N, K, H, W) in 0..clip. In float64 rounded to float32's values, as the release rounds its labels: where all
        pixels are clipped that moves the losses by 3e-8 of their size.
    """
    labels = torch.softmax(at_least_single(logits) / temperature, dim=1).clamp(max=clip)
    return labels.float().to(labels.dtype)


@torch.no_grad()
def hard_labels(logits: torch.Tensor, threshold: float = 0.9, temperature: float = 1.0) -> torch.Tensor:
    """One-hot hard labels (Eq. 7), all zero where the confidence lies below `threshold` (section 4.6).

    The paper keeps confidences of 0.9 or more and does not say whether p carries a temperature; the release
    has no hard labels. The default takes Eq. 7's plain softmax output.

    Returns
    -------
    Tensor
        (N, K, H, W) of zeros and at most one 1 a pixel.
    """
    p = torch.softmax(at_least_single(logits) / temperature, dim=1)
    confidence, channel = p.max(dim=1, keepdim=True)
    return torch.zeros_like(p).scatter_(1, channel, 1.0) * (confidence >= threshold)


@torch.no_grad()
def binary_labels(logits: torch.Tensor) -> torch.Tensor:
    """The traditional domain label as the third encoding of Fig. 3: (N, 1, H, W) of ones."""
    return torch.ones_like(at_least_single(logits[:, :1]))


@torch.no_grad()
def true_labels(labels: torch.Tensor, size: tuple[int, int], num_classes: int) -> torch.Tensor:
    """One-hot encodings of the truth: what the encodings would be if predictions were right and sure.

    Parameters
    ----------
    labels : Tensor
        (N, H, W) uint8 channels, 255 without one.
    size : tuple of int
        (h, w) of the logits: every cell has the label of the pixel in its middle.
    num_classes : int
        K.

    Returns
    -------
    Tensor
        (N, K, h, w) float32 of zeros and at most one 1 a cell, none where the label is 255.
    """
    cells = functional.interpolate(labels[:, None].float(), size=size, mode="nearest-exact")
    channels = torch.arange(num_classes, device=labels.device).view(1, -1, 1, 1)
    return (cells == channels).float()
