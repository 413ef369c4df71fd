"""The surface that a scene is drawn on: colours, labels, depth and facing of every pixel at once."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from fada_lib.data.world.perspective import FAR, Projection, View

STATIC, ROAD, SIDEWALK, BUILDING, FENCE, POLE, SIGN = 4, 7, 8, 11, 13, 17, 20
VEGETATION, TERRAIN, SKY, PERSON, CAR, BUS = 21, 22, 23, 24, 26, 28

OPEN, GROUND, FACES_RIGHT, FACES_LEFT, FACES_CAMERA = range(5)
"""What a surface faces, for the camera's directional light; `GROUND` also means: depth follows the row."""

SUPERSAMPLING = 2
Points = list[tuple[float, float]]
Box = tuple[float, float, float, float]
Colour = tuple[int, int, int]


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour made brighter (factor > 1) or darker (factor < 1)."""
    r, g, b = colour
    return min(255, int(r * factor)), min(255, int(g * factor)), min(255, int(b * factor))


@dataclass(frozen=True)
class Drawing:
    """What a canvas yields, all arrays aligned pixel by pixel.

    Parameters
    ----------
    image : ndarray (H, W, 3) uint8
    labels : ndarray (H, W) uint8
        Cityscapes label ids.
    depth : ndarray (H, W) float32
        Metres, `FAR` for the sky.
    facing : ndarray (H, W) uint8
        `OPEN`, `GROUND`, `FACES_RIGHT`, `FACES_LEFT` or `FACES_CAMERA`.
    ground_x, ground_z : ndarray (H, W) and (H, 1) float32
        Where the line of sight of a pixel meets the ground, in metres.
    """

    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    facing: np.ndarray
    ground_x: np.ndarray
    ground_z: np.ndarray


class Canvas:
    """Draws in metres, far things first, at twice the final size.

    Parameters
    ----------
    view : View
    height, width : int
        Final size in pixels.
    sky : PIL.Image.Image
        Background of any size, RGB.
    """

    def __init__(self, view: View, height: int, width: int, sky: Image.Image) -> None:
        size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.final = Projection(view, height, width)
        self.projection = Projection(view, size[1], size[0])
        self.at, self.pixels = self.projection.at, self.projection.pixels
        self._image = sky.resize(size, Image.Resampling.BILINEAR)
        self._codes = Image.new("I", size, _code(SKY, FAR, OPEN))
        self._ink = ImageDraw.Draw(self._image)
        self._glaze = ImageDraw.Draw(self._image, "RGBA")
        self._mark = ImageDraw.Draw(self._codes)

    def fill(self, points: Points, colour: Colour, label: int, z: float, facing: int = OPEN) -> None:
        """Fill a polygon with a colour and a label at depth z."""
        self._ink.polygon(points, colour)
        self._mark.polygon(points, _code(label, z, facing))

    def paint(self, points: Points, colour: Colour) -> None:
        """Fill a polygon with a colour only: a detail of what it lies on."""
        self._ink.polygon(points, colour)

    def claim(self, points: Points, label: int, z: float) -> None:
        """Give a polygon a label at depth z and leave its colours, as annotators do with a fence."""
        self._mark.polygon(points, _code(label, z, OPEN))

    def glaze(self, points: Points, colour: Colour, strength: float) -> None:
        """Blend a polygon towards a colour, strength 0..1."""
        self._glaze.polygon(points, (*colour, int(255 * strength)))

    def shadow(self, x: float, z: float, half_width: float, half_length: float, strength: float) -> None:
        """Darken an ellipse on the ground around (x, z), strength 0..1."""
        (u0, _), (u1, _) = self.at(x - half_width, 0, z), self.at(x + half_width, 0, z)
        v0 = self.at(x, 0, z + half_length)[1]
        v1 = self.at(x, 0, max(z - half_length, 0.6 * z))[1]
        self._glaze.ellipse((u0, min(v0, v1 - 1), u1, v1), (0, 0, 0, int(255 * strength)))

    def disc(self, box: Box, colour: Colour, label: int | None, z: float) -> None:
        """Fill the ellipse in a pixel box (left, top, right, bottom); label None colours it only."""
        self._ink.ellipse(box, colour)
        if label is not None:
            self._mark.ellipse(box, _code(label, z, OPEN))

    def stroke(self, points: Points, colour: Colour, metres: float, label: int | None, z: float) -> None:
        """Draw a line `metres` thick at depth z, never thinner than one and a half final pixels."""
        width = max(3 * SUPERSAMPLING // 2, round(self.pixels(metres, z)))
        self._ink.line(points, colour, width)
        if label is not None:
            self._mark.line(points, _code(label, z, OPEN), width)

    def hairline(self, points: Points, colour: Colour) -> None:
        """Draw the thinnest line the canvas knows, colour only."""
        self._ink.line(points, colour, 1)

    def finish(self) -> Drawing:
        """Average the colours and take the majority of the labels of each 2 x 2 block."""
        image = np.asarray(self._image.reduce(SUPERSAMPLING))
        codes = _majority(np.asarray(self._codes))
        facing = (codes >> 6 & 7).astype(np.uint8)
        rows = self.final.ground_depth()
        depth = np.where(facing == GROUND, rows[:, None], (codes >> 9).astype(np.float32) / 10)
        ground_x = self.final.ground_x(rows).astype(np.float32)
        return Drawing(image, (codes & 63).astype(np.uint8), depth, facing, ground_x, rows[:, None])


def _code(label: int, z: float, facing: int) -> int:
    return label | facing << 6 | int(10 * min(z, FAR)) << 9


def _majority(codes: np.ndarray) -> np.ndarray:
    """Return the code of the most frequent label of each 2 x 2 block, ties to the upper left."""
    a, b, c, d = (codes[i::2, j::2] for i in (0, 1) for j in (0, 1))
    la, lb, lc, ld = a & 63, b & 63, c & 63, d & 63
    alone = (la != lb) & (la != lc) & (la != ld)
    chosen = np.where(alone & ((lb == lc) | (lb == ld)), b, a)
    return np.where(alone & (lb != lc) & (lb != ld) & (lc == ld), c, chosen)
