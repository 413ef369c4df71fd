"""Samples what moves on a street: cars, buses and pedestrians."""

import numpy as np

from fada_lib.data.world.district import District
from fada_lib.data.world.perspective import View
from fada_lib.data.world.things import Person, Strip, Vehicle

_CAR_SIZES = {"hatch": (1.75, 1.5, 4.0), "sedan": (1.8, 1.42, 4.6), "van": (1.9, 1.85, 4.8)}
_SIDES = (-1, 1)
_ACROSS = ("left", "right")


def sample_vehicles(
    rng: np.random.Generator, place: District, view: View, half: float, crossing: tuple[float, float] | None
) -> list[Vehicle]:
    """Return parked, moving and crossing cars and perhaps a bus, none inside another."""
    found: list[Vehicle] = []
    if rng.random() < place.bus_share:
        z = place.car_near + rng.uniform(2, 26)
        side = _SIDES[rng.integers(2)]
        found.append(_vehicle(rng, "bus", side * half * 0.5, z, "away" if side > 0 else "oncoming"))
    for _ in range(rng.poisson(place.moving)):
        side = _SIDES[rng.integers(2)]
        z = place.car_near + 45 * rng.random() ** 1.3
        found.append(_vehicle(rng, _shape(rng), side * half * 0.45, z, "away" if side > 0 else "oncoming"))
    for side in _SIDES:
        for _ in range(rng.poisson(place.parked * 0.6)):
            z = place.car_near + rng.uniform(-3, 55)
            x = side * (half - 0.95)
            if z > 14 or abs(x - view.x) > 2.4:
                found.append(_vehicle(rng, _shape(rng), x, z, "away" if side > 0 else "oncoming"))
    if crossing and rng.random() < 0.5:
        shape = "bus" if rng.random() < 0.15 else _shape(rng)
        found.append(_vehicle(rng, shape, rng.uniform(-9, 9), crossing[0] + 2, _ACROSS[rng.integers(2)]))
    return _without_overlap(found)


def _shape(rng: np.random.Generator) -> str:
    return ("hatch", "sedan", "van")[rng.choice(3, p=(0.4, 0.35, 0.25))]


def _vehicle(rng: np.random.Generator, shape: str, x: float, z: float, heading: str) -> Vehicle:
    width, height, length = (2.5, 3.1, 11.0) if shape == "bus" else _CAR_SIZES[shape]
    scale = rng.uniform(0.94, 1.08)
    return Vehicle(
        shape, x, z, width * scale, height * scale, length * scale, heading, rng.random(), rng.random() < 0.4
    )


def _without_overlap(vehicles: list[Vehicle]) -> list[Vehicle]:
    """Keep each vehicle that stands clear of those kept before it."""
    kept: list[Vehicle] = []
    for vehicle in vehicles:
        left, right, near, far = _footprint(vehicle)
        if all(left > r or right < le or near > f or far < n for le, r, n, f in map(_footprint, kept)):
            kept.append(vehicle)
    return kept


def _footprint(vehicle: Vehicle) -> tuple[float, float, float, float]:
    wide, deep = vehicle.width, vehicle.length
    if vehicle.heading in _ACROSS:
        wide, deep = deep, wide
    return vehicle.x - wide / 2, vehicle.x + wide / 2, vehicle.z - 0.7, vehicle.z + deep + 0.7


def sample_persons(
    rng: np.random.Generator, place: District, view: View, strips: list[Strip], half: float
) -> list[Person]:
    """Return pedestrians, most on sidewalks, some in pairs, a few crossing the road."""
    found: list[Person] = []
    walks = [strip for strip in strips if strip.kind == "sidewalk"]
    for _ in range(rng.poisson(place.persons / 1.3)):
        z = place.person_near + 24 * rng.random() ** 1.4
        if rng.random() < 0.15:
            x = rng.uniform(-half, half)
        else:
            walk = walks[rng.integers(len(walks))]
            x = walk.x0 + (walk.x1 - walk.x0) * rng.uniform(0.3, 0.95)
        for _ in range(1 + (rng.random() < 0.3)):
            if abs(x - view.x) > 1.0 or z > 9:
                found.append(_person(rng, x, z))
            x, z = x + rng.choice((-0.6, 0.6)), z + rng.uniform(-0.5, 0.5)
    return found


def _person(rng: np.random.Generator, x: float, z: float) -> Person:
    tints = tuple(rng.random(4))
    height = rng.uniform(1.0, 1.4) if rng.random() < 0.12 else rng.uniform(1.58, 1.9)
    return Person(x, z, height, rng.uniform(-1, 1), rng.random() < 0.2, tints)
