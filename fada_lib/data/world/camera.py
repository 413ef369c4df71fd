"""What a camera does to a street: light and shadows, haze, colours, optics and noise.

Every strength scales with `appearance_shift`. Most of it is the same in every image (a systematic shift),
the rest varies from image to image around it.
"""

import numpy as np
from PIL import Image, ImageFilter

from fada_lib.data.world.canvas import FACES_CAMERA, FACES_LEFT, FACES_RIGHT, GROUND, SKY, Drawing
from fada_lib.data.world.texture import SMOOTH

_CAST = np.array((0.85, 0.97, 1.08), np.float32)
_HAZE = np.array((222, 227, 225), np.float32)
_GAMMA = 1.1
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


def photograph(drawing: Drawing, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the drawing as the camera sees it.

    Parameters
    ----------
    drawing : Drawing
        A scene in even light.
    rng : numpy.random.Generator
    strength : float
        0 returns the drawing's image unchanged, 1 the full camera.

    Returns
    -------
    ndarray (H, W, 3) uint8
    """
    if strength == 0:
        return drawing.image
    image = drawing.image.astype(np.float32)
    image *= _light(drawing, rng, strength)[..., None]
    image = _hazed(image, drawing, rng, strength)
    image = _toned(image, rng, strength)
    image *= _falloff(drawing.labels.shape, rng, strength)[..., None]
    return _exposed(image, rng, strength)


def _light(drawing: Drawing, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the (H, W) brightness of directional light: a dark side of the street, shadows on the ground."""
    sun = 1 if rng.random() < 0.5 else -1
    depth, reach, row, column = rng.uniform(0.1, 0.21), rng.uniform(-2.5, 2.0), *rng.integers(0, 512, 2)
    by_facing = np.ones(5, np.float32)
    by_facing[[FACES_RIGHT, FACES_LEFT, FACES_CAMERA]] = (1 + 0.06 * sun, 1 - 0.06 * sun, 0.98)
    light = by_facing[drawing.facing]
    z, x = drawing.ground_z, drawing.ground_x * sun
    roofline = SMOOTH[row, (column + 2 * z).astype(np.int64) & 511] * 1.6
    leaves = SMOOTH[(row + 8 * z).astype(np.int64) & 511, (column + 14 * x).astype(np.int64) & 511]
    shaded = np.clip((x - reach - roofline) * 2, 0, 1)
    dapples = 0.6 * np.clip(leaves * 3 - 1.5, 0, 1)
    on_ground = drawing.facing == GROUND
    light = light * np.where(on_ground, 1 - depth * np.maximum(shaded, dapples), 1)
    return 1 + strength * (light - 1)


def _hazed(image: np.ndarray, drawing: Drawing, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Blend far things towards the haze, and everything a little (veiling glare)."""
    length, veil = rng.uniform(130, 280), rng.uniform(0.02, 0.06)
    lost = 1 - np.exp(-drawing.depth / length)
    lost[drawing.labels == SKY] = 0.7
    lost = strength * (veil + (1 - veil) * 0.75 * lost)[..., None]
    return image * (1 - lost) + _HAZE * lost


def _toned(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Take away saturation and contrast, and tint."""
    fade, contrast, exposure = rng.uniform(0.25, 0.42), rng.uniform(0.8, 0.94), rng.uniform(0.98, 1.1)
    cast = _CAST * rng.uniform(0.98, 1.02, 3).astype(np.float32)
    grey = (image @ _LUMA)[..., None]
    image = grey + (image - grey) * (1 - strength * fade)
    image = 118 + (image - 118) * (1 - strength * (1 - contrast))
    image = 255 * (np.clip(image, 0, 255) / 255) ** (1 + strength * (_GAMMA - 1))
    return image * (1 + strength * (cast * exposure - 1))


def _falloff(shape: tuple[int, int], rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the (H, W) brightness of a light gradient across the image and of the lens's vignette."""
    down, across = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None]
    angle, slope, dark = rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.11), rng.uniform(0.06, 0.15)
    gradient = slope * (np.cos(angle) * across + 0.6 * np.sin(angle) * down)
    return (1 + strength * (gradient - dark * (down**2 + across**2) / 2)).astype(np.float32)


def _exposed(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Blur by the lens, add the sensor's noise (more where it is dark), and round to bytes."""
    height, width = image.shape[:2]
    radius, level = rng.uniform(0.45, 0.8) * height / 96, rng.uniform(2.0, 5.0)
    sharp = Image.fromarray(np.clip(image + 0.5, 0, 255).astype(np.uint8))
    blurred = np.asarray(sharp.filter(ImageFilter.GaussianBlur(strength * radius)), np.float32)
    noise = rng.standard_normal((height, width, 3), dtype=np.float32)
    noise += rng.standard_normal((height, width, 1), dtype=np.float32)
    noise *= strength * level * (0.85 - 0.0016 * blurred)
    return np.clip(blurred + noise + 0.5, 0, 255).astype(np.uint8)
