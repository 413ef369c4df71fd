"""The label vocabulary: Cityscapes' label table and the class subsets that data sets are judged on.

A *label id* is what a Cityscapes or GTA5 label file stores (0..33, 255 never occurs there).
A *train id* is the index in the 19 classes of the benchmark. A *channel* is the index in a `ClassSet`,
the subset and order that a network predicts; pixels outside the subset become `IGNORE`.

Data sets of one's own may use classes that Cityscapes lacks: a class set written as a list of names,
``road, car, tram=#ff8800``, gives those the train ids from 19 on (see `class_set`).
"""

import colorsys
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fada_lib.parameters import UserError

IGNORE = 255
"""Channel value of pixels that no loss and no metric counts (the convention of Cityscapes' train ids)."""

# (label id, train id, name, RGB): the table of the package `cityscapesscripts`, licence plate (-1) left out.
CITYSCAPES_LABELS: tuple[tuple[int, int, str, tuple[int, int, int]], ...] = (
    (0, IGNORE, "unlabeled", (0, 0, 0)),
    (1, IGNORE, "ego vehicle", (0, 0, 0)),
    (2, IGNORE, "rectification border", (0, 0, 0)),
    (3, IGNORE, "out of roi", (0, 0, 0)),
    (4, IGNORE, "static", (0, 0, 0)),
    (5, IGNORE, "dynamic", (111, 74, 0)),
    (6, IGNORE, "ground", (81, 0, 81)),
    (7, 0, "road", (128, 64, 128)),
    (8, 1, "sidewalk", (244, 35, 232)),
    (9, IGNORE, "parking", (250, 170, 160)),
    (10, IGNORE, "rail track", (230, 150, 140)),
    (11, 2, "building", (70, 70, 70)),
    (12, 3, "wall", (102, 102, 156)),
    (13, 4, "fence", (190, 153, 153)),
    (14, IGNORE, "guard rail", (180, 165, 180)),
    (15, IGNORE, "bridge", (150, 100, 100)),
    (16, IGNORE, "tunnel", (150, 120, 90)),
    (17, 5, "pole", (153, 153, 153)),
    (18, IGNORE, "polegroup", (153, 153, 153)),
    (19, 6, "traffic light", (250, 170, 30)),
    (20, 7, "traffic sign", (220, 220, 0)),
    (21, 8, "vegetation", (107, 142, 35)),
    (22, 9, "terrain", (152, 251, 152)),
    (23, 10, "sky", (70, 130, 180)),
    (24, 11, "person", (220, 20, 60)),
    (25, 12, "rider", (255, 0, 0)),
    (26, 13, "car", (0, 0, 142)),
    (27, 14, "truck", (0, 0, 70)),
    (28, 15, "bus", (0, 60, 100)),
    (29, IGNORE, "caravan", (0, 0, 90)),
    (30, IGNORE, "trailer", (0, 0, 110)),
    (31, 16, "train", (0, 80, 100)),
    (32, 17, "motorcycle", (0, 0, 230)),
    (33, 18, "bicycle", (119, 11, 32)),
)

LABEL_ID_TO_TRAIN_ID: dict[int, int] = {i: t for i, t, _, _ in CITYSCAPES_LABELS}
TRAIN_NAMES: tuple[str, ...] = tuple(name for _, t, name, _ in CITYSCAPES_LABELS if t != IGNORE)
TRAIN_COLOURS: tuple[tuple[int, int, int], ...] = tuple(rgb for _, t, _, rgb in CITYSCAPES_LABELS if t != IGNORE)

TRAIN_ID_OF_LABEL_ID = np.full(256, IGNORE, np.uint8)
"""(256,) table from stored label id to train id."""
for _label_id, _train_id in LABEL_ID_TO_TRAIN_ID.items():
    TRAIN_ID_OF_LABEL_ID[_label_id] = _train_id


@dataclass(frozen=True)
class ClassSet:
    """The K classes that a network predicts or a benchmark is judged on.

    Parameters
    ----------
    name : str
        What `class_set` finds it by.
    train_ids : tuple of int
        Cityscapes train ids in channel order.
    merged : tuple of (int, int)
        Pairs (from, to) of train ids counted together, e.g. CamVid's "bicyclist" is rider and bicycle.
    own : tuple of str
        Names of the train ids from 19 on: classes that Cityscapes lacks.
    colours : tuple of (int, int, int)
        RGB in channel order; empty takes Cityscapes'.
    """

    name: str
    train_ids: tuple[int, ...]
    merged: tuple[tuple[int, int], ...] = ()
    own: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.train_ids)

    @property
    def names(self) -> tuple[str, ...]:
        """K class names in channel order."""
        return tuple(self.vocabulary[t] for t in self.train_ids)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every class name by train id: Cityscapes' 19, then the set's own."""
        return TRAIN_NAMES + self.own

    @cached_property
    def palette(self) -> np.ndarray:
        """(256, 3) uint8 colours by channel: the set's own or Cityscapes', black for everything ignored."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self)] = self.colours or [TRAIN_COLOURS[t] for t in self.train_ids]
        return palette

    @cached_property
    def channel_of_train_id(self) -> np.ndarray:
        """(256,) uint8 table from train id to channel, `IGNORE` where the class is not in the set."""
        table = np.full(256, IGNORE, np.uint8)
        table[list(self.train_ids)] = np.arange(len(self))
        for source, target in self.merged:
            table[source] = table[target]
        return table

    def channels_of(self, subset: "ClassSet") -> list[int]:
        """Channels of the classes of `subset` in this set.

        Raises
        ------
        UserError
            If a class of `subset` is not predicted by this set.
        """
        missing = [name for name in subset.names if name not in self.names]
        if missing:
            raise UserError(f"class set '{self.name}' cannot be judged on '{subset.name}': it lacks {missing}")
        return [self.names.index(name) for name in subset.names]

    def merged_channels(self, subset: "ClassSet") -> list[tuple[int, int]]:
        """Pairs (from, to) of this set's channels that `subset` counts together."""
        channel = {train_id: k for k, train_id in enumerate(self.train_ids)}
        return [(channel[a], channel[b]) for a, b in subset.merged if a in channel and b in channel]


CLASS_SETS: dict[str, ClassSet] = {
    s.name: s
    for s in (
        ClassSet("cityscapes19", tuple(range(19))),
        ClassSet("synthia16", (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)),
        ClassSet("synthia13", (0, 1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)),
        ClassSet("crosscity13", (0, 1, 2, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)),
        ClassSet("camvid11", (10, 2, 5, 0, 1, 8, 7, 4, 13, 11, 18), merged=((12, 18),)),
        # What the made game and CamVid share: it draws no bicyclists, CamVid names neither terrain nor buses.
        ClassSet("camvid10", (10, 2, 5, 0, 1, 8, 7, 4, 13, 11), merged=((9, 8), (15, 13))),
        ClassSet("world12", (0, 1, 2, 4, 5, 7, 8, 9, 10, 11, 13, 15)),
    )
}


def class_set(name: str) -> ClassSet:
    """The class set called `name`, or the one that a list of class names describes.

    Parameters
    ----------
    name : str
        A key of `CLASS_SETS`, or class names in channel order with commas between them. Cityscapes' names bring
        their colours; any name may set its own, as ``tram=#ff8800`` does. Since the name says everything, a
        checkpoint that keeps it can be rebuilt anywhere.

    Raises
    ------
    UserError
        Naming the known sets, or what is wrong with the list.
    """
    if "," in name:
        return _listed(name)
    if name not in CLASS_SETS:
        raise UserError(f"unknown class set '{name}': choose one of {', '.join(CLASS_SETS)}, or list class names")
    return CLASS_SETS[name]


_ENTRY = re.compile(r"([^=#,]*[^=#,\s])\s*(?:=\s*#([0-9a-fA-F]{6}))?")
MOST_CLASSES = 200
"""Far below 255, so that train ids and channels fit a byte beside `IGNORE`."""


def _listed(text: str) -> ClassSet:
    """The class set of a list such as ``road, car, tram=#ff8800``."""
    entries = [part.strip() for part in text.split(",")]
    matches = [_ENTRY.fullmatch(entry) for entry in entries]
    if None in matches:
        wrong = entries[matches.index(None)]
        raise UserError(f"class_set: '{wrong}' is no class: write a name, or name and colour as in tram=#ff8800")
    colour_of = {match[1]: match[2] for match in matches}
    twice = sorted({match[1] for match in matches if [m[1] for m in matches].count(match[1]) > 1})
    if twice or len(entries) > MOST_CLASSES:
        raise UserError(f"class_set: {f'{twice} listed twice' if twice else f'more than {MOST_CLASSES} classes'}")
    own = tuple(name for name in colour_of if name not in TRAIN_NAMES)
    vocabulary = TRAIN_NAMES + own
    train_ids = tuple(vocabulary.index(name) for name in colour_of)
    colours = tuple(
        tuple(bytes.fromhex(colour_of[vocabulary[t]])) if colour_of[vocabulary[t]] else _colour(t) for t in train_ids
    )
    return ClassSet(text, train_ids, own=own, colours=colours)


def _colour(train_id: int) -> tuple[int, int, int]:
    """Cityscapes' colour, or for the classes after its 19 hues that stay apart (golden ratio steps)."""
    if train_id < len(TRAIN_COLOURS):
        return TRAIN_COLOURS[train_id]
    hue = (train_id - len(TRAIN_COLOURS)) * 0.618034 % 1.0
    return tuple(round(255 * v) for v in colorsys.hsv_to_rgb(hue, 0.65, 0.95))
