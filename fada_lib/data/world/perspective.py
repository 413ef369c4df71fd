"""The pinhole camera that looks along the street."""

from dataclasses import dataclass

import numpy as np

FAR = 150.0
"""Depth in metres at which the street ends and the backdrop stands."""


@dataclass(frozen=True)
class View:
    """Where the camera stands and how the street runs, free of any image size.

    World axes in metres: x to the right (0 is the middle of the road), y up (0 is the ground), z ahead.

    Parameters
    ----------
    focal : float
        Focal length in image widths.
    vanish_u, vanish_v : float
        Vanishing point of the street, in image widths and heights from the upper left corner.
    eye : float
        Height of the camera above the ground.
    x : float
        Distance of the camera from the middle of the road.
    bend, hill : float
        Curvature of the street to the right and upwards, in 1/m: at depth z it lies bend * z**2 aside.
    """

    focal: float
    vanish_u: float
    vanish_v: float
    eye: float
    x: float
    bend: float
    hill: float


class Projection:
    """A `View` at a given image size: maps metres to pixels.

    Parameters
    ----------
    view : View
    height, width : int
        Image size in pixels.
    """

    def __init__(self, view: View, height: int, width: int) -> None:
        self.view = view
        self.height, self.width = height, width
        self.f = view.focal * width
        self.u0, self.v0 = view.vanish_u * width, view.vanish_v * height
        self.near = 0.8 * self.f * view.eye / (height - self.v0)

    def at(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Return the pixel (u, v) of a point given in metres, z > 0."""
        view = self.view
        u = self.u0 + self.f * ((x - view.x) / z + view.bend * z)
        return u, self.v0 - self.f * ((y - view.eye) / z + view.hill * z)

    def pixels(self, metres: float, z: float) -> float:
        """Return the length in pixels of `metres` at depth z."""
        return self.f * metres / z

    def ground_depth(self) -> np.ndarray:
        """Return the depth (H,) in metres of the ground seen in each image row, `FAR` above the horizon."""
        slope = (np.arange(self.height) + 0.5 - self.v0) / self.f
        hill, eye = self.view.hill, self.view.eye
        root = np.sqrt(np.maximum(slope**2 + 4 * hill * eye, 0))
        # eye / z - hill * z = slope, solved without cancellation
        depth = 2 * eye / np.maximum(slope + root, 2 * eye / FAR)
        return np.clip(depth, 0.5, FAR).astype(np.float32)

    def ground_x(self, depth: np.ndarray) -> np.ndarray:
        """Return x (H, W) in metres of the ground under each pixel, for the depths (H,) of the rows."""
        columns = np.arange(self.width, dtype=np.float32) + 0.5 - self.u0
        z = depth[:, None]
        return (columns[None] / self.f - self.view.bend * z) * z + self.view.x
