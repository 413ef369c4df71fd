"""MinEnt: direct entropy minimisation (Vu et al., ADVENT, CVPR 2019, section 3.1; Eq. 2-4)."""

import torch

from fada_lib.losses.output_space import entropy
from fada_lib.losses.strips import sum_over_strips
from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.options import MinEntOptions


class MinEnt(Method):
    """No discriminator: predictions on the target are asked to be confident, whatever they say."""

    def __init__(self, options: MinEntOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del channels, num_classes
        self.options = options

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """lambda_adv x the mean over the input's pixels of the normalised entropy."""
        del source, progress
        mean = sum_over_strips(entropy, (target.logits,), target.size).mean()
        return {"entropy": self.options.lambda_adv * mean}
