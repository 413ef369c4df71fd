"""Draws what lies flat or far: sky, backdrop, road, markings, sidewalks and grass."""

import numpy as np
from PIL import Image

from fada_lib.data.world.canvas import (
    BUILDING,
    GROUND,
    ROAD,
    SIDEWALK,
    TERRAIN,
    VEGETATION,
    Canvas,
    Points,
    shade,
)
from fada_lib.data.world.palettes import Palette
from fada_lib.data.world.perspective import FAR
from fada_lib.data.world.texture import SMOOTH
from fada_lib.data.world.things import Scene, Street

_STRIP_LABELS = {
    "lawn": TERRAIN,
    "verge": TERRAIN,
    "paving": SIDEWALK,
    "sidewalk": SIDEWALK,
    "kerb": SIDEWALK,
}
_STEPS = 14
_SKY = (48, 96)


def sky(scene: Scene, palette: Palette) -> Image.Image:
    """Return a small picture of the sky: a gradient down to the horizon, and clouds."""
    height, width = _SKY
    tint, cover, drift = scene.sky
    top, low, white = (np.array(palette.pick(n, tint)) for n in ("sky_top", "sky_low", "cloud"))
    down = np.clip(np.arange(height) / (height * scene.view.vanish_v), 0, 1)[:, None, None]
    colours = top + (low - top) * down**0.8
    rows = (np.arange(height) * 2 + int(drift * 512)) % SMOOTH.shape[0]
    columns = (np.arange(width) + int(drift * 7919)) % SMOOTH.shape[1]
    clouds = np.clip(SMOOTH[np.ix_(rows, columns)] * 0.5 + cover - 0.45, 0, 0.85)[..., None]
    clouds = clouds * (1 - 0.6 * down)
    return Image.fromarray((colours + (white - colours) * clouds).astype(np.uint8))


def draw_backdrop(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Draw far houses and trees along the horizon."""
    for left, right, tall, tree, tint in scene.backdrop:
        if tree:
            outline = _hills(canvas, left, right, tall, tint)
            canvas.fill(outline, shade(palette.pick("leaf", tint), 0.85), VEGETATION, FAR)
        else:
            a, b = canvas.at(left, -1, FAR), canvas.at(right, tall, FAR)
            box = [a, (b[0], a[1]), b, (a[0], b[1])]
            canvas.fill(box, palette.pick("facade", tint), BUILDING, FAR)


def _hills(canvas: Canvas, left: float, right: float, tall: float, tint: float) -> Points:
    places = np.linspace(0, 1, 9)
    tops = tall * (0.75 + 0.25 * np.sin(places * (9 + 8 * tint) + 40 * tint)) * np.sin(np.pi * places) ** 0.4
    outline = [canvas.at(left + (right - left) * p, y, FAR) for p, y in zip(places, tops, strict=True)]
    return [canvas.at(left, -1, FAR), *outline, canvas.at(right, -1, FAR)]


def draw_ground(canvas: Canvas, street: Street, palette: Palette) -> None:
    """Draw strips from outside inwards, then the road, the side street and its markings."""
    for strip in street.strips:
        entry = "lawn" if strip.kind == "verge" else strip.kind
        tint = street.surface if strip.kind != "verge" else 1 - street.surface
        band = _band(canvas, strip.x0, strip.x1)
        canvas.fill(band, palette.pick(entry, tint), _STRIP_LABELS[strip.kind], 0, GROUND)
    asphalt = palette.pick("road", street.surface)
    canvas.fill(_band(canvas, -street.half, street.half), asphalt, ROAD, 0, GROUND)
    _seams(canvas, street)
    if street.crossing:
        _side_street(canvas, street, palette)
    _markings(canvas, street, palette)
    for x, z, wide, dark in street.patches:
        _patch(canvas, (2 * x - 1) * street.half * 0.8, 5 + 25 * z, 0.4 + wide, 0.12 + 0.2 * dark)


def _depths(near: float, far: float) -> list[float]:
    return np.geomspace(near, far, _STEPS).tolist()


def _band(canvas: Canvas, x0: float, x1: float, near: float | None = None, far: float = FAR) -> Points:
    """Return the outline of the ground between x0 and x1 along the street."""
    depths = _depths(near or canvas.projection.near, far)
    return [canvas.at(x0, 0, z) for z in depths] + [canvas.at(x1, 0, z) for z in reversed(depths)]


def _quad(canvas: Canvas, x0: float, x1: float, z0: float, z1: float) -> Points:
    return [canvas.at(x0, 0, z0), canvas.at(x1, 0, z0), canvas.at(x1, 0, z1), canvas.at(x0, 0, z1)]


def _seams(canvas: Canvas, street: Street) -> None:
    """Draw the joints of the sidewalks' slabs near the camera."""
    for strip in street.strips:
        if strip.kind == "sidewalk":
            for z in range(4, 30, 2):
                wide = 0.02 + 0.0015 * z
                canvas.glaze(_quad(canvas, strip.x0, strip.x1, z, z + wide), (0, 0, 0), 0.18)


def _side_street(canvas: Canvas, street: Street, palette: Palette) -> None:
    near, far = street.crossing
    for side in street.crossing_sides:
        walk = _quad(canvas, side * street.half, side * 90, near - 2, far + 2)
        canvas.fill(walk, palette.pick("sidewalk", street.surface), SIDEWALK, 0, GROUND)
        road = _quad(canvas, side * (street.half - 0.3), side * 90, near, far)
        canvas.fill(road, palette.pick("road", street.surface), ROAD, 0, GROUND)
        stop = _quad(canvas, side * (street.half + 1.2), side * (street.half + 1.7), near, far)
        canvas.paint(stop, palette.pick("marking", 0))
    if street.zebra:
        paint = palette.pick("marking", 0)
        for x in np.arange(-street.half + 0.3, street.half - 0.5, 1.0).tolist():
            canvas.paint(_quad(canvas, x, x + 0.5, street.zebra, street.zebra + 3), paint)


def _markings(canvas: Canvas, street: Street, palette: Palette) -> None:
    paint = palette.pick("marking", street.surface)
    clear = (street.zebra - 1, street.crossing[1] + 1) if street.zebra else street.crossing or (0, 0)

    def free(z0: float, z1: float) -> bool:
        return z1 < clear[0] or z0 > clear[1]

    if street.centre_line == "dashed":
        for z in (2.5 + 6 * np.arange(11) + 3 * street.surface).tolist():
            if free(z, z + 3):
                canvas.paint(_quad(canvas, -0.09, 0.09, z, z + 3), paint)
    if street.centre_line != "none":
        lines = [-0.09] if street.centre_line == "solid" else []
        for x in [*lines, -street.half + 0.35, street.half - 0.47]:
            for z0, z1 in ((canvas.projection.near, clear[0]), (max(clear[1], canvas.projection.near), 70)):
                if z1 > z0 + 1:
                    canvas.paint(_band(canvas, x, x + 0.13, z0, z1), paint)


def _patch(canvas: Canvas, x: float, z: float, half: float, strength: float) -> None:
    canvas.glaze(_quad(canvas, x - half / 2, x + half / 2, z, z + 3 * half), (20, 20, 24), strength)
