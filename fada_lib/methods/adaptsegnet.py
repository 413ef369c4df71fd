"""AdaptSegNet, single level: alignment of the output space (Tsai et al., CVPR 2018; Eq. 1-4)."""

import torch

from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.output_space import domain_cross_entropy
from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.options import AdaptSegNetOptions
from fada_lib.models.output_discriminator import OutputDiscriminator
from fada_lib.models.segmenter import upsample


class AdaptSegNet(Method):
    """A discriminator of domains that sees probability maps; unlike FADA's, its gradient reaches F and C."""

    def __init__(self, options: AdaptSegNetOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del channels
        self.options = options
        self.discriminator = OutputDiscriminator(num_classes, options.output_discriminator_channels)

    def seen_maps(self, outputs: Outputs) -> torch.Tensor:
        """What D sees, (N, K, H, W): the softmax of the logits after upsampling to the input, as in the release."""
        return torch.softmax(upsample(outputs.logits, outputs.size), dim=1)

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x L_adv (Eq. 4): the target's maps should pass for the source's."""
        del source, progress
        return {"adversarial": self.options.lambda_adv * self._mean_loss(target, SOURCE)}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """L_d (Eq. 2) of either domain, times `discriminator_weight`."""
        del progress
        weight = self.options.discriminator_weight
        return {
            "discriminator_source": weight * self._mean_loss(source, SOURCE),
            "discriminator_target": weight * self._mean_loss(target, TARGET),
        }

    def _mean_loss(self, outputs: Outputs, domain: int) -> torch.Tensor:
        return domain_cross_entropy(self.discriminator(self.seen_maps(outputs)), domain).mean()
