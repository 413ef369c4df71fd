"""D on windows of the output: the local discriminator of joint global-local alignment."""

import torch
from torch import nn


class LocalDiscriminator(nn.Module):
    """Predicts the domain of every window of K-channel maps as one logit: negative for source, positive for target.

    A convolution of the window's size and stride reads each window whole, a 3x3 convolution over the windows compares
    it with its eight neighbours, and nothing sees further; leaky ReLU (slope 0.2) between the layers.

    Parameters
    ----------
    num_classes : int
        K, channels of the maps.
    window : int
        Cells of a window either way.
    hidden : (int, int)
        Channels of the two inner layers.
    """

    def __init__(self, num_classes: int, window: int, hidden: tuple[int, ...] = (64, 32)) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(num_classes, hidden[0], window, stride=window),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(hidden[0], hidden[1], 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(hidden[1], 1, 1),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, K, rows x window, columns x window) maps to (N, 1, rows, columns) logits."""
        return self.layers(maps)
