"""FADA: fine-grained adversarial learning (paper, sections 3.2 and 3.3; Eq. 5-8)."""

import torch

from fada_lib.losses.adversarial import (
    adversarial_loss,
    at_resolution,
    discriminator_loss,
    kept_pixels,
)
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.losses.terms import Term
from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.options import FadaOptions
from fada_lib.models.discriminator import FineGrainedDiscriminator


class Fada(Method):
    """A discriminator of domain x class, supervised by domain encodings from the classifier's predictions.

    Parameters
    ----------
    options : FadaOptions
    channels : int
        Channels of the features.
    num_classes : int
        K.
    """

    def __init__(self, options: FadaOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        self.options = options
        self.discriminator = FineGrainedDiscriminator(channels, num_classes, options.discriminator_channels)

    def knowledge(self, outputs: Outputs) -> torch.Tensor:
        """The encodings' half a, (N, K, H, W), at the resolution of the losses."""
        o = self.options
        logits = at_resolution(outputs.logits, outputs.size, o.discriminator_resolution)
        if o.encoding == "soft":
            return soft_labels(logits, o.temperature, o.clip)
        return hard_labels(logits, o.threshold, o.hard_temperature)

    def domain_logits(self, outputs: Outputs) -> torch.Tensor:
        """D's (N, 2K, H, W) logits at the resolution of the losses."""
        logits = self.discriminator(outputs.features)
        return at_resolution(logits, outputs.size, self.options.discriminator_resolution)

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x L_adv (Eq. 6)."""
        del source, progress
        knowledge = self.knowledge(target)
        term = adversarial_loss(self.domain_logits(target), knowledge)
        return {"adversarial": self.options.lambda_adv * self._mean(term, knowledge)}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """L_D (Eq. 5), both terms times `discriminator_weight`."""
        del progress
        a_source, a_target = self.knowledge(source), self.knowledge(target)
        terms = discriminator_loss(self.domain_logits(source), a_source, self.domain_logits(target), a_target)
        weight = self.options.discriminator_weight
        return {
            "discriminator_source": weight * self._mean(terms[0], a_source),
            "discriminator_target": weight * self._mean(terms[1], a_target),
        }

    def _mean(self, term: Term, knowledge: torch.Tensor) -> torch.Tensor:
        if self.options.encoding == "hard" and self.options.hard_mean == "kept":
            return Term(term.total, kept_pixels(knowledge)).mean()
        return term.mean()
