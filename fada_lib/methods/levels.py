"""Output-space methods at two levels: AdaptSegNet's and ADVENT's auxiliary classifier on F's last-but-one stage.

Tsai et al., CVPR 2018, section 4.4; Vu et al., CVPR 2019, section 4.2. The auxiliary classifier learns from the
source's labels with a weight of 0.1 and is aligned by a game of its own with a weight of 0.0002; it takes no part in
predictions. In the papers it is trained from ImageNet weights on as the main one is. Here all methods start from one
source model that has only the main classifier, so the auxiliary starts fresh, from the run's seed.
"""

import dataclasses
from collections.abc import Callable

import torch

from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.options import LevelOptions

Build = Callable[[LevelOptions, int, int], Method]


class TwoLevels(Method):
    """A method twice: on the prediction, and with terms named ``..._auxiliary`` on the auxiliary classifier's."""

    heads = ("auxiliary",)

    def __init__(self, main: Method, auxiliary: Method, segmentation_weight: float) -> None:
        super().__init__()
        self.main = main
        self.auxiliary = auxiliary
        self.segmentation_weight = segmentation_weight

    def supervised(self, source: Outputs) -> dict[str, tuple[float, torch.Tensor]]:
        """The prediction's logits and, with their weight, the auxiliary classifier's."""
        of_auxiliary = (self.segmentation_weight, source.classifiers["auxiliary"])
        return {**self.main.supervised(source), "segmentation_auxiliary": of_auxiliary}

    def domain_logits(self, outputs: Outputs) -> torch.Tensor | None:
        return self.main.domain_logits(outputs)

    def generator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """The terms of both levels."""
        of_auxiliary = self.auxiliary.generator_terms(*_of_auxiliary(source, target), progress)
        return {**self.main.generator_terms(source, target, progress), **_named(of_auxiliary)}

    def discriminator_terms(self, source: Outputs, target: Outputs, progress: float) -> dict[str, torch.Tensor]:
        """The terms of both levels' discriminators."""
        of_auxiliary = self.auxiliary.discriminator_terms(*_of_auxiliary(source, target), progress)
        return {**self.main.discriminator_terms(source, target, progress), **_named(of_auxiliary)}


def one_or_two_levels(single: Build) -> Build:
    """The builder of a method whose options say at how many `levels` it works, from that at a single one."""

    def build(options: LevelOptions, channels: int, num_classes: int) -> Method:
        main = single(options, channels, num_classes)
        if options.levels == 1:
            return main
        of_auxiliary = dataclasses.replace(options, lambda_adv=options.auxiliary_lambda_adv)
        return TwoLevels(main, single(of_auxiliary, channels, num_classes), options.auxiliary_segmentation)

    return build


def _of_auxiliary(*domains: Outputs) -> tuple[Outputs, ...]:
    return tuple(outputs.predicted_by("auxiliary") for outputs in domains)


def _named(terms: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{name}_auxiliary": term for name, term in terms.items()}
