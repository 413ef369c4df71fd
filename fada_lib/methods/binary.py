"""The baseline: traditional feature alignment with a binary discriminator (paper, section 3.1; Eq. 1-4)."""

import torch

from fada_lib.losses.encodings import binary_labels
from fada_lib.methods.fada import Fada, build_discriminator
from fada_lib.methods.options import BinaryOptions, FadaOptions


class Binary(Fada):
    """FADA with a single class: Eq. 5 and 6 with K = 1 and a = 1 are Eq. 1 and 4.

    The same discriminator body, loss and schedule, so that a comparison with FADA compares nothing else.
    """

    def __init__(self, options: BinaryOptions, channels: int, num_classes: int) -> None:
        discriminator = build_discriminator(options, channels, num_classes, encoded=1)
        super().__init__(FadaOptions(**vars(options)), channels, 1, discriminator)

    def knowledge(self, logits: torch.Tensor) -> torch.Tensor:
        """Domain labels without classes, (N, 1, H, W) of ones."""
        return binary_labels(logits)
