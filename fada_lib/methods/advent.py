"""AdvEnt: alignment of entropy maps (Vu et al., ADVENT, CVPR 2019, section 3.2; Eq. 5 and 6)."""

import torch

from fada_lib.losses.output_space import self_information
from fada_lib.methods.adaptsegnet import AdaptSegNet
from fada_lib.methods.interface import Outputs
from fada_lib.models.segmenter import upsample


class AdvEnt(AdaptSegNet):
    """AdaptSegNet whose discriminator sees weighted self-information instead of probabilities."""

    def seen_maps(self, outputs: Outputs) -> torch.Tensor:
        """What D sees, (N, K, H, W): the self-information of the logits after upsampling to the input."""
        return self_information(upsample(outputs.logits, outputs.size))
