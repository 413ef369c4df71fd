"""The options of every method, one dataclass each, readable without loading PyTorch.

A study's YAML gives them as the `options` of a method; the names on the left are the registry's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fada_lib.parameters import UserError, from_mapping


@dataclass(frozen=True, kw_only=True)
class SourceContinuedOptions:
    """Continued source training has no options."""


@dataclass(frozen=True, kw_only=True)
class BinaryOptions:
    """The feature-level baseline of Eq. 1-4.

    `lambda_adv` weighs L_adv (paper: 0.001 on means over pixels). `discriminator_resolution` is ``feature``
    or ``input`` (release). `discriminator_channels` are D's inner layers (paper: 256, 128).
    `discriminator_weight` scales both terms of L_D (paper 1.0, release 0.5; Adam hardly notices).
    """

    lambda_adv: float = 0.001
    discriminator_resolution: str = "feature"
    discriminator_channels: tuple[int, ...] = (256, 128)
    discriminator_weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class FadaOptions(BinaryOptions):
    """Fine-grained adversarial learning, Eq. 5-8.

    `encoding` is ``soft`` (Eq. 8) or ``hard`` (Eq. 7). `temperature` is T of the soft labels, `clip` their
    confidence clipping; `threshold` and `hard_temperature` belong to hard labels, and `hard_mean` says over which
    pixels their mean is taken: ``all`` (as for soft labels) or ``kept``.
    """

    encoding: str = "soft"
    temperature: float = 1.8
    clip: float = 0.9
    threshold: float = 0.9
    hard_temperature: float = 1.0
    hard_mean: str = "all"


@dataclass(frozen=True, kw_only=True)
class MinEntOptions:
    """Entropy minimisation (ADVENT, Eq. 2-4).

    `lambda_adv` weighs the mean normalised entropy. The paper calls it lambda_ent and takes 0.001, for more drives
    every pixel to its likeliest class at once; it has its name from the other methods, so that one grid serves all.
    """

    lambda_adv: float = 0.001


@dataclass(frozen=True, kw_only=True)
class AdaptSegNetOptions:
    """Output-space alignment, single level (AdaptSegNet, Eq. 1-4).

    `lambda_adv` weighs L_adv, a mean over D's map (paper and release: 0.001 for a single level; less
    hardly aligns, more lets D's mistakes overrule the segmentation loss).
    `output_discriminator_channels` are D's inner layers (release: 64, 128, 256, 512); each halves the image, so small
    images want fewer. `discriminator_weight` scales both terms of L_d (release 0.5; Adam hardly notices).
    """

    lambda_adv: float = 0.001
    output_discriminator_channels: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class AdvEntOptions(AdaptSegNetOptions):
    """Alignment of self-information (ADVENT, Eq. 5 and 6): AdaptSegNet's D, weights and, in the paper, lambda."""


OPTIONS: dict[str, type] = {
    "source_continued": SourceContinuedOptions,
    "binary": BinaryOptions,
    "fada": FadaOptions,
    "adaptsegnet": AdaptSegNetOptions,
    "minent": MinEntOptions,
    "advent": AdvEntOptions,
}


def method_options(name: str, options: Mapping[str, object]) -> object:
    """The options dataclass of method `name`, filled in.

    Raises
    ------
    UserError
        For an unknown method, option or value.
    """
    if name not in OPTIONS:
        raise UserError(f"unknown method '{name}': choose one of {', '.join(OPTIONS)}")
    return from_mapping(OPTIONS[name], options, f"options of method '{name}'")
