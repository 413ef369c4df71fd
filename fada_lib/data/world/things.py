"""What a scene consists of: plain descriptions in metres without colours.

`tint` (0..1) chooses a colour from whichever palette the scene is drawn with, so that one scene
can be drawn in both domains. `lumps` are random numbers 0..1 that shape outlines and patterns.
`side` is -1 on the left of the road and +1 on the right.
"""

from dataclasses import dataclass

import numpy as np

from fada_lib.data.world.perspective import View


@dataclass(frozen=True, slots=True)
class Strip:
    """A band of ground along the street from x0 to x1: `kind` is a palette entry or ``verge``, a lawn."""

    kind: str
    x0: float
    x1: float


@dataclass(frozen=True, slots=True)
class Street:
    """The ground: strips from outside to the road, a side street, and markings."""

    strips: tuple[Strip, ...]
    half: float
    surface: float
    centre_line: str
    crossing: tuple[float, float] | None
    crossing_sides: tuple[int, ...]
    zebra: float | None
    patches: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Building:
    """A house from depth z0 to z1, its street wall at x, going `deep` away from the street."""

    side: int
    x: float
    z0: float
    z1: float
    deep: float
    height: float
    roof: float
    floor: float
    bay: float
    shop: bool
    tint: float
    lumps: np.ndarray


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: crown of half width `spread`, trunk up to `clear`; or a conifer; or a bush (clear = 0)."""

    x: float
    z: float
    height: float
    spread: float
    clear: float
    conifer: bool
    tint: float
    lumps: np.ndarray


@dataclass(frozen=True, slots=True)
class Barrier:
    """A hedge or a fence along the street from z0 to z1 at x."""

    hedge: bool
    side: int
    x: float
    z0: float
    z1: float
    height: float
    pitch: float
    tint: float
    lumps: np.ndarray


@dataclass(frozen=True, slots=True)
class Pole:
    """A pole: a lamp with an arm over the street, a sign post, or a plain mast."""

    side: int
    x: float
    z: float
    height: float
    kind: str
    size: float
    tint: float


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin or a hydrant: void."""

    x: float
    z: float
    height: float
    tint: float


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A car or a bus with its nearest end at z; crosswise ones show their side to the camera."""

    shape: str
    x: float
    z: float
    width: float
    height: float
    length: float
    heading: str
    tint: float
    lights: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A pedestrian; `stride` -1..1 spreads the legs."""

    x: float
    z: float
    height: float
    stride: float
    skirt: bool
    tints: tuple[float, float, float, float]


Thing = Building | Tree | Barrier | Pole | Bin | Vehicle | Person


@dataclass(frozen=True, slots=True)
class Scene:
    """A complete street without colours: `things` come in drawing order, the far ones first."""

    view: View
    street: Street
    backdrop: tuple[tuple[float, float, float, bool, float], ...]
    things: tuple[Thing, ...]
    sky: tuple[float, float, float]
    texture: tuple[int, int]
