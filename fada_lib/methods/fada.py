"""FADA: fine-grained adversarial learning (paper, sections 3.2 and 3.3; Eq. 5-8)."""

import torch

from fada_lib.losses.adversarial import SOURCE, TARGET, encoding_cross_entropy, kept_pixels
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.losses.strips import sum_over_strips
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
    discriminator : FineGrainedDiscriminator, optional
        One that exists already; by default a fresh one with the options' `discriminator_channels`.
    """

    def __init__(
        self,
        options: FadaOptions,
        channels: int,
        num_classes: int,
        discriminator: FineGrainedDiscriminator | None = None,
    ) -> None:
        super().__init__()
        self.options = options
        self.discriminator = discriminator or FineGrainedDiscriminator(
            channels, num_classes, options.discriminator_channels
        )

    def knowledge(self, logits: torch.Tensor) -> torch.Tensor:
        """The encodings' half a from the classifier's (N, K, H, W) logits, of their shape and without gradient."""
        o = self.options
        if o.encoding == "soft":
            return soft_labels(logits, o.temperature, o.clip)
        return hard_labels(logits, o.threshold, o.hard_temperature)

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x L_adv (Eq. 6): target features should pass for source features of the same class."""
        del source, progress
        return {"adversarial": self.options.lambda_adv * self._mean_loss(target, SOURCE)}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """L_D (Eq. 5), both terms times `discriminator_weight`: the paper adds them, the release halves both."""
        del progress
        weight = self.options.discriminator_weight
        return {
            "discriminator_source": weight * self._mean_loss(source, SOURCE),
            "discriminator_target": weight * self._mean_loss(target, TARGET),
        }

    def _mean_loss(self, outputs: Outputs, domain: int) -> torch.Tensor:
        """The mean cross entropy of D's prediction with the encoding of `domain`.

        The two resolutions differ, because a softmax of upsampled logits is no upsampled softmax; the release takes
        both D's and the classifier's after upsampling to the ``input``.
        """

        def sums(domain_logits: torch.Tensor, logits: torch.Tensor) -> Term:
            knowledge = self.knowledge(logits)
            term = encoding_cross_entropy(domain_logits, knowledge, domain)
            if self.options.encoding == "hard" and self.options.hard_mean == "kept":
                return Term(term.total, kept_pixels(knowledge))
            return term

        maps = (self.discriminator(outputs.features), outputs.logits.detach())
        if self.options.discriminator_resolution == "input":
            return Term(*sum_over_strips(sums, maps, outputs.size)).mean()
        return sums(*maps).mean()
