"""Losses on the classifier's predictions: AdaptSegNet's and AdvEnt's game of two domains, and MinEnt's entropy.

AdaptSegNet is Tsai et al., "Learning to Adapt Structured Output Space for Semantic Segmentation", CVPR 2018; AdvEnt and
MinEnt are the two halves of Vu et al., "ADVENT", CVPR 2019. Both write sums over pixels; their weights of 0.001 belong
to means, as their releases take them.
"""

import math

import torch
from torch.nn import functional

from fada_lib.losses.adversarial import TARGET
from fada_lib.losses.precision import at_least_single
from fada_lib.losses.terms import Term, whole


def domain_cross_entropy(domain_logits: torch.Tensor, domain: int, weights: torch.Tensor | None = None) -> Term:
    """-log P(d = domain), where P(d = target) is the sigmoid of D's one logit: **a negative logit means source**.

    AdaptSegNet's Eq. 2 for D on either domain, and with `SOURCE` on target images its Eq. 4 for G; ADVENT's Eq. 5
    and 6. The equations number the domains the other way round (1 is the source), the releases as here.

    Parameters
    ----------
    domain_logits : Tensor
        (N, 1, h, w) logits of the discriminator.
    domain : int
        `SOURCE` (d = 0) or `TARGET` (d = 1): the label of every position.
    weights : Tensor, optional
        (N, 1, h, w) factors on the positions' losses; gradients pass through them.

    Returns
    -------
    Term
        Sum over the positions of D's map, and their number.
    """
    logits = at_least_single(domain_logits)
    labels = torch.full_like(logits, float(domain == TARGET))
    count = whole(logits.numel(), logits)
    if weights is None:
        return Term(functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum"), count)
    losses = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return Term((weights * losses).sum(), count)


def self_information(logits: torch.Tensor) -> torch.Tensor:
    """Weighted self-information I = -P log P / log K, element by element, P being the softmax (ADVENT, section 3.2).

    The paper's I has no log K; the release divides by it, which makes the sum over channels the entropy of Eq. 2.

    Parameters
    ----------
    logits : Tensor
        (N, K, H, W), K at least 2.

    Returns
    -------
    Tensor
        (N, K, H, W), not negative, at most 1 in the sum over channels; a probability of 0 carries 0.
    """
    log_p = torch.log_softmax(at_least_single(logits), dim=1)
    return -log_p.exp() * log_p / math.log(logits.shape[1])


def entropy(logits: torch.Tensor) -> Term:
    """Entropy of the prediction, as a share of the largest possible, log K (ADVENT, Eq. 2 and 3).

    Parameters
    ----------
    logits : Tensor
        (N, K, H, W), K at least 2.

    Returns
    -------
    Term
        Sum over pixels, each in 0..1, and their number.
    """
    information = self_information(logits)
    return Term(information.sum(), whole(information[:, 0].numel(), logits))
