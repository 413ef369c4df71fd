"""FADA: fine-grained adversarial learning (paper, sections 3.2 and 3.3; Eq. 5-8), and the ablations of its losses.

**Which half does the work.** log P(d, k) = log P(d) + log P(k | d), so Eq. 6 asks two things of a target pixel: to be
of the source, and to be of its class in the source. The option `terms` leaves one of them out of L_adv only; D is
always trained with all of Eq. 5. So the three runs face D with the same task, and at the same features their gradients
on F add up exactly, with the same lambda: what differs is only what F is asked for. Were D's loss halved
too, D would differ as well: by the domain term alone it would be a binary discriminator and know no classes, by the
class term alone two classifiers that never learned to tell the domains apart, so that there would be no game.

**Where D looks.** With `discriminator_input: output` D sees the class probabilities instead of the features, everything
else being equal, and L_adv trains C as well as F (through what D sees; the encodings are labels without gradient).
"""

import torch

from fada_lib.losses.adversarial import SOURCE, encoding_cross_entropy, kept_pixels
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.losses.strips import sum_over_strips
from fada_lib.losses.terms import Term
from fada_lib.methods.adversarial import Adversarial
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import BinaryOptions, FadaOptions
from fada_lib.models.discriminator import FineGrainedDiscriminator


def build_discriminator(
    options: BinaryOptions, channels: int, num_classes: int, encoded: int
) -> FineGrainedDiscriminator:
    """A fresh D of domain x `encoded` classes on what `options` let it see: `channels` or `num_classes` maps."""
    seen = num_classes if options.discriminator_input == "output" else channels
    return FineGrainedDiscriminator(seen, encoded, options.discriminator_channels)


class Fada(Adversarial):
    """A discriminator of domain x class, supervised by domain encodings from the classifier's predictions.

    Parameters
    ----------
    options : FadaOptions
    channels : int
        Channels of the features.
    num_classes : int
        K.
    discriminator : FineGrainedDiscriminator, optional
        One that exists already; by default a fresh one of `build_discriminator`.
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
        self.discriminator = discriminator or build_discriminator(options, channels, num_classes, num_classes)

    def knowledge(self, logits: torch.Tensor) -> torch.Tensor:
        """The encodings' half a from the classifier's (N, K, H, W) logits, of their shape and without gradient."""
        o = self.options
        if o.encoding == "soft":
            return soft_labels(logits, o.temperature, o.clip)
        return hard_labels(logits, o.threshold, o.hard_temperature)

    def seen_maps(self, outputs: Outputs) -> torch.Tensor:
        """What D sees at the resolution of the features: them, (N, C, h, w), or (N, K, h, w) probabilities."""
        if self.options.discriminator_input == "output":
            return torch.softmax(outputs.logits, dim=1)
        return outputs.features

    def target_loss(self, target: Outputs, domain: int, progress: float) -> torch.Tensor:
        """L_adv (Eq. 6) when asked to be of the source: the option's `terms` of it; else its part of L_D (Eq. 5)."""
        del progress
        return self.domain_loss(target, domain, self.options.terms if domain == SOURCE else "both")

    def domain_loss(self, outputs: Outputs, domain: int, terms: str = "both") -> torch.Tensor:
        """The mean cross entropy of D's prediction with the encoding of `domain`, or one of its `terms`.

        The two resolutions differ, because a softmax of upsampled logits is no upsampled softmax; the release takes
        both D's and the classifier's after upsampling to the ``input``.
        """

        def sums(domain_logits: torch.Tensor, logits: torch.Tensor) -> Term:
            knowledge = self.knowledge(logits)
            term = encoding_cross_entropy(domain_logits, knowledge, domain, terms)
            if self.options.encoding == "hard" and self.options.hard_mean == "kept":
                return Term(term.total, kept_pixels(knowledge))
            return term

        maps = (self.domain_logits(outputs), outputs.logits.detach())
        if self.options.discriminator_resolution == "input":
            return sum_over_strips(sums, maps, outputs.size).mean()
        return sums(*maps).mean()
