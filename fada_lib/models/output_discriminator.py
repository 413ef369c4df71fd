"""D on the output space: the fully convolutional discriminator of AdaptSegNet and ADVENT."""

import itertools

import torch
from torch import nn

from fada_lib.parameters import UserError


class OutputDiscriminator(nn.Module):
    """Predicts the domain of K-channel maps as one logit a position: negative for source, positive for target.

    4x4 convolutions of stride 2 with leaky ReLU (slope 0.2) between them (Tsai et al., CVPR 2018, section 4.2). Each
    halves its map, so five of them need images of at least 32 pixels either way.

    Parameters
    ----------
    num_classes : int
        K, channels of the maps.
    hidden : tuple of int
        Channels of all layers but the last, which has one; a shorter tuple makes a D for smaller images.
    """

    def __init__(self, num_classes: int, hidden: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        widths = (num_classes, *hidden, 1)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])
        self.reduction = 2 ** (len(hidden) + 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, K, H, W) maps to (N, 1, H // r, W // r) logits, r being 2 to the number of layers.

        Raises
        ------
        UserError
            For maps smaller than r, which would vanish on the way.
        """
        height, width = maps.shape[-2:]
        if min(height, width) < self.reduction:
            raise UserError(
                f"output_discriminator_channels: images of {width}x{height} pixels are too small for this many layers,"
                f" which need {self.reduction} pixels either way; list fewer channels or train on larger images"
            )
        return self.layers(maps)
