"""The distribution that streets are drawn from: a dense city, a leafy suburb, or between."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class District:
    """Parameters of a distribution of streets; lengths in metres, shares in 0..1.

    Parameters
    ----------
    eye : float
        Mean height of the camera.
    camera_x : float
        Mean place of the camera, in half road widths right of the middle.
    road_half : float
        Mean half width of the road.
    sidewalk : float
        Mean width of a sidewalk.
    verge_share, verge : float
        Share of street sides with a grass strip along the road, and its mean width.
    setback : float
        Mean depth of front gardens.
    lawn_share : float
        Share of street sides with grass, not paving, around the buildings.
    building_share : float
        Share of plots with a building on them; the others are parks, yards or lawns.
    height_low, height_high : float
        Range of building heights.
    pitched_share : float
        Share of buildings with a pitched roof.
    gap : float
        Mean gap between neighbouring buildings.
    street_trees, garden_trees : float
        Mean number of trees per 100 m of a street side, and per garden or open plot.
    tree_height : float
        Mean height of a tree.
    hedge_share, fence_share : float
        Share of plots with a hedge or a fence along the sidewalk.
    poles, signs, bins : float
        Mean number per 100 m of a street side.
    parked, moving : float
        Mean number of parked cars per 100 m of a street side, and of moving cars in view.
    car_near : float
        Depth before which no car stands.
    bus_share, crossing_share : float
        Share of scenes with a bus, and with a side street.
    persons, person_near : float
        Mean number of persons in view, and the depth before which none stands.
    far_trees : float
        Share of the far backdrop that is trees, not buildings.
    """

    eye: float
    camera_x: float
    road_half: float
    sidewalk: float
    verge_share: float
    verge: float
    setback: float
    lawn_share: float
    building_share: float
    height_low: float
    height_high: float
    pitched_share: float
    gap: float
    street_trees: float
    garden_trees: float
    tree_height: float
    hedge_share: float
    fence_share: float
    poles: float
    signs: float
    bins: float
    parked: float
    moving: float
    car_near: float
    bus_share: float
    crossing_share: float
    persons: float
    person_near: float
    far_trees: float


DENSE = District(
    eye=1.9, camera_x=0.35, road_half=3.5, sidewalk=4.2, verge_share=0.12, verge=1.2, setback=0.8,
    lawn_share=0.08, building_share=0.78, height_low=4.5, height_high=12.0, pitched_share=0.15, gap=0.6,
    street_trees=1.4, garden_trees=0.3, tree_height=6.0, hedge_share=0.04, fence_share=0.20, poles=5.5,
    signs=5.0, bins=1.5, parked=6.0, moving=2.5, car_near=8.0, bus_share=0.45, crossing_share=0.5,
    persons=4.0, person_near=7.0, far_trees=0.10,
)  # fmt: skip
"""The game's district."""

LEAFY = District(
    eye=2.4, camera_x=0.9, road_half=2.5, sidewalk=1.8, verge_share=0.85, verge=2.2, setback=6.5,
    lawn_share=0.90, building_share=0.38, height_low=3.6, height_high=7.5, pitched_share=0.85, gap=3.5,
    street_trees=3.5, garden_trees=1.3, tree_height=6.8, hedge_share=0.33, fence_share=0.30, poles=4.0,
    signs=3.5, bins=2.0, parked=3.0, moving=1.2, car_near=6.0, bus_share=0.30, crossing_share=0.30,
    persons=5.0, person_near=5.0, far_trees=0.85,
)  # fmt: skip
"""The camera's district at label_shift 1."""


def district(label_shift: float) -> District:
    """Return the district `label_shift` (0..1) of the way from `DENSE` to `LEAFY`."""
    mix = {}
    for field in fields(District):
        dense, leafy = getattr(DENSE, field.name), getattr(LEAFY, field.name)
        mix[field.name] = dense + label_shift * (leafy - dense)
    return District(**mix)
