"""Periodic noise and the grain that surfaces get from it."""

import numpy as np

from fada_lib.data.world.canvas import (
    BUILDING,
    FENCE,
    GROUND,
    ROAD,
    SIDEWALK,
    TERRAIN,
    VEGETATION,
    Drawing,
)


def _noise(seed: int, falloff: float, size: int = 512) -> np.ndarray:
    """Return a periodic (size, size) float32 noise with spectrum f**-falloff, mean 0, deviation 1."""
    white = np.random.default_rng(seed).standard_normal((size, size))
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    spectrum = np.fft.rfft2(white) / np.maximum(np.hypot(fx, fy), 3 / size) ** falloff
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (size, size))
    return (np.round(field / field.std() * 64) / 64).astype(np.float32)


SMOOTH = _noise(1, 1.8)
"""Clouds and shadows: large shapes."""

LUMPY = _noise(2, 1.0)
"""Leaves, grass and worn asphalt."""

_FLAT_GRAIN = np.zeros(64, np.float32)
_FLAT_GRAIN[[BUILDING, VEGETATION, FENCE]] = (0.035, 0.16, 0.03)
_GROUND_GRAIN = np.zeros(64, np.float32)
_GROUND_GRAIN[[ROAD, SIDEWALK, TERRAIN]] = (0.045, 0.045, 0.11)


def grain(drawing: Drawing, origin: tuple[int, int]) -> np.ndarray:
    """Return the (H, W) brightness factor of surface texture around 1.

    The ground's texture lies on the ground in perspective; that of leaves and walls on the image.
    """
    height, width = drawing.labels.shape
    scale = 192 / width
    rows = (origin[0] + np.arange(height) * scale).astype(np.int64) & 511
    columns = (origin[1] + np.arange(width) * scale).astype(np.int64) & 511
    flat = LUMPY[np.ix_(rows, columns)]
    zs = (origin[0] + drawing.ground_z * 6).astype(np.int64) & 511
    xs = (origin[1] + drawing.ground_x * 12).astype(np.int64) & 511
    fade = np.minimum(1.0, 14 / drawing.ground_z)
    lying = LUMPY[zs, xs] * fade
    on_ground = drawing.facing == GROUND
    amounts = np.where(on_ground, _GROUND_GRAIN[drawing.labels], _FLAT_GRAIN[drawing.labels])
    return 1 + amounts * np.where(on_ground, lying, flat)
