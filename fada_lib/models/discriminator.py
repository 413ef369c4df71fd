"""D: the fully convolutional domain discriminators (paper, sections 3.1, 3.2 and 4.3)."""

import torch
from torch import nn


class FineGrainedDiscriminator(nn.Module):
    """Predicts P(d, c | f) as 2K logits: channels 0..K-1 are the source's classes, K..2K-1 the target's.

    Three 3x3 convolutions of stride 1 with 256, 128 and 2K channels and leaky ReLU (slope 0.2) between them.
    The last one is kept as two halves, `cls1` (source) and `cls2` (target), as in the release.

    Parameters
    ----------
    channels : int
        Channels of the features.
    num_classes : int
        K; 1 gives the binary discriminator P(d | f) with two logits.
    hidden : tuple of int
        Channels of the two inner layers.
    """

    def __init__(self, channels: int, num_classes: int, hidden: tuple[int, int] = (256, 128)) -> None:
        super().__init__()
        self.D = nn.Sequential(
            nn.Conv2d(channels, hidden[0], 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(hidden[0], hidden[1], 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.cls1 = nn.Conv2d(hidden[1], num_classes, 3, padding=1)
        self.cls2 = nn.Conv2d(hidden[1], num_classes, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, h, w) features to (N, 2K, h, w) logits."""
        hidden = self.D(features)
        return torch.cat((self.cls1(hidden), self.cls2(hidden)), dim=1)
