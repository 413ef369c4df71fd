"""G = C o F: DeepLab-V2's segmentation network (Chen et al., TPAMI 2018; paper, section 3.1).

Some methods of adaptation train further classifiers, the *heads*: ``second`` sees the features as C does, and their
logits together are the prediction (CLAN); ``auxiliary`` sees the last-but-one stage of F and only helps in training
(AdaptSegNet and ADVENT at two levels). A network without heads is C o F and nothing else.
"""

import copy
from collections.abc import Iterable, Mapping

import torch
from torch import nn
from torch.nn import functional

from fada_lib.data.transforms import normalise
from fada_lib.models.backbones import FeatureExtractor, build_feature_extractor

ATROUS_RATES = {4: (1, 2, 3, 5), 8: (6, 12, 18, 24)}
"""Dilations of the classifier by output stride: DeepLab-V2's at 8; at 4 on small images a reach of a few cells."""


class AtrousClassifier(nn.Module):
    """C: the sum of four parallel 3x3 convolutions with bias (atrous spatial pyramid pooling)."""

    def __init__(self, channels: int, num_classes: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.conv2d_list = nn.ModuleList(nn.Conv2d(channels, num_classes, 3, padding=r, dilation=r) for r in rates)
        for conv in self.conv2d_list:
            nn.init.normal_(conv.weight, 0.0, 0.01)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, h, w) features to (N, K, h, w) logits."""
        logits = self.conv2d_list[0](features)
        for conv in self.conv2d_list[1:]:
            logits = logits + conv(features)
        return logits


def combine(logits: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The prediction's logits: those of C (``main``), plus those of the head ``second`` if there is one."""
    return logits["main"] + logits["second"] if "second" in logits else logits["main"]


class Segmenter(nn.Module):
    """The segmentation network; feature extractor and classifier stay apart because only F is aligned.

    Parameters
    ----------
    feature_extractor : FeatureExtractor
    num_classes : int
        K.
    """

    def __init__(self, feature_extractor: FeatureExtractor, num_classes: int) -> None:
        super().__init__()
        self.feature_extractor = feature_extractor
        self.num_classes = num_classes
        self.classifier = self._classifier(feature_extractor.channels)
        self.heads = nn.ModuleDict()

    def add_heads(self, names: Iterable[str]) -> None:
        """Add heads with freshly initialised weights, on the CPU; one that exists already stays as it is.

        Raises
        ------
        KeyError
            For anything but ``second`` and ``auxiliary``.
        """
        channels = {"second": self.feature_extractor.channels, "auxiliary": self.feature_extractor.middle.channels}
        for name in names:
            if name not in self.heads:
                self.heads[name] = self._classifier(channels[name])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised (N, 3, H, W) images to the prediction's (N, K, h, w) logits at feature resolution."""
        return combine(self.logits(self.feature_extractor(images)))

    def logits(self, features: torch.Tensor, middle: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """(N, K, h, w) logits of every classifier: of C as ``main``, of the heads by name.

        `middle` is the output of F's last-but-one stage; without it there is no ``auxiliary``, which only it needs.
        """
        seen = {"second": features, "auxiliary": middle}
        found = {name: head(seen[name]) for name, head in self.heads.items() if seen[name] is not None}
        return {"main": self.classifier(features), **found}

    def predicting_classifier(self) -> AtrousClassifier:
        """One classifier that predicts what C and ``second`` do together, exact up to rounding: both are linear."""
        if "second" not in self.heads:
            return self.classifier
        both = copy.deepcopy(self.classifier)
        with torch.no_grad():
            for total, other in zip(both.parameters(), self.heads["second"].parameters(), strict=True):
                total += other
        return both

    def parameter_groups(self, classifier_factor: float) -> list[dict]:
        """Optimiser groups with their `factor` on the learning rate: 1 for F, 10 for C (and heads) in the release."""
        trained = [p for p in self.feature_extractor.parameters() if p.requires_grad]
        classifiers = [*self.classifier.parameters(), *self.heads.parameters()]
        return [{"params": trained, "factor": 1.0}, {"params": classifiers, "factor": classifier_factor}]

    def _classifier(self, channels: int) -> AtrousClassifier:
        return AtrousClassifier(channels, self.num_classes, ATROUS_RATES[self.feature_extractor.stride])


def heads_in(state: Iterable[str]) -> list[str]:
    """The heads whose weights a segmenter's state dictionary holds, in its order."""
    return list(dict.fromkeys(name.split(".")[1] for name in state if name.startswith("heads.")))


def build_segmenter(backbone: str, num_classes: int, norm: str) -> Segmenter:
    """Build a segmenter by name with freshly initialised weights.

    Parameters
    ----------
    backbone : str
        ``resnet_small``, ``resnet50``, ``resnet101`` or ``vgg16``.
    num_classes : int
        K.
    norm : str
        ``frozen``, ``batch`` or ``group`` (VGG-16 has no normalisation layer and ignores it).
    """
    return Segmenter(build_feature_extractor(backbone, norm), num_classes)


def network_input(segmenter: Segmenter, images: torch.Tensor) -> torch.Tensor:
    """What the segmenter's `forward` takes: on its device, in its precision, channels last.

    Parameters
    ----------
    segmenter : Segmenter
    images : Tensor
        (N, 3, H, W): uint8 RGB is normalised by the backbone's convention (in float32, as the release does);
        floating-point images count as normalised already.
    """
    weight = next(segmenter.parameters())
    images = images.to(weight.device, non_blocking=True)
    if not images.is_floating_point():
        images = normalise(images, segmenter.feature_extractor.input_convention)
    return images.to(dtype=weight.dtype).contiguous(memory_format=torch.channels_last)


def upsample(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Bilinear resize of (N, C, h, w) to `size` = (H, W), corners aligned as in the release."""
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)
