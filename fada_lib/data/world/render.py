"""Draws a scene with a palette, and renders the images of both domains."""

from dataclasses import replace

import numpy as np

from fada_lib.data.world.camera import photograph
from fada_lib.data.world.canvas import SKY, Canvas, Drawing
from fada_lib.data.world.draw_buildings import draw_building
from fada_lib.data.world.draw_furniture import draw_bin, draw_fence, draw_pole
from fada_lib.data.world.draw_ground import draw_backdrop, draw_ground, sky
from fada_lib.data.world.draw_plants import draw_hedge, draw_tree
from fada_lib.data.world.draw_traffic import draw_person, draw_vehicle
from fada_lib.data.world.palettes import Palette, sample_palette
from fada_lib.data.world.scene import sample_scene, without
from fada_lib.data.world.spec import SOURCE_SPLITS, TARGET_SPLITS, WorldSpec, streams
from fada_lib.data.world.texture import grain
from fada_lib.data.world.things import Barrier, Bin, Building, Person, Pole, Scene, Tree, Vehicle
from fada_lib.parameters import UserError

_AIR_LENGTH = 450.0
"""Depth in metres over which the air of both domains swallows 63 % of a colour."""


def _draw_barrier(canvas: Canvas, barrier: Barrier, palette: Palette) -> None:
    (draw_hedge if barrier.hedge else draw_fence)(canvas, barrier, palette)


_DRAWERS = {
    Building: draw_building,
    Tree: draw_tree,
    Barrier: _draw_barrier,
    Pole: draw_pole,
    Bin: draw_bin,
    Vehicle: draw_vehicle,
    Person: draw_person,
}


def draw(scene: Scene, palette: Palette, height: int, width: int) -> Drawing:
    """Draw a scene in even light, as a game shows it.

    Returns
    -------
    Drawing
        Image, label ids, and the depth, facing and ground positions that a camera needs.
    """
    canvas = Canvas(scene.view, height, width, sky(scene, palette))
    draw_backdrop(canvas, scene, palette)
    draw_ground(canvas, scene.street, palette)
    for thing in scene.things:
        _DRAWERS[type(thing)](canvas, thing, palette)
    drawing = canvas.finish()
    clear = np.exp(-drawing.depth / _AIR_LENGTH)
    clear[drawing.labels == SKY] = 1
    air = np.array(palette.pick("sky_low", scene.sky[0]), np.float32)
    lit = drawing.image * (grain(drawing, scene.texture) * clear)[..., None] + air * (1 - clear)[..., None]
    return replace(drawing, image=np.clip(lit + 0.5, 0, 255).astype(np.uint8))


def render_source(spec: WorldSpec, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Render image `index` of a source split ('train' or 'val').

    Returns
    -------
    image : ndarray (H, W, 3) uint8
    label_ids : ndarray (H, W) uint8
        Cityscapes label ids.
    """
    _known(split, SOURCE_SPLITS)
    random = streams(spec, "source", split, index)
    scene, palette = sample_scene(random.scene, spec.source_label_shift), sample_palette(random.palette, 0.0)
    drawing = draw(scene, palette, spec.height, spec.width)
    return drawing.image, drawing.labels


def render_target(spec: WorldSpec, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Render image `index` of a target split ('train', 'tune' or 'val'); returns as `render_source`."""
    _known(split, TARGET_SPLITS)
    random = streams(spec, "target", split, index)
    scene = without(sample_scene(random.scene, spec.label_shift), spec.missing_class)
    palette = sample_palette(random.palette, spec.appearance_shift)
    drawing = draw(scene, palette, spec.height, spec.width)
    return photograph(drawing, random.camera, spec.appearance_shift), drawing.labels


def render_pair(spec: WorldSpec, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render one scene in both domains; its layout lies half way between those of the domains.

    Returns
    -------
    game_image, camera_image : ndarray (H, W, 3) uint8
    label_ids : ndarray (H, W) uint8
        The labels of both images.
    """
    random, again = streams(spec, "pair", "train", index), streams(spec, "pair", "train", index)
    scene = sample_scene(random.scene, (spec.source_label_shift + spec.label_shift) / 2)
    game = draw(scene, sample_palette(random.palette, 0.0), spec.height, spec.width)
    street = draw(scene, sample_palette(again.palette, spec.appearance_shift), spec.height, spec.width)
    return game.image, photograph(street, random.camera, spec.appearance_shift), game.labels


def _known(split: str, splits: tuple[str, ...]) -> None:
    if split not in splits:
        raise UserError(f"unknown split '{split}': choose one of {', '.join(splits)}")
