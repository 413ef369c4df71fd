"""Feature extractors: ResNet-101/50 and VGG-16 dilated to output stride 8, and a small ResNet of stride 4.

Every builder returns a `FeatureExtractor` whose parameters are named as in the authors' release
(`backbone.layer1.0.conv1.weight`, `backbone.23.weight`, ...), so that its checkpoints fit.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import vgg16
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from fada_lib.parameters import UserError


class FrozenNorm(FrozenBatchNorm2d):
    """torchvision's constant norm; under autocast it keeps half precision, from which its constants would raise x."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).to(x.dtype)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "frozen": partial(FrozenNorm, eps=0.0),
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(min(8, channels // 4), channels),
}
"""`frozen`: statistics and affine are constants, without eps as in the release; `batch`: live statistics and
trained affine; `group`: no batch statistics at all, so target images cannot leak through them."""


class Middle(NamedTuple):
    """The last-but-one stage of a backbone: the name of the layer that it ends with, and its channels."""

    layer: str
    channels: int


class FeatureExtractor(nn.Module):
    """F: an (N, 3, H, W) image to (N, channels, H / stride, W / stride) features."""

    def __init__(
        self, backbone: nn.Sequential, channels: int, middle: Middle, stride: int, input_convention: str
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.channels = channels
        self.middle = middle
        self.stride = stride
        self.input_convention = input_convention

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone(images)

    def with_middle(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The features, and the output of the last-but-one stage at the same resolution."""
        x = images
        for name, layer in self.backbone.named_children():
            x = layer(x)
            if name == self.middle.layer:
                middle = x
        return x, middle


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; the dilation applies to both (He et al., CVPR 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int, norm: Callable) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.norm1 = norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, dilation, dilation, bias=False)
        self.norm2 = norm(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def resnet_small(norm: str) -> FeatureExtractor:
    """The laptop's network: a stem and three residual blocks, 16-32-64-96 channels, output stride 4."""
    layer = NORMS[norm]
    stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), layer(16), nn.ReLU(inplace=True)]
    blocks = [
        ResidualBlock(16, 32, 2, 1, layer),
        ResidualBlock(32, 64, 1, 2, layer),
        ResidualBlock(64, 96, 1, 4, layer),
    ]
    for module in (*stem, *blocks):
        for m in module.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    names = ["conv1", "norm1", "relu", "layer1", "layer2", "layer3"]
    backbone = nn.Sequential(OrderedDict(zip(names, [*stem, *blocks], strict=True)))
    return FeatureExtractor(backbone, 96, Middle("layer2", 64), stride=4, input_convention="imagenet_rgb")


class FrozenBottleneck(Bottleneck):
    """torchvision's bottleneck with its constant norms multiplied into the convolutions before them.

    The same function up to rounding, and the same names. It saves an image-sized multiplication and addition a norm.
    Hooks on the single convolutions and norms are never called.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.relu(_normalised(self.conv1, self.bn1, x))
        y = self.relu(_normalised(self.conv2, self.bn2, y))
        y = _normalised(self.conv3, self.bn3, y)
        return self.relu(y + (x if self.downsample is None else _normalised(*self.downsample, x)))


def _normalised(conv: nn.Conv2d, norm: FrozenNorm, x: torch.Tensor) -> torch.Tensor:
    """``norm(conv(x))`` as one convolution; gradients reach the weights of `conv` as they do there."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    weight = conv.weight * scale[:, None, None, None]
    return functional.conv2d(x, weight, shift, conv.stride, conv.padding, conv.dilation)


def _resnet(blocks: list[int], norm: str) -> FeatureExtractor:
    """torchvision's ResNet without its classifier, layer 3 and 4 dilated by 2 and 4 instead of strided."""
    block = FrozenBottleneck if norm == "frozen" else Bottleneck
    network = ResNet(block, blocks, replace_stride_with_dilation=[False, True, True], norm_layer=NORMS[norm])
    children = OrderedDict((n, m) for n, m in network.named_children() if n not in ("avgpool", "fc"))
    backbone = nn.Sequential(children)
    return FeatureExtractor(backbone, 2048, Middle("layer3", 1024), stride=8, input_convention="imagenet_rgb")


def vgg16_release(norm: str) -> FeatureExtractor:
    """VGG-16 as the release has it: no pool4/pool5, conv5 dilated by 2, fc6/fc7 as 3x3 convolutions dilated by 4.

    The input convention is Caffe's (BGR, 0-255, mean subtracted), as the release's weights want it. The last-but-one
    stage ends with conv4_3's ReLU.
    """
    del norm
    layers = list(vgg16(weights=None).features)
    kept = [layer for i, layer in enumerate(layers) if i not in (23, 30)]
    for layer in kept[23:]:
        if isinstance(layer, nn.Conv2d):
            layer.dilation, layer.padding = (2, 2), (2, 2)
    fc6 = nn.Conv2d(512, 1024, 3, padding=4, dilation=4)
    fc7 = nn.Conv2d(1024, 1024, 3, padding=4, dilation=4)
    backbone = nn.Sequential(*kept, fc6, nn.ReLU(inplace=True), fc7, nn.ReLU(inplace=True))
    return FeatureExtractor(backbone, 1024, Middle("22", 512), stride=8, input_convention="caffe_bgr")


BACKBONES: dict[str, Callable[[str], FeatureExtractor]] = {
    "resnet_small": resnet_small,
    "resnet50": partial(_resnet, [3, 4, 6, 3]),
    "resnet101": partial(_resnet, [3, 4, 23, 3]),
    "vgg16": vgg16_release,
}


def build_feature_extractor(backbone: str, norm: str) -> FeatureExtractor:
    """Build F by name, with fresh weights.

    Raises
    ------
    UserError
        For an unknown backbone or norm.
    """
    if backbone not in BACKBONES:
        raise UserError(f"unknown backbone '{backbone}': choose one of {', '.join(BACKBONES)}")
    if norm not in NORMS:
        raise UserError(f"unknown norm '{norm}': choose one of {', '.join(NORMS)}")
    return BACKBONES[backbone](norm)
