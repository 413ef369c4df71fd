"""Draws trees, bushes and hedges."""

import math

import numpy as np

from fada_lib.data.world.canvas import VEGETATION, Canvas, Colour, Points, shade
from fada_lib.data.world.palettes import Palette
from fada_lib.data.world.things import Barrier, Tree


def draw_tree(canvas: Canvas, tree: Tree, palette: Palette) -> None:
    """Draw shadow, trunk and crown; the crown is a dark lumpy shape with lighter ones towards the light."""
    across = canvas.pixels(1.3 * tree.spread, tree.z)
    if not -across < canvas.at(tree.x, 0, tree.z)[0] < canvas.projection.width + across:
        return
    canvas.shadow(tree.x, tree.z, tree.spread * 0.8, tree.spread * 0.6, 0.28)
    leaf = palette.pick("leaf", tree.tint)
    if tree.clear:
        _trunk(canvas, tree, palette)
    crown = _conifer(canvas, tree) if tree.conifer else _round_crown(canvas, tree)
    canvas.fill(_placed(crown, 1.0, 0.0), shade(leaf, 0.72), VEGETATION, tree.z)
    canvas.paint(_placed(crown, 0.82, 0.10), leaf)
    if across > 16:
        canvas.paint(_placed(crown, 0.5, 0.24), shade(leaf, 1.16))
        _clumps(canvas, tree, leaf)


def _trunk(canvas: Canvas, tree: Tree, palette: Palette) -> None:
    half = 0.05 + 0.018 * tree.height
    base = [canvas.at(tree.x + s * half, 0, tree.z) for s in (-1.3, 1.3)]
    fork = [canvas.at(tree.x + s * half, tree.clear + 0.3 * tree.height, tree.z) for s in (0.8, -0.8)]
    if base[1][0] - base[0][0] < 2:
        base[1], fork[0] = (base[0][0] + 2, base[1][1]), (fork[1][0] + 2, fork[0][1])
    canvas.fill(base + fork, palette.pick("trunk", tree.lumps[0]), VEGETATION, tree.z)


_ANGLES = np.linspace(0, 2 * math.pi, 48, endpoint=False)
_KNOTS = np.linspace(0, 2 * math.pi, 12, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), -np.sin(_ANGLES)], axis=1)

Crown = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Centre (2,), outline around it (N, 2), and half sizes (2,): all in pixels."""


def _round_crown(canvas: Canvas, tree: Tree) -> Crown:
    low = tree.clear if tree.clear else -0.15 * tree.height
    tall = (tree.height - low) / 2
    half = np.array((canvas.pixels(tree.spread, tree.z), canvas.pixels(tall, tree.z)))
    wave = np.interp(_ANGLES, _KNOTS, tree.lumps[:12], period=2 * math.pi)
    bumps = np.abs(np.sin(_ANGLES * (4 + int(4 * tree.lumps[13])) + 7 * tree.lumps[14]))
    radius = 0.72 + 0.26 * wave + 0.13 * bumps
    return np.array(canvas.at(tree.x, low + tall, tree.z)), _CIRCLE * radius[:, None] * half, half


def _conifer(canvas: Canvas, tree: Tree) -> Crown:
    """Return a tapering crown with tiers of branches."""
    tiers, tall = 9, tree.height - tree.clear
    right, left = [], []
    for tier in range(tiers):
        y = tree.clear + tall * tier / tiers
        reach = tree.spread * 0.85 * (1 - tier / tiers)
        for r, dy in ((reach * (0.85 + 0.3 * tree.lumps[tier]), 0.0), (reach * 0.75, 0.07 * tree.height)):
            right.append(canvas.at(tree.x + r, y + dy, tree.z))
            left.append(canvas.at(tree.x - r, y + dy * 0.9, tree.z))
    outline = np.array([*right, canvas.at(tree.x, tree.height, tree.z), *reversed(left)])
    centre = np.array(canvas.at(tree.x, tree.clear + 0.4 * tall, tree.z))
    return centre, outline - centre, np.array((0.0, 0.0))


def _placed(crown: Crown, size: float, shift: float) -> Points:
    """Return the outline at relative `size`, moved up and left by `shift` of the crown."""
    centre, outline, half = crown
    return list(map(tuple, (centre + size * outline - shift * half * (0.6, 1.0)).tolist()))


def _clumps(canvas: Canvas, tree: Tree, leaf: Colour) -> None:
    """Draw light and dark clumps of leaves inside a near crown."""
    low = tree.clear if tree.clear else 0.0
    tall = (tree.height - low) / 2
    for i in range(0, 22, 2):
        a, b = tree.lumps[i], tree.lumps[i + 1]
        radius, angle = 0.7 * math.sqrt(a), 2 * math.pi * b
        x = tree.x + tree.spread * radius * math.cos(angle)
        if tree.conifer:
            x = tree.x + (x - tree.x) * 0.45
        u, v = canvas.at(x, low + tall * (1 + radius * math.sin(angle)), tree.z)
        r = canvas.pixels(tree.spread * (0.07 + 0.08 * b), tree.z)
        tone = shade(leaf, 0.7 + 0.1 * a if math.sin(angle) < -0.1 else 1.02 + 0.2 * a)
        canvas.disc((u - r, v - 0.8 * r, u + r, v + 0.8 * r), tone, None, tree.z)


def draw_hedge(canvas: Canvas, hedge: Barrier, palette: Palette) -> None:
    """Draw a hedge: its end towards the camera and its long side with a lumpy top."""
    leaf = palette.pick("hedge", hedge.tint)
    x0, x1 = hedge.x, hedge.x + hedge.side * 0.9
    end = [canvas.at(x, y, hedge.z0) for x, y in ((x0, 0), (x1, 0), (x1, hedge.height), (x0, hedge.height))]
    canvas.fill(end, shade(leaf, 0.7), VEGETATION, hedge.z0)
    depths = np.linspace(hedge.z0, hedge.z1, 12).tolist()
    tops = [
        canvas.at(x0 + hedge.side * 0.3, hedge.height * (0.92 + 0.2 * lump), z)
        for z, lump in zip(depths, hedge.lumps, strict=False)
    ]
    backs = [canvas.at(x1, hedge.height * 0.95, z) for z in (hedge.z1, hedge.z0)]
    canvas.fill([*tops, *backs], shade(leaf, 1.15), VEGETATION, hedge.z1)
    foot = [canvas.at(x0, 0, z) for z in (hedge.z1, hedge.z0)]
    canvas.fill([*tops, *foot], leaf, VEGETATION, (hedge.z0 + hedge.z1) / 2)
