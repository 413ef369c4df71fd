"""What a method of adaptation is: the terms it adds to the segmentation loss, and its discriminators."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from fada_lib.losses.precision import at_least_single
from fada_lib.models.segmenter import Segmenter, combine, network_input


class Outputs(NamedTuple):
    """One domain's forward pass.

    Attributes
    ----------
    features : Tensor
        (N, C, h, w) of F.
    logits : Tensor
        (N, K, h, w) of the prediction, at feature resolution: of C, and of the head ``second`` if there is one.
    size : tuple of int
        (H, W) of the input image.
    classifiers : mapping of Tensor
        The logits of every classifier by itself: ``main`` is C, heads go by their names.
    labels : Tensor or None
        (N, H, W) true channels, 255 ignored: the source's while training, the target's only for a method that says
        `reads_target_labels`.
    """

    features: torch.Tensor
    logits: torch.Tensor
    size: tuple[int, int]
    classifiers: Mapping[str, torch.Tensor] = MappingProxyType({})
    labels: torch.Tensor | None = None

    def detach(self) -> "Outputs":
        """The same outputs, cut from the graph of the segmentation network."""
        classifiers = {name: logits.detach() for name, logits in self.classifiers.items()}
        return self._replace(features=self.features.detach(), logits=self.logits.detach(), classifiers=classifiers)

    def predicted_by(self, classifier: str) -> "Outputs":
        """The same outputs, were the prediction that of one classifier."""
        return self._replace(logits=self.classifiers[classifier])


def forward_pass(segmenter: Segmenter, images: torch.Tensor) -> Outputs:
    """Images, (N, 3, H, W) and uint8 or normalised already, through F and every classifier."""
    features, middle = segmenter.feature_extractor.with_middle(network_input(segmenter, images))
    logits = {name: at_least_single(maps) for name, maps in segmenter.logits(features, middle).items()}
    return Outputs(at_least_single(features), combine(logits), tuple(images.shape[-2:]), logits)


class Method(nn.Module):
    """A method of adaptation; its parameters are those of its discriminators, possibly none.

    Subclasses set `uses_target` and override what they need. Both kinds of terms see the same forward pass, so the
    discriminator learns from features computed before F is updated, as in the release. `heads` names the further
    classifiers that the method wants the segmenter to have (see `fada_lib.models.segmenter`). `reads_target_labels`
    is for experiments: no method of adaptation may.
    """

    uses_target = True
    reads_target_labels = False
    heads: tuple[str, ...] = ()

    def check(self, segmenter: Segmenter) -> None:
        """Refuse, by a `UserError` before the first iteration, a network that the method cannot adapt."""
        del segmenter

    def supervised(self, source: Outputs) -> dict[str, tuple[float, torch.Tensor]]:
        """Logits that learn from the source's labels, with their loss's name and weight: those of the prediction."""
        return {"segmentation": (1.0, source.logits)}

    def weight_terms(self, segmenter: Segmenter, progress: float) -> dict[str, torch.Tensor]:
        """Weighted losses on the segmenter's weights themselves, none by default."""
        del segmenter, progress
        return {}

    def judges(self) -> bool:
        """Whether it has a discriminator of whole maps, so that `domain_logits` says something."""
        return next(self.parameters(), None) is not None

    def domain_logits(self, outputs: Outputs) -> torch.Tensor | None:
        """What the discriminator (of several, the main one) says of a forward pass; None if there is none."""
        del outputs
        return None

    def knowledge(self, logits: torch.Tensor) -> torch.Tensor | None:
        """What the discriminator is told of classes by the classifier's (N, K, H, W) logits; None if nothing."""
        del logits
        return None

    def generator_terms(self, source: Outputs, target: Outputs | None, progress: float) -> dict[str, torch.Tensor]:
        """Weighted losses to add to the segmentation loss, none by default; `progress` runs from 0 to 1."""
        del source, target, progress
        return {}

    def discriminator_terms(self, source: Outputs, target: Outputs | None, progress: float) -> dict[str, torch.Tensor]:
        """Losses of the discriminators on detached outputs, none by default."""
        del source, target, progress
        return {}

    def finish(self, segmenter: Segmenter, target: Iterable[torch.Tensor]) -> None:
        """What the method does to the network after the last iteration, nothing by default.

        `target` yields (N, 3, H, W) uint8 batches of the target's training images, in the order of the files and as
        they are tested; no file is opened before the first is asked for. A run that is killed meanwhile does it
        again from the state after the last iteration.
        """
        del segmenter, target
