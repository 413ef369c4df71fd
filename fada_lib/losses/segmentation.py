"""Equation 3: the segmentation loss on labelled images."""

import torch
from torch.nn import functional

from fada_lib.data.classes import IGNORE
from fada_lib.losses.precision import at_least_single
from fada_lib.losses.terms import Term


def segmentation_loss(logits: torch.Tensor, labels: torch.Tensor, temperature: float = 1.0) -> Term:
    """Cross entropy of (N, K, H, W) logits with (N, H, W) channels (Eq. 3), over pixels that are not `IGNORE`.

    Parameters
    ----------
    logits : Tensor
        At the resolution of the labels.
    labels : Tensor
        uint8 or int64; 255 is ignored.
    temperature : float
        Divides the logits. The paper has none here (1.0); the release divides by 1.8 during adaptation.

    Notes
    -----
    The equation is a sum. Both the paper's lambda of 0.001 and the release presuppose the mean, `Term.mean`.
    """
    labels = labels.long()
    logits = at_least_single(logits) / temperature
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
    return Term(total, (labels != IGNORE).sum())
