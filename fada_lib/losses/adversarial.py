"""Equations 1, 4, 5 and 6: what the discriminator learns and what confuses it.

They are one formula, the cross entropy with a domain encoding: L_D of Eq. 5 is the source's encoding on source images
plus the target's on target images, L_adv of Eq. 6 the *source's* encoding on target images. With K = 1 and encodings
of ones the fine-grained losses are the binary ones: Eq. 1 is Eq. 5 and Eq. 4 is Eq. 6 for a single class.
"""

import torch

from fada_lib.losses.precision import at_least_single
from fada_lib.losses.terms import Term, whole

SOURCE, TARGET = 0, 1


def encoding_cross_entropy(domain_logits: torch.Tensor, knowledge: torch.Tensor, domain: int) -> Term:
    """-sum_k a_k log P(d = domain, c = k | f), the term that Eq. 5 and 6 are made of, for every pixel.

    Parameters
    ----------
    domain_logits : Tensor
        (N, 2K, h, w) logits of the discriminator, the source's classes first.
    knowledge : Tensor
        (N, K, h, w) encodings a, not negative, without gradient.
    domain : int
        `SOURCE` for the encoding [a; 0], `TARGET` for [0; a].

    Returns
    -------
    Term
        Sum over pixels, and the number of all pixels: those without a label count with a loss of 0.
    """
    classes = knowledge.shape[1]
    logits = at_least_single(domain_logits)
    half = logits[:, :classes] if domain == SOURCE else logits[:, classes:]
    mass = knowledge.sum(dim=1)
    total = (torch.logsumexp(logits, dim=1) * mass).sum() - (half * knowledge).sum()
    return Term(total, whole(mass.numel(), total))


def kept_pixels(knowledge: torch.Tensor) -> torch.Tensor:
    """Number of pixels with any class knowledge: the other count to take a mean over with hard labels."""
    return (knowledge.sum(dim=1) > 0).sum()
