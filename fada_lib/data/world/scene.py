"""Samples a street: where everything stands, drawn from a district's distribution."""

from dataclasses import replace

import numpy as np

from fada_lib.data.world.district import District, district
from fada_lib.data.world.perspective import View
from fada_lib.data.world.things import (
    Barrier,
    Bin,
    Building,
    Person,
    Pole,
    Scene,
    Street,
    Strip,
    Thing,
    Tree,
    Vehicle,
)
from fada_lib.data.world.traffic import sample_persons, sample_vehicles

LAST_PLOT = 115.0
BAND = 12.0

Layered = list[tuple[int, float, Thing]]
"""(layer, depth, thing): of two things in one band of depths the one in the lower layer is drawn first."""

PLOTS, GARDENS, BARRIERS, STREET = range(4)


def sample_scene(rng: np.random.Generator, label_shift: float) -> Scene:
    """Draw a scene from the distribution at `label_shift` (0..1), fixed by the generator's state."""
    place = district(label_shift)
    view, half = _view(rng, place), place.road_half * rng.uniform(0.8, 1.25)
    crossing = _crossing(rng, place)
    crossing_sides = ((-1,), (1,), (-1, 1))[rng.integers(3)] if crossing else ()
    strips: list[Strip] = []
    layered: Layered = []
    for side in (-1, 1):
        verge = place.verge * rng.uniform(0.6, 1.5) if rng.random() < place.verge_share else 0.0
        walk = place.sidewalk * rng.uniform(0.7, 1.3)
        line = half + verge + walk
        lawn = rng.random() < place.lawn_share
        strips += _side_strips(side, half, verge, line, lawn)
        gap = crossing if side in crossing_sides else None
        layered += _plots(rng, place, side, line, gap)
        layered += _roadside(rng, place, view, side, half, verge, walk, gap)
    layered += [(STREET, v.z, v) for v in sample_vehicles(rng, place, view, half, crossing)]
    layered += [(STREET, p.z, p) for p in sample_persons(rng, place, view, strips, half)]
    layered.sort(key=lambda item: (-int(item[1] / BAND), item[0], -item[1]))
    street = Street(
        strips=tuple(sorted(strips, key=lambda s: -abs(s.x0 + s.x1))),
        half=half,
        surface=rng.random(),
        centre_line=("dashed", "solid", "none")[rng.choice(3, p=(0.6, 0.2, 0.2))],
        crossing=crossing,
        crossing_sides=crossing_sides,
        zebra=crossing[0] - rng.uniform(4, 6) if crossing and rng.random() < 0.6 else None,
        patches=tuple(tuple(p) for p in rng.random((rng.integers(0, 4), 4))),
    )
    return Scene(
        view=view,
        street=street,
        backdrop=_backdrop(rng, place),
        things=tuple(thing for _, _, thing in layered),
        sky=tuple(rng.random(3)),
        texture=(int(rng.integers(1 << 16)), int(rng.integers(1 << 16))),
    )


def without(scene: Scene, missing_class: str) -> Scene:
    """The same scene without anything of a class, see `WorldSpec.missing_class`; all else stays where it is."""
    return replace(scene, things=tuple(thing for thing in scene.things if _class_of(thing) != missing_class))


def _class_of(thing: Thing) -> str | None:
    """The class that a thing brings into a picture, of those that a world may lack."""
    match thing:
        case Vehicle(shape=shape):
            return "bus" if shape == "bus" else "car"
        case Person():
            return "person"
        case Barrier(hedge=False):
            return "fence"
        case Pole(kind="round" | "triangle" | "square" | "board"):
            return "traffic sign"
    return None


def _view(rng: np.random.Generator, place: District) -> View:
    return View(
        focal=rng.uniform(0.68, 0.86),
        vanish_u=rng.uniform(0.32, 0.68),
        vanish_v=rng.uniform(0.46, 0.58),
        eye=place.eye * rng.uniform(0.85, 1.2),
        x=place.road_half * place.camera_x * rng.uniform(0.6, 1.4),
        bend=float(np.clip(rng.normal(0, 0.0011), -0.0025, 0.0025)),
        hill=rng.uniform(-0.00008, 0.0003),
    )


def _crossing(rng: np.random.Generator, place: District) -> tuple[float, float] | None:
    near, wide = rng.uniform(14, 45), rng.uniform(5, 8)
    return (near, near + wide) if rng.random() < place.crossing_share else None


def _side_strips(side: int, half: float, verge: float, line: float, lawn: bool) -> list[Strip]:
    """Return the ground of one side from outside inwards; the road itself is drawn between the sides."""
    strips = [
        Strip("lawn" if lawn else "paving", side * line, side * 90),
        Strip("sidewalk", side * half, side * line),
    ]
    if verge:
        strips.append(Strip("verge", side * half, side * (half + verge)))
    strips.append(Strip("kerb", side * half, side * (half + 0.2)))
    return strips


def _plots(
    rng: np.random.Generator, place: District, side: int, line: float, gap: tuple[float, float] | None
) -> Layered:
    """Return buildings, gardens, hedges and fences of one side, leaving out a side street."""
    found: Layered = []
    z = rng.uniform(-8, 0)
    while z < LAST_PLOT:
        length = rng.uniform(8, 16)
        if gap and z < gap[1] + 2 and z + length > gap[0] - 2:
            length = min(length, gap[0] - 2 - z)
            if length < 5:
                z = gap[1] + 2
                continue
        end = z + length
        setback = place.setback * rng.uniform(0.5, 1.5)
        if end > 2:
            if rng.random() < place.building_share:
                house = _building(rng, place, side, line + setback, max(z, 1.5), end)
                found.append((PLOTS, end, house))
                trees = rng.poisson(place.garden_trees * min(1.0, setback / 5))
            else:
                setback, trees = 16.0, rng.poisson(place.garden_trees * 1.5)
            for _ in range(trees if setback > 1.5 else 0):
                tree = _tree(rng, place, side * (line + rng.uniform(1.2, setback)), max(3.0, rng.uniform(z, end)))
                found.append((GARDENS, tree.z, tree))
            found += _barrier(rng, place, side, line, max(z, 2.0), end)
        z = end + place.gap * rng.uniform(0, 2)
    return found


def _building(rng: np.random.Generator, place: District, side: int, x: float, z0: float, z1: float) -> Building:
    tall = place.height_low + (place.height_high - place.height_low) * rng.random() ** 1.2
    return Building(
        side=side,
        x=side * x,
        z0=z0,
        z1=z1,
        deep=rng.uniform(8, 14),
        height=tall,
        roof=rng.uniform(2.0, 3.6) if rng.random() < place.pitched_share else 0.0,
        floor=rng.uniform(2.8, 3.6),
        bay=rng.uniform(2.2, 3.6),
        shop=rng.random() < 0.6 and tall > 7.5,
        tint=rng.random(),
        lumps=rng.random(24),
    )


def _tree(rng: np.random.Generator, place: District, x: float, z: float) -> Tree:
    bush, conifer = rng.random() < 0.2, rng.random() < 0.15
    height = place.tree_height * rng.uniform(0.65, 1.4) * (0.25 if bush else 1.0)
    return Tree(
        x=x,
        z=z,
        height=height,
        spread=height * (rng.uniform(0.55, 0.9) if bush else rng.uniform(0.26, 0.42)),
        clear=0.0 if bush else height * (0.1 if conifer else rng.uniform(0.25, 0.4)),
        conifer=conifer and not bush,
        tint=rng.random(),
        lumps=rng.random(24),
    )


def _barrier(rng: np.random.Generator, place: District, side: int, line: float, z0: float, z1: float) -> Layered:
    draw = rng.random()
    if draw > place.hedge_share + place.fence_share or z1 - z0 < 1:
        return []
    hedge = draw < place.hedge_share
    barrier = Barrier(
        hedge=hedge,
        side=side,
        x=side * (line + 0.2),
        z0=z0,
        z1=z1,
        height=rng.uniform(0.9, 1.9),
        pitch=rng.uniform(0.25, 0.6),
        tint=rng.random(),
        lumps=rng.random(24),
    )
    return [(BARRIERS, z1, barrier)]


def _roadside(
    rng: np.random.Generator,
    place: District,
    view: View,
    side: int,
    half: float,
    verge: float,
    walk: float,
    gap: tuple[float, float] | None,
) -> Layered:
    """Return street trees, poles, signs and bins of one side, clear of a side street and of the camera."""
    found: Layered = []

    def depths(per_100: float, first: float, span: float) -> list[float]:
        drawn = rng.uniform(first, span, rng.poisson(per_100 * (span - first) / 100))
        return [z for z in drawn if not (gap and gap[0] - 1 < z < gap[1] + 1)]

    def clear(x: float, z: float) -> bool:
        return abs(x - view.x) > 1.5 or z > 12

    kerb = side * (half + 0.5)
    for z in depths(place.street_trees, 7, 80):
        tree = _tree(rng, place, side * (half + max(0.6, verge / 2)), z)
        found.append((STREET, z, tree))
    for z in depths(place.poles, 6, 50):
        kind = "lamp" if rng.random() < 0.7 else "mast"
        found.append((STREET, z, Pole(side, kerb, z, rng.uniform(5, 8.5), kind, 0.0, rng.random())))
    for z in depths(place.signs, 6, 40):
        kind = ("round", "triangle", "square", "board")[rng.integers(4)]
        post = Pole(side, kerb, z, rng.uniform(2.3, 3.2), kind, rng.uniform(0.8, 1.3), rng.random())
        found.append((STREET, z, post))
    for z in depths(place.bins, 5, 50):
        found.append((STREET, z, Bin(side * (half + walk * 0.85), z, rng.uniform(0.7, 1.2), rng.random())))
    return [item for item in found if clear(item[2].x, item[1])]


def _backdrop(rng: np.random.Generator, place: District) -> tuple[tuple[float, float, float, bool, float], ...]:
    """Return far silhouettes (left, right, height, is_tree, tint), x and height in metres at depth FAR."""
    shapes = []
    x = -160.0
    while x < 160:
        wide = rng.uniform(8, 26)
        tree = rng.random() < place.far_trees
        tall = place.tree_height * rng.uniform(0.8, 1.7) if tree else place.height_high * rng.uniform(0.4, 1.3)
        if rng.random() < 0.85:
            shapes.append((x, x + wide, tall, tree, rng.random()))
        x += wide * rng.uniform(0.6, 1.0)
    return tuple(shapes)
