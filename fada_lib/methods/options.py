"""The options of every method, one dataclass each, readable without loading PyTorch.

A study's YAML gives them as the `options` of a method; the names on the left are the registry's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fada_lib.parameters import UserError, from_mapping, to_mapping


@dataclass(frozen=True, kw_only=True)
class SourceContinuedOptions:
    """Continued source training has no options."""


@dataclass(frozen=True, kw_only=True)
class AdaBnOptions:
    """Re-estimated batch-norm statistics have no options."""


@dataclass(frozen=True, kw_only=True)
class BinaryOptions:
    """The feature-level baseline of Eq. 1-4.

    `lambda_adv` weighs L_adv (paper: 0.001 on means over pixels). `discriminator_resolution` is ``feature``
    or ``input`` (release). `discriminator_channels` are D's inner layers (paper: 256, 128).
    `discriminator_weight` scales both terms of L_D (paper 1.0, release 0.5; Adam hardly notices).
    `discriminator_input` is what D sees: the ``features`` of F (paper), or the ``output``, the softmax of the
    classifier's logits at the resolution of the features; then the gradient of L_adv reaches C as well as F.
    """

    lambda_adv: float = 0.001
    discriminator_resolution: str = "feature"
    discriminator_channels: tuple[int, ...] = (256, 128)
    discriminator_weight: float = 0.5
    discriminator_input: str = "features"


@dataclass(frozen=True, kw_only=True)
class FadaOptions(BinaryOptions):
    """Fine-grained adversarial learning, Eq. 5-8.

    `encoding` is ``soft`` (Eq. 8) or ``hard`` (Eq. 7). `temperature` is T of the soft labels, `clip` their
    confidence clipping; `threshold` and `hard_temperature` belong to hard labels, and `hard_mean` says over which
    pixels their mean is taken: ``all`` (as for soft labels) or ``kept``. `terms` is what L_adv (Eq. 6) asks of the
    target: ``both``, the ``domain`` or the ``class`` within it (see `fada_lib.methods.fada`); L_D is always whole.
    """

    encoding: str = "soft"
    temperature: float = 1.8
    clip: float = 0.9
    threshold: float = 0.9
    hard_temperature: float = 1.0
    hard_mean: str = "all"
    terms: str = "both"


@dataclass(frozen=True, kw_only=True)
class OracleEncodingsOptions:
    """FADA with true encodings, at the resolution of the features; see `BinaryOptions` for what the options mean."""

    lambda_adv: float = 0.001
    discriminator_channels: tuple[int, ...] = (256, 128)
    discriminator_weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class LevelOptions:
    """At how many levels of the network a method of the output space works (see `fada_lib.methods.levels`).

    With `levels: 2` an auxiliary classifier on the last-but-one stage of F joins the main one (AdaptSegNet and ADVENT,
    both with ResNet-101). `auxiliary_lambda_adv` is its game's lambda (0.0002), `auxiliary_segmentation` the weight of
    its segmentation loss (0.1).
    """

    levels: int = 1
    auxiliary_lambda_adv: float = 0.0002
    auxiliary_segmentation: float = 0.1


@dataclass(frozen=True, kw_only=True)
class MinEntOptions(LevelOptions):
    """Entropy minimisation (ADVENT, Eq. 2-4).

    `lambda_adv` weighs the mean normalised entropy. The paper calls it lambda_ent and takes 0.001, for more drives
    every pixel to its likeliest class at once; it has its name from the other methods, so that one grid serves all.
    """

    lambda_adv: float = 0.001


@dataclass(frozen=True, kw_only=True)
class OutputSpaceOptions:
    """Output-space alignment by a discriminator (AdaptSegNet, Eq. 1-4).

    `lambda_adv` weighs L_adv, a mean over D's map (paper and release: 0.001 for a single level; less
    hardly aligns, more lets D's mistakes overrule the segmentation loss).
    `output_discriminator_channels` are D's inner layers (release: 64, 128, 256, 512); each halves the image, so small
    images want fewer. `discriminator_weight` scales both terms of L_d (release 0.5; Adam hardly notices).
    """

    lambda_adv: float = 0.001
    output_discriminator_channels: tuple[int, ...] = (64, 128, 256, 512)
    discriminator_weight: float = 0.5


@dataclass(frozen=True, kw_only=True)
class AdaptSegNetOptions(LevelOptions, OutputSpaceOptions):
    """Output-space alignment at one level or two."""


@dataclass(frozen=True, kw_only=True)
class AdvEntOptions(AdaptSegNetOptions):
    """Alignment of self-information (ADVENT, Eq. 5 and 6): AdaptSegNet's D, weights and, in the paper, lambda."""


@dataclass(frozen=True, kw_only=True)
class ClanOptions(OutputSpaceOptions):
    """Category-level adversaries of two classifiers (CLAN; see `fada_lib.methods.clan`).

    D's loss on the target is weighted by `epsilon` + `lambda_local` x the classifiers' disagreement (the authors: 0.4,
    and 40 for GTA5 or 10 for SYNTHIA) after the first `warm_up` of the iterations (0.05). `lambda_weight` weighs the
    weight discrepancy loss (paper 0.01, release 0.02). It and `lambda_adv` fall linearly to 0. The release does not
    halve D's losses.
    """

    discriminator_weight: float = 1.0
    epsilon: float = 0.4
    lambda_local: float = 40.0
    lambda_weight: float = 0.01
    warm_up: float = 0.05


@dataclass(frozen=True, kw_only=True)
class JointGlobalLocalOptions:
    """Local alignment on top of a global method (the poster of ICASSP 2022; see `fada_lib.methods.joint_global_local`).

    `global_method` is any other method but `oracle_encodings`, `global_options` its own options. `lambda_adv` weighs
    the local loss and, where `global_options` do not say otherwise, the global one, so that one grid serves all
    methods. `local_window` is the side of a window in cells of the output map, `local_mixture` the share of windows
    exchanged between the domains (0: none), `local_discriminator_channels` are the local D's inner layers, and
    `discriminator_weight` scales both of its terms. None of them is known from the poster.
    """

    global_method: str = "adaptsegnet"
    global_options: dict[str, object] = field(default_factory=dict)
    lambda_adv: float = 0.001
    local_window: int = 4
    local_mixture: float = 0.5
    local_discriminator_channels: tuple[int, ...] = (64, 32)
    discriminator_weight: float = 0.5

    def __post_init__(self) -> None:
        """Fill in and check the global method's options."""
        not_wrapped = (JointGlobalLocalOptions, OracleEncodingsOptions)
        wrapped = {name: kind for name, kind in OPTIONS.items() if kind not in not_wrapped}
        if self.global_method not in wrapped:
            raise UserError(f"'global_method' is '{self.global_method}': choose one of {', '.join(wrapped)}")
        kind = wrapped[self.global_method]
        shared = {"lambda_adv": self.lambda_adv} if "lambda_adv" in kind.__dataclass_fields__ else {}
        own = from_mapping(kind, {**shared, **self.global_options}, f"'global_options' of '{self.global_method}'")
        object.__setattr__(self, "global_options", to_mapping(own))


OPTIONS: dict[str, type] = {
    "source_continued": SourceContinuedOptions,
    "binary": BinaryOptions,
    "fada": FadaOptions,
    "oracle_encodings": OracleEncodingsOptions,
    "adaptsegnet": AdaptSegNetOptions,
    "minent": MinEntOptions,
    "advent": AdvEntOptions,
    "joint_global_local": JointGlobalLocalOptions,
    "adabn": AdaBnOptions,
    "clan": ClanOptions,
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


def loss_weights(options: object) -> dict[str, float]:
    """Name of a term of G's loss -> the constant weight that it is logged with; a term that is not there has none."""
    adversarial = getattr(options, "lambda_adv", 1.0)
    weights = {"adversarial": adversarial, "entropy": adversarial}
    if isinstance(options, LevelOptions):
        weights |= {f"{name}_auxiliary": options.auxiliary_lambda_adv for name in weights}
        weights["segmentation_auxiliary"] = options.auxiliary_segmentation
    if isinstance(options, ClanOptions):
        weights["weight_discrepancy"] = options.lambda_weight
    if isinstance(options, JointGlobalLocalOptions):
        own = method_options(options.global_method, options.global_options)
        weights = {**loss_weights(own), "local_adversarial": options.lambda_adv}
    return weights
