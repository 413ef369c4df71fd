"""Features over training, drawn: a strip of t-SNE frames, and the same as an animation."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fada_lib.analysis.trajectory import Trajectory
from fada_lib.data.classes import ClassSet
from fada_lib.files import write_atomically
from fada_lib.plots.embedding import draw_points, legend_handles
from fada_lib.plots.style import STYLE, styled

STEPS = 6
"""Frames drawn from one iteration to the next; points move in a straight line."""
FRAMES_PER_SECOND = 8


@styled
def trajectory_strip(trajectory: Trajectory, class_set: ClassSet) -> Figure:
    """One column an iteration, upper row coloured by class, lower row by domain, one pair of axes' limits for all."""
    columns = len(trajectory.iterations)
    figure, grid = plt.subplots(2, columns, figsize=(3.3 * columns + 2.2, 7.4), squeeze=False)
    for column, iteration in enumerate(trajectory.iterations):
        for axes, by_domain in zip(grid[:, column], (False, True), strict=True):
            _scatter(axes, trajectory, trajectory.points[column], class_set, by_domain)
        grid[0, column].set_title(f"iteration {iteration}")
        grid[1, column].set_xlabel("t-SNE 1 (no unit)", color="#6b6b6b", fontsize=12)
    grid[0, 0].set_ylabel("coloured by class")
    grid[1, 0].set_ylabel("coloured by domain")
    figure.legend(handles=legend_handles(class_set, np.unique(trajectory.classes)), loc="outside right center")
    return figure


def write_animation(trajectory: Trajectory, class_set: ClassSet, path: Path) -> Path:
    """Write the frames of `trajectory_strip`, with straight steps between them, as an animated GIF; returns `path`."""
    last = len(trajectory.iterations) - 1
    times = np.append(np.arange(last * STEPS) / STEPS, [last] * STEPS)
    with mpl.rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure, row = plt.subplots(1, 2, figsize=(11, 5.2))
        figure.subplots_adjust(left=0.02, right=0.83, bottom=0.03, top=0.9, wspace=0.04)
        figure.legend(handles=legend_handles(class_set, np.unique(trajectory.classes)), loc="center right")

        def draw(time: float) -> None:
            before = min(int(time), last)
            share, after = time - before, min(before + 1, last)
            points = (1 - share) * trajectory.points[before] + share * trajectory.points[after]
            iteration = (1 - share) * trajectory.iterations[before] + share * trajectory.iterations[after]
            for axes, by_domain in zip(row, (False, True), strict=True):
                axes.clear()
                _scatter(axes, trajectory, points, class_set, by_domain)
                axes.set_title("by domain" if by_domain else f"iteration {iteration:.0f}, by class")

        animation = FuncAnimation(figure, draw, frames=times, init_func=lambda: None, cache_frame_data=False)
        write_atomically(path, lambda temporary: animation.save(temporary, PillowWriter(fps=FRAMES_PER_SECOND), dpi=80))
        plt.close(figure)
    return path


def _scatter(axes: Axes, trajectory: Trajectory, points: np.ndarray, class_set: ClassSet, by_domain: bool) -> None:
    """The (N, 2) points in the limits of all frames."""
    draw_points(axes, points, trajectory.classes, trajectory.domains, class_set, by_domain)
    low, high = trajectory.points.min(axis=(0, 1)), trajectory.points.max(axis=(0, 1))
    limits = np.stack([low, high]) + 0.04 * np.outer((-1, 1), high - low)
    axes.set(xlim=limits[:, 0], ylim=limits[:, 1])
