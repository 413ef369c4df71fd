"""Equations 1, 4, 5 and 6: what the discriminator learns and what confuses it.

They are one formula, the cross entropy with a domain encoding: L_D of Eq. 5 is the source's encoding on source images
plus the target's on target images, L_adv of Eq. 6 the *source's* encoding on target images. With K = 1 and encodings
of ones the fine-grained losses are the binary ones: Eq. 1 is Eq. 5 and Eq. 4 is Eq. 6 for a single class.

Since log P(d, k) = log P(d) + log P(k | d), every such loss is the sum of two: one of domains, one of classes within a
domain. `encoding_cross_entropy` gives either alone.
"""

import torch

from fada_lib.losses.precision import at_least_single
from fada_lib.losses.terms import Term, whole

SOURCE, TARGET = 0, 1


def encoding_cross_entropy(
    domain_logits: torch.Tensor, knowledge: torch.Tensor, domain: int, terms: str = "both"
) -> Term:
    """-sum_k a_k log P(d = domain, c = k | f), the term that Eq. 5 and 6 are made of, for every pixel.

    With z the logits, Z the log of the sum of exp z over all channels and Z_d over the domain's K, and m = sum_k a_k,
    it is ``m Z - sum_k a_k z_k``. Its half of the domain is ``m (Z - Z_d)``, its half of the classes
    ``m Z_d - sum_k a_k z_k``: they add up to the whole, value and gradient. For K = 1 the second is 0.

    Parameters
    ----------
    domain_logits : Tensor
        (N, 2K, h, w) logits of the discriminator, the source's classes first.
    knowledge : Tensor
        (N, K, h, w) encodings a, not negative, without gradient.
    domain : int
        `SOURCE` for the encoding [a; 0], `TARGET` for [0; a].
    terms : str
        ``both``, or one half alone: ``domain``, -m log P(d = domain | f), or ``class``,
        -sum_k a_k log P(c = k | d = domain, f).

    Returns
    -------
    Term
        Sum over pixels, and the number of all pixels: those without a label count with a loss of 0.
    """
    classes = knowledge.shape[1]
    logits = at_least_single(domain_logits)
    half = logits[:, :classes] if domain == SOURCE else logits[:, classes:]
    mass = knowledge.sum(dim=1)
    given = half if terms == "class" else logits
    asked = torch.logsumexp(half, dim=1) * mass if terms == "domain" else half * knowledge
    total = (torch.logsumexp(given, dim=1) * mass).sum() - asked.sum()
    return Term(total, whole(mass.numel(), total))


def kept_pixels(knowledge: torch.Tensor) -> torch.Tensor:
    """Number of pixels with any class knowledge: the other count to take a mean over with hard labels."""
    return (knowledge.sum(dim=1) > 0).sum()
