"""Draws buildings: walls in perspective with windows, doors, shops, cornices and roofs."""

from fada_lib.data.world.canvas import (
    BUILDING,
    FACES_CAMERA,
    FACES_LEFT,
    FACES_RIGHT,
    Canvas,
    Colour,
    Points,
    shade,
)
from fada_lib.data.world.palettes import Palette
from fada_lib.data.world.things import Building

_MARGIN = 8.0


def draw_building(canvas: Canvas, house: Building, palette: Palette) -> None:
    """Draw the wall that faces the camera, the roof, then the wall along the street."""
    if _out_of_sight(canvas, house):
        return
    wall = palette.pick("facade", house.tint)
    roof = palette.pick("roof", house.lumps[0])
    _front(canvas, house, shade(wall, 0.86), palette)
    if house.roof:
        _pitched_roof(canvas, house, roof)
    _street_wall(canvas, house, wall, palette)


def _out_of_sight(canvas: Canvas, house: Building) -> bool:
    far_edge = canvas.at(house.x, 0, house.z1)[0]
    return far_edge < -_MARGIN if house.side < 0 else far_edge > canvas.projection.width + _MARGIN


def _front(canvas: Canvas, house: Building, wall: Colour, palette: Palette) -> None:
    """Draw the end wall at z0, seen over lower or missing neighbours, with its gable and windows."""
    z, outer = house.z0, house.x + house.side * house.deep
    (u0, v0), (u1, v1) = canvas.at(house.x, -0.3, z), canvas.at(outer, house.height, z)
    outline = [(u0, v0), (u1, v0), (u1, v1)]
    if house.roof:
        outline.append(canvas.at((house.x + outer) / 2, house.height + house.roof, z))
    outline.append((u0, v1))
    canvas.fill(outline, wall, BUILDING, z, FACES_CAMERA)
    floors, bays = _floors(house), max(2, round(house.deep / house.bay / 1.3))
    if canvas.pixels(house.bay, z) < 5:
        return
    step = (u1 - u0) / bays
    for floor in range(floors):
        bottom, top = _sill(house, floor)
        va, vb = canvas.at(0, bottom, z)[1], canvas.at(0, top, z)[1]
        for bay in range(bays):
            ua, ub = u0 + step * (bay + 0.3), u0 + step * (bay + 0.7)
            canvas.paint([(ua, va), (ub, va), (ub, vb), (ua, vb)], _pane(house, palette, 7 * floor + bay + 3))


def _pitched_roof(canvas: Canvas, house: Building, roof: Colour) -> None:
    """Draw the slope towards the street, with eaves that stick out."""
    ridge, top = house.x + house.side * house.deep / 2, house.height + house.roof
    eave = house.x - house.side * 0.4
    slope = [
        canvas.at(eave, house.height - 0.15, house.z0),
        canvas.at(eave, house.height - 0.15, house.z1),
        canvas.at(ridge, top, house.z1),
        canvas.at(ridge, top, house.z0),
    ]
    canvas.fill(slope, roof, BUILDING, (house.z0 + house.z1) / 2, _street_facing(house))
    if house.lumps[1] > 0.5:
        z = house.z0 + (house.z1 - house.z0) * (0.2 + 0.5 * house.lumps[2])
        x = (house.x + ridge) / 2
        base, peak = canvas.at(x, house.height + 0.4 * house.roof, z), canvas.at(x, top + 0.7, z)
        wide = canvas.pixels(0.8, z)
        chimney = [base, (base[0] + wide, base[1]), (base[0] + wide, peak[1]), peak]
        canvas.fill(chimney, shade(roof, 0.75), BUILDING, z, FACES_CAMERA)


def _street_wall(canvas: Canvas, house: Building, wall: Colour, palette: Palette) -> None:
    z0, z1, top = house.z0, house.z1, house.height
    canvas.fill(_strip(canvas, house, -0.3, top, z0, z1), wall, BUILDING, (z0 + z1) / 2, _street_facing(house))
    canvas.paint(_strip(canvas, house, -0.3, 0.5, z0, z1), shade(wall, 0.72))
    trim = palette.pick("trim", house.lumps[3])
    if not house.roof:
        cornice = shade(wall, 0.7) if house.lumps[8] > 0.5 else trim
        canvas.paint(_strip(canvas, house, top - 0.5, top, z0, z1), cornice)
    for floor in range(int(house.shop), _floors(house)):
        _window_row(canvas, house, floor, trim, palette)
    if house.shop:
        _shop_front(canvas, house, palette)
    elif canvas.pixels(1, z0) > 4:
        door = z0 + (z1 - z0) * (0.25 + 0.4 * house.lumps[6])
        canvas.paint(_strip(canvas, house, 0, 2.4, door - 0.15, door + 1.35), trim)
        canvas.paint(_strip(canvas, house, 0, 2.2, door, door + 1.2), palette.pick("door", house.lumps[7]))


def _street_facing(house: Building) -> int:
    return FACES_RIGHT if house.side < 0 else FACES_LEFT


def _strip(canvas: Canvas, house: Building, y0: float, y1: float, za: float, zb: float) -> Points:
    """Return a rectangle on the street wall from height y0 to y1 and depth za to zb."""
    at, x = canvas.at, house.x
    return [at(x, y0, za), at(x, y0, zb), at(x, y1, zb), at(x, y1, za)]


def _window_row(canvas: Canvas, house: Building, floor: int, trim: Colour, palette: Palette) -> None:
    """Draw the windows of a floor, or one band of glass where they are too small to tell apart."""
    z0, length = house.z0, house.z1 - house.z0
    bays = max(2, round(length / house.bay))
    bottom, upper = _sill(house, floor)
    if abs(canvas.at(house.x, 0, z0)[0] - canvas.at(house.x, 0, house.z1)[0]) < 4 * bays:
        band = _strip(canvas, house, bottom, upper, z0 + 0.6, house.z1 - 0.6)
        canvas.paint(band, shade(_pane(house, palette, floor), 1.25))
        return
    step = length / bays
    share = 0.4 + 0.3 * house.lumps[11]
    for bay in range(bays):
        za = z0 + step * (bay + 0.5 - share / 2)
        zb = za + step * share
        if za < 2:
            continue
        large = canvas.pixels(1, za) > 9
        if large:
            canvas.paint(_strip(canvas, house, bottom - 0.15, upper + 0.12, za - 0.12, zb + 0.12), trim)
        canvas.paint(_strip(canvas, house, bottom, upper, za, zb), _pane(house, palette, 5 * floor + bay))
        if large:
            middle = (za + zb) / 2
            canvas.hairline([canvas.at(house.x, bottom, middle), canvas.at(house.x, upper, middle)], trim)
    if house.lumps[9] > 0.55 and canvas.pixels(1, z0) > 5:
        ledge = (floor + 1) * house.height / _floors(house) - 0.12
        canvas.paint(_strip(canvas, house, ledge, ledge + 0.2, z0, house.z1), shade(trim, 0.95))


def _shop_front(canvas: Canvas, house: Building, palette: Palette) -> None:
    """Draw a glazed ground floor with a sign board or an awning over the sidewalk."""
    z0, z1 = house.z0 + 0.4, house.z1 - 0.4
    lintel = house.height / _floors(house) - 0.3
    glass, colour = palette.pick("glass", house.lumps[4]), palette.pick("shop", house.lumps[5])
    canvas.paint(_strip(canvas, house, 0.5, lintel - 0.5, z0, z1), shade(glass, 0.8))
    panes = max(2, round((z1 - z0) / 2.2))
    for pane in range(panes):
        za = z0 + (z1 - z0) * pane / panes
        tone = 0.95 + 0.7 * house.lumps[(pane + 12) % 24]
        low = 0.1 if pane == panes // 2 else 0.7
        window = _strip(canvas, house, low, lintel - 0.7, za + 0.15, za + (z1 - z0) / panes - 0.15)
        canvas.paint(window, shade(glass, tone))
    canvas.paint(_strip(canvas, house, lintel - 0.5, lintel + 0.1, z0, z1), shade(colour, 0.85))
    if house.lumps[13] > 0.45:
        outer = house.x - house.side * 1.1
        awning = [
            canvas.at(house.x, lintel, z0),
            canvas.at(house.x, lintel, z1),
            canvas.at(outer, lintel - 0.8, z1),
            canvas.at(outer, lintel - 0.8, z0),
        ]
        canvas.fill(awning, colour, BUILDING, (z0 + z1) / 2)


def _floors(house: Building) -> int:
    return max(1, int(house.height / house.floor))


def _sill(house: Building, floor: int) -> tuple[float, float]:
    """Return the lower and upper edge of the windows of a floor."""
    pitch = house.height / _floors(house)
    low, high = 0.24 + 0.16 * house.lumps[12], 0.74 + 0.12 * house.lumps[14]
    return (floor + low) * pitch, (floor + high) * pitch


def _pane(house: Building, palette: Palette, number: int) -> Colour:
    lump = house.lumps[number % 24]
    glass = palette.pick("glass", house.lumps[10])
    return shade(glass, 1.7) if lump > 0.88 else shade(glass, 0.8 + 0.4 * lump)
