"""CLAN's two losses of two classifiers that should differ in their weights and agree in what they predict.

Luo et al., "Taking a Closer Look at Domain Shift: Category-level Adversaries for Semantics Consistent Domain
Adaptation", CVPR 2019, section 3.
"""

from collections.abc import Iterable

import torch
from torch.nn import functional

from fada_lib.losses.precision import at_least_single


def disagreement(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """The weight map M = 1 - cos(P1, P2), P1 and P2 being the softmaxes of two classifiers' logits.

    Parameters
    ----------
    first, second : Tensor
        (N, K, H, W) logits.

    Returns
    -------
    Tensor
        (N, 1, H, W) in 0..1: 0 where both predict the same distribution, 1 where they share no class.
    """
    p, q = (torch.softmax(at_least_single(logits), dim=1) for logits in (first, second))
    squared_lengths = p.square().sum(dim=1, keepdim=True) * q.square().sum(dim=1, keepdim=True)
    return 1 - (p * q).sum(dim=1, keepdim=True) * squared_lengths.rsqrt()


def weight_similarity(first: Iterable[torch.Tensor], second: Iterable[torch.Tensor]) -> torch.Tensor:
    """cos(w1, w2) + 1 of all weights of two classifiers as one vector each: 0 (opposite) to 2 (the same).

    The weight discrepancy loss; biases belong to w, as in the release.
    """
    w1, w2 = (torch.cat([w.flatten() for w in weights]) for weights in (first, second))
    return functional.cosine_similarity(w1, w2, dim=0) + 1
