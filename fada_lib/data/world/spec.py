"""What a made world is: its size, its seed and the gap of its domains, and the random streams they fix."""

from dataclasses import asdict, dataclass

import numpy as np

from fada_lib.limits import objection
from fada_lib.parameters import UserError

SOURCE_SPLITS = ("train", "val")
TARGET_SPLITS = ("train", "tune", "val")
_DOMAIN_KEYS = {"source": 0, "target": 1, "pair": 2}
_SPLIT_KEYS = {"train": 0, "tune": 1, "val": 2}


@dataclass(frozen=True)
class WorldSpec:
    """Everything that fixes a made world bit for bit.

    Parameters
    ----------
    world_seed : int
        Seed of every image, 0 or more. Another seed is another draw from the same two domains.
    height, width : int
        Size of every image and label map in pixels, at least 24 x 48.
    source_train_images, source_val_images : int
        Number of images of the game domain to train on and to hold out; 0 makes none of that part, here and below.
    target_train_images, target_tune_images, target_val_images : int
        Number of images of the camera domain to adapt to, to choose parameters on, and to report on.
    label_shift : float
        0..1. How far the target's streets move from a dense city (the source's) to a leafy suburb,
        which changes the class frequencies.
    appearance_shift : float
        0..1.25. Strength of the camera: its light, haze, colours, blur and noise; above 1 it is worse than in the
        default world, and above 1.25 its haze would swallow what is far away.
    source_label_shift : float
        0..1. As `label_shift`, for the source's streets: 1 makes the suburb the source, so that with a
        `label_shift` of 0 the class frequencies of the two domains have changed places.
    missing_class : str
        A class of which no image of the target shows anything, ``bus``, ``car``, ``person``,
        ``fence`` or ``traffic sign``; ``none`` leaves all in.

    Raises
    ------
    UserError
        If a value lies outside its range in `fada_lib.limits`.
    """

    world_seed: int = 0
    height: int = 96
    width: int = 192
    source_train_images: int = 600
    source_val_images: int = 100
    target_train_images: int = 600
    target_tune_images: int = 100
    target_val_images: int = 100
    label_shift: float = 0.5
    appearance_shift: float = 1.0
    source_label_shift: float = 0.0
    missing_class: str = "none"

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            no_part = name.endswith("_images") and value == 0
            if not no_part and (wrong := objection(name, value)):
                raise UserError(f"{name} {wrong}")

    @property
    def images(self) -> int:
        """Number of images of both domains together."""
        return sum(value for name, value in asdict(self).items() if name.endswith("_images"))


@dataclass(frozen=True)
class Streams:
    """Independent random generators of one image: what stands where, its colours, the camera's mood."""

    scene: np.random.Generator
    palette: np.random.Generator
    camera: np.random.Generator


def streams(spec: WorldSpec, domain: str, split: str, index: int) -> Streams:
    """Return fresh generators for one image, a pure function of (world_seed, domain, split, index).

    Separate streams keep the scene the same when only the appearance changes, and the other way round.
    """
    key = (spec.world_seed, _DOMAIN_KEYS[domain], _SPLIT_KEYS[split], index)
    return Streams(*(np.random.default_rng(child) for child in np.random.SeedSequence(key).spawn(3)))
