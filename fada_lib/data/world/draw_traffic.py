"""Draws cars, buses and pedestrians."""

from collections.abc import Callable
from itertools import pairwise

from fada_lib.data.world.canvas import BUS, CAR, FACES_CAMERA, OPEN, PERSON, Canvas, Colour, Points, shade
from fada_lib.data.world.palettes import Palette
from fada_lib.data.world.things import Person, Vehicle

# Side outlines from the rear (0) to the front (1) of a vehicle, heights as shares of its height.
_OUTLINES = {
    "sedan": (
        (0, 0.2),
        (0, 0.62),
        (0.03, 0.7),
        (0.18, 0.72),
        (0.32, 1),
        (0.6, 1),
        (0.75, 0.7),
        (0.97, 0.6),
        (1, 0.2),
    ),
    "hatch": ((0, 0.2), (0, 0.6), (0.07, 0.96), (0.12, 1), (0.55, 1), (0.72, 0.68), (0.97, 0.58), (1, 0.2)),
    "van": ((0, 0.18), (0, 0.62), (0.04, 0.98), (0.7, 1), (0.85, 0.62), (0.98, 0.52), (1, 0.18)),
    "bus": ((0, 0.1), (0, 0.6), (0, 0.97), (0.02, 1), (0.98, 1), (1, 0.97), (1, 0.5), (1, 0.1)),
}
_GLASS = {
    "sedan": ((0.24, 0.73), (0.34, 0.95), (0.59, 0.95), (0.71, 0.73)),
    "hatch": ((0.07, 0.7), (0.12, 0.94), (0.54, 0.94), (0.67, 0.7)),
    "van": ((0.07, 0.62), (0.09, 0.92), (0.68, 0.92), (0.8, 0.64)),
}
_SIDES = {"away": False, "oncoming": True}

SidePoint = Callable[[float, float], tuple[float, float]]


def draw_vehicle(canvas: Canvas, vehicle: Vehicle, palette: Palette) -> None:
    """Draw a vehicle as a solid: its top surfaces far to near, the visible side, and the near end."""
    label = BUS if vehicle.shape == "bus" else CAR
    body = palette.pick("bus" if label == BUS else "car", vehicle.tint)
    if vehicle.heading in _SIDES:
        _lengthwise(canvas, vehicle, label, body, palette)
    else:
        _crosswise(canvas, vehicle, label, body, palette)


def _lengthwise(canvas: Canvas, car: Vehicle, label: int, body: Colour, palette: Palette) -> None:
    centre = car.z + car.length / 2
    canvas.shadow(car.x, centre, car.width * 0.56, car.length * 0.53, 0.55)
    flip = _SIDES[car.heading]
    outline = [((1 - s if flip else s) * car.length + car.z, y) for s, y in _OUTLINES[car.shape]]
    if flip:
        outline.reverse()
    glass = palette.pick("car_glass", car.tint)
    # the lowest edge of the near end up and over to the far end, drawn from the far end
    for (za, ya), (zb, yb) in reversed(list(pairwise(outline))):
        ha, hb = _half(car, ya), _half(car, yb)
        quad = [
            canvas.at(car.x - ha, ya * car.height, za),
            canvas.at(car.x + ha, ya * car.height, za),
            canvas.at(car.x + hb, yb * car.height, zb),
            canvas.at(car.x - hb, yb * car.height, zb),
        ]
        tone = 1.12 if abs(yb - ya) < 0.12 else 0.9
        canvas.fill(quad, shade(body, tone), label, za, FACES_CAMERA if abs(yb - ya) > 0.12 else OPEN)
        if yb > 0.9 and yb - ya > 0.2:
            canvas.paint(_shrunk(quad, 0.84, 0.8), glass)
    _side_of(canvas, car, label, shade(body, 0.78), palette)
    _near_end(canvas, car, body, palette)


def _half(car: Vehicle, y: float) -> float:
    """Return half the width at relative height y: a car's cabin is narrower than its body."""
    return car.width / 2 * (1.0 if car.shape == "bus" else 1 - 0.2 * max(0.0, (y - 0.6) / 0.4))


def _shrunk(points: Points, across: float, along: float) -> Points:
    u, v = (sum(p[i] for p in points) / len(points) for i in (0, 1))
    return [(u + (p[0] - u) * across, v + (p[1] - v) * along) for p in points]


def _side_of(canvas: Canvas, car: Vehicle, label: int, body: Colour, palette: Palette) -> None:
    """Draw the long side that faces the camera, unless the vehicle is right ahead."""
    offset = car.x - canvas.projection.view.x
    if abs(offset) < car.width / 2:
        return
    inner = -1 if offset > 0 else 1
    flip = _SIDES[car.heading]

    def place(s: float, y: float) -> tuple[float, float]:
        z = car.z + (1 - s if flip else s) * car.length
        return canvas.at(car.x + inner * _half(car, y), y * car.height, z)

    _profile(canvas, car, label, body, palette, place, car.z + car.length / 2)


def _crosswise(canvas: Canvas, car: Vehicle, label: int, body: Colour, palette: Palette) -> None:
    canvas.shadow(car.x, car.z + car.width / 2, car.length * 0.53, car.width * 0.6, 0.5)
    direction = 1 if car.heading == "right" else -1

    def place(s: float, y: float) -> tuple[float, float]:
        return canvas.at(car.x + direction * (s - 0.5) * car.length, y * car.height, car.z)

    def behind(s: float, y: float) -> tuple[float, float]:
        return canvas.at(car.x + direction * (s - 0.5) * car.length, y * car.height, car.z + car.width)

    canvas.fill([behind(s, y) for s, y in _OUTLINES[car.shape]], shade(body, 1.1), label, car.z)
    _profile(canvas, car, label, body, palette, place, car.z)


def _profile(
    canvas: Canvas,
    car: Vehicle,
    label: int,
    body: Colour,
    palette: Palette,
    place: SidePoint,
    z: float,
) -> None:
    """Draw a long side: outline, windows and wheels."""
    canvas.fill([place(s, y) for s, y in _OUTLINES[car.shape]], body, label, z)
    glass = palette.pick("car_glass", car.tint)
    if car.shape == "bus":
        for i in range(7):
            a, b = 0.03 + 0.137 * i, 0.03 + 0.137 * i + 0.12
            low = 0.14 if i == 5 else 0.45
            canvas.paint([place(a, low), place(b, low), place(b, 0.84), place(a, 0.84)], glass)
    else:
        canvas.paint([place(s, y) for s, y in _GLASS[car.shape]], glass)
        canvas.hairline([place(0.44, 0.3), place(0.44, 0.95)], shade(body, 0.8))
    radius = 0.16 if car.shape == "bus" else 0.22
    for s in (0.2, 0.8):
        reach = radius * car.height / car.length
        (ul, _), (ur, _) = place(s - reach, 0), place(s + reach, 0)
        vb, vt = place(s, 0)[1], place(s, 2 * radius)[1]
        box = (min(ul, ur), min(vt, vb - 1), max(ul, ur, min(ul, ur) + 1), vb)
        canvas.disc(box, palette.pick("tyre", 0), label, z)
        du, dv = 0.27 * (box[2] - box[0]), 0.27 * (box[3] - box[1])
        rim = (box[0] + du, box[1] + dv, box[2] - du, box[3] - dv)
        if rim[2] - rim[0] > 1.5:
            canvas.disc(rim, palette.pick("rim", car.tint), None, z)


def _near_end(canvas: Canvas, car: Vehicle, body: Colour, palette: Palette) -> None:
    """Draw wheels, bumper, lights, number plate and a bus's window on the end at z."""

    def box(x0: float, x1: float, y0: float, y1: float) -> Points:
        a = canvas.at(car.x + x0 * car.width, y0 * car.height, car.z)
        b = canvas.at(car.x + x1 * car.width, y1 * car.height, car.z)
        return [a, (b[0], a[1]), b, (a[0], b[1])]

    tyre = palette.pick("tyre", 0)
    label = BUS if car.shape == "bus" else CAR
    for x in (-0.46, 0.28):
        canvas.fill(box(x, x + 0.18, 0, 0.22), tyre, label, car.z)
    canvas.paint(box(-0.48, 0.48, 0.16, 0.27), shade(body, 0.5))
    if car.shape == "bus":
        canvas.paint(box(-0.44, 0.44, 0.45, 0.86), palette.pick("car_glass", car.tint))
        canvas.paint(box(-0.25, 0.25, 0.89, 0.96), (240, 190, 60))
    front = car.heading == "oncoming"
    lamp = (250, 246, 226) if front else ((236, 48, 40) if car.lights else (150, 26, 28))
    y = 0.28 if car.shape == "bus" else 0.42
    for x in (-0.47, 0.31):
        canvas.paint(box(x, x + 0.16, y, y + 0.12), lamp)
    if front:
        canvas.paint(box(-0.26, 0.26, y, y + 0.1), (38, 40, 44))
    canvas.paint(box(-0.13, 0.13, 0.29, 0.36), (226, 226, 220))


def draw_person(canvas: Canvas, person: Person, palette: Palette) -> None:
    """Draw a pedestrian: shadow, legs or skirt, arms, body, head and hair."""
    x, z, tall = person.x, person.z, person.height
    shirt, legs, skin, hair = (
        palette.pick(entry, tint)
        for entry, tint in zip(("shirt", "trousers", "skin", "hair"), person.tints, strict=True)
    )
    canvas.shadow(x, z, 0.35, 0.25, 0.4)

    def at(dx: float, y: float) -> tuple[float, float]:
        return canvas.at(x + dx * tall, y * tall, z)

    spread = 0.13 * person.stride
    for foot in (-spread - 0.035, spread + 0.035):
        tone = legs if foot > 0 else shade(legs, 0.8)
        canvas.stroke([at(foot, 0.02), at(foot * 0.3, 0.5)], tone, 0.085 * tall, PERSON, z)
    if person.skirt:
        canvas.fill([at(-0.13, 0.27), at(0.13, 0.27), at(0.07, 0.55), at(-0.07, 0.55)], legs, PERSON, z)
    swing = 0.09 * person.stride
    for hand in (-0.13 - swing, 0.13 - swing):
        canvas.stroke([at(hand * 0.8, 0.78), at(hand, 0.47)], shade(shirt, 0.85), 0.055 * tall, PERSON, z)
    canvas.fill([at(-0.09, 0.46), at(0.09, 0.46), at(0.115, 0.82), at(-0.115, 0.82)], shirt, PERSON, z)
    u, v = at(0, 0.91)
    r = max(1.2, canvas.pixels(0.066 * tall, z))
    canvas.disc((u - r, v - 1.25 * r, u + r, v + 1.25 * r), skin, PERSON, z)
    canvas.disc((u - r, v - 1.3 * r, u + r, v - 0.1 * r), hair, None, z)
