"""AdaptSegNet: alignment of the output space (Tsai et al., CVPR 2018; Eq. 1-4).

This is the method at one level; `fada_lib.methods.levels` adds the second.
"""

import torch

from fada_lib.losses.output_space import domain_cross_entropy
from fada_lib.methods.adversarial import Adversarial
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import OutputSpaceOptions
from fada_lib.models.output_discriminator import OutputDiscriminator
from fada_lib.models.segmenter import upsample


class AdaptSegNet(Adversarial):
    """A discriminator of domains that sees probability maps; unlike FADA's, its gradient reaches F and C."""

    def __init__(self, options: OutputSpaceOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del channels
        self.options = options
        self.discriminator = OutputDiscriminator(num_classes, options.output_discriminator_channels)

    def seen_maps(self, outputs: Outputs) -> torch.Tensor:
        """What D sees, (N, K, H, W): the softmax of the logits after upsampling to the input, as in the release."""
        return torch.softmax(upsample(outputs.logits, outputs.size), dim=1)

    def domain_loss(self, outputs: Outputs, domain: int) -> torch.Tensor:
        """L_d (Eq. 2) of one domain, and with the source's label on the target L_adv (Eq. 4): a mean over D's map."""
        return domain_cross_entropy(self.domain_logits(outputs), domain).mean()
