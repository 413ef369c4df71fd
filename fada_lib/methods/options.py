"""The options of every method, one dataclass each, readable without loading PyTorch.

A study's YAML gives them as the `options` of a method; the names on the left are the registry's.
"""

from dataclasses import dataclass


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

    lambda_adv: float = 0.003
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


OPTIONS: dict[str, type] = {
    "source_continued": SourceContinuedOptions,
    "binary": BinaryOptions,
    "fada": FadaOptions,
}
