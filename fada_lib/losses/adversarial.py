"""Equations 1, 4, 5 and 6: what the discriminator learns and what confuses it.

With K = 1 and encodings of ones the fine-grained losses *are* the binary ones, so there is one
implementation: Eq. 1 is Eq. 5 and Eq. 4 is Eq. 6 for a single class.
"""

import torch

from fada_lib.losses.terms import Term
from fada_lib.models.segmenter import upsample

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
    logits = domain_logits.float()
    half = logits[:, :classes] if domain == SOURCE else logits[:, classes:]
    mass = knowledge.sum(dim=1)
    total = (torch.logsumexp(logits, dim=1) * mass).sum() - (half * knowledge).sum()
    return Term(total, torch.tensor(mass.numel(), device=total.device))


def discriminator_loss(
    source_logits: torch.Tensor,
    source_knowledge: torch.Tensor,
    target_logits: torch.Tensor,
    target_knowledge: torch.Tensor,
) -> tuple[Term, Term]:
    """L_D of Eq. 5 (Eq. 1 for K = 1) as its source and target terms; the paper adds them, the release halves both."""
    return (
        encoding_cross_entropy(source_logits, source_knowledge, SOURCE),
        encoding_cross_entropy(target_logits, target_knowledge, TARGET),
    )


def adversarial_loss(target_logits: torch.Tensor, target_knowledge: torch.Tensor) -> Term:
    """L_adv of Eq. 6 (Eq. 4 for K = 1): target features should pass for source features of the same class."""
    return encoding_cross_entropy(target_logits, target_knowledge, SOURCE)


def kept_pixels(knowledge: torch.Tensor) -> torch.Tensor:
    """Number of pixels with any class knowledge: the other count to take a mean over with hard labels."""
    return (knowledge.sum(dim=1) > 0).sum()


def at_resolution(maps: torch.Tensor, size: tuple[int, int], resolution: str) -> torch.Tensor:
    """Logits at the resolution that the losses are taken at: ``feature`` leaves them, ``input`` upsamples to `size`.

    Upsampling before a log-softmax is not linear, so the two differ; the release upsamples.
    """
    return upsample(maps, size) if resolution == "input" else maps
