"""What every game of one discriminator has in common: which domain is asked for of whom."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.methods.interface import Method, Outputs


class Adversarial(Method, ABC):
    """D learns to tell the domains apart, G to make the target pass for the source.

    Subclasses have `options` with `lambda_adv` and `discriminator_weight`, a `discriminator`, `seen_maps`, what it
    sees of a forward pass, and `domain_loss`.
    """

    discriminator: nn.Module

    @abstractmethod
    def seen_maps(self, outputs: Outputs) -> torch.Tensor:
        """What D sees, (N, C, h, w)."""

    @abstractmethod
    def domain_loss(self, outputs: Outputs, domain: int) -> torch.Tensor:
        """The mean loss of what D says of `outputs`, were they of `domain`."""

    def target_loss(self, target: Outputs, domain: int, progress: float) -> torch.Tensor:
        """`domain_loss` of the target, for methods that treat it otherwise than the source."""
        del progress
        return self.domain_loss(target, domain)

    def domain_logits(self, outputs: Outputs) -> torch.Tensor:
        return self.discriminator(self.seen_maps(outputs))

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x L_adv: the target should pass for the source."""
        del source
        return {"adversarial": self.options.lambda_adv * self.target_loss(target, SOURCE, progress)}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """L_D of either domain, both times `discriminator_weight`."""
        weight = self.options.discriminator_weight
        return {
            "discriminator_source": weight * self.domain_loss(source, SOURCE),
            "discriminator_target": weight * self.target_loss(target, TARGET, progress),
        }
