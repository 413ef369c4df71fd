"""Draws fences, poles, lamps, traffic signs and bins."""

import numpy as np

from fada_lib.data.world.canvas import FENCE, POLE, SIGN, STATIC, Canvas, shade
from fada_lib.data.world.palettes import Palette
from fada_lib.data.world.things import Barrier, Bin, Pole


def draw_fence(canvas: Canvas, fence: Barrier, palette: Palette) -> None:
    """Draw slats and two rails; the gaps show what is behind but count as fence."""
    colour = palette.pick("fence", fence.tint)
    x, z0, z1, tall = fence.x, fence.z0, fence.z1, fence.height
    outline = [canvas.at(x, 0, z0), canvas.at(x, 0, z1), canvas.at(x, tall, z1), canvas.at(x, tall, z0)]
    middle = (z0 + z1) / 2
    canvas.claim(outline, FENCE, middle)
    canvas.glaze(outline, shade(colour, 0.7), 0.45)
    for y in (0.25 * tall, 0.85 * tall):
        rail = [
            canvas.at(x, y, z0),
            canvas.at(x, y, z1),
            canvas.at(x, y + 0.1, z1),
            canvas.at(x, y + 0.1, z0),
        ]
        canvas.paint(rail, shade(colour, 0.9))
    z = z0
    while z < z1:
        step = max(fence.pitch, 0.0016 * z * z)
        a, b = canvas.at(x, 0, z), canvas.at(x, tall, z + 0.55 * step)
        if b[1] < a[1]:
            canvas.paint([a, (b[0], a[1]), b, (a[0], b[1])], colour)
        z += step


def draw_pole(canvas: Canvas, pole: Pole, palette: Palette) -> None:
    """Draw a pole with a lamp on an arm, a traffic sign, or nothing on it."""
    colour = palette.pick("pole", pole.tint)
    z, top = pole.z, pole.height
    foot, head = canvas.at(pole.x, 0, z), canvas.at(pole.x, top, z)
    canvas.stroke([foot, head], colour, 0.22 if pole.kind in ("lamp", "mast") else 0.13, POLE, z)
    if pole.kind == "lamp":
        tip = canvas.at(pole.x - pole.side * 1.6, top + 0.15, z)
        canvas.stroke([head, tip], colour, 0.14, POLE, z)
        du, dv = max(3.0, canvas.pixels(0.45, z)), max(1.0, canvas.pixels(0.1, z))
        box = (tip[0] - du, tip[1] - dv, tip[0] + du, tip[1] + dv)
        canvas.disc(box, palette.pick("lamp", 0), POLE, z)
    elif pole.kind != "mast":
        _sign(canvas, pole, palette)


def _sign(canvas: Canvas, pole: Pole, palette: Palette) -> None:
    u, v = canvas.at(pole.x, pole.height, pole.z)
    r = max(2.5, canvas.pixels(pole.size / 2, pole.z))
    rim, face = palette.pick("sign_rim", pole.tint), palette.pick("sign_face", pole.tint)
    if pole.kind == "round":
        canvas.disc((u - r, v - r, u + r, v + r), rim, SIGN, pole.z)
        canvas.disc((u - 0.68 * r, v - 0.68 * r, u + 0.68 * r, v + 0.68 * r), face, None, pole.z)
        return
    shapes = {
        "triangle": ((-1.1, 0.9), (1.1, 0.9), (0, -1.0)),
        "square": ((-0.9, 0.9), (0.9, 0.9), (0.9, -0.9), (-0.9, -0.9)),
        "board": ((-1.7, 0.9), (1.7, 0.9), (1.7, -0.9), (-1.7, -0.9)),
    }
    shape = np.array(shapes[pole.kind])
    centre = shape.mean(axis=0)
    outer, inner = shape * r + (u, v), (centre + (shape - centre) * 0.66) * r + (u, v)
    canvas.fill(list(map(tuple, outer.tolist())), rim, SIGN, pole.z)
    canvas.paint(list(map(tuple, inner.tolist())), face)


def draw_bin(canvas: Canvas, bin_: Bin, palette: Palette) -> None:
    """Draw a bin or hydrant: a small upright body with a lid."""
    colour = palette.pick("bin", bin_.tint)
    half = bin_.height * 0.3
    canvas.shadow(bin_.x, bin_.z, half * 1.6, 0.4, 0.35)
    left, right = canvas.at(bin_.x - half, 0, bin_.z), canvas.at(bin_.x + half, bin_.height, bin_.z)
    body = [left, (right[0], left[1]), right, (left[0], right[1])]
    canvas.fill(body, colour, STATIC, bin_.z)
    lid = canvas.at(bin_.x, bin_.height * 0.8, bin_.z)[1]
    canvas.paint([(left[0], lid), (right[0], lid), right, (left[0], right[1])], shade(colour, 0.7))
