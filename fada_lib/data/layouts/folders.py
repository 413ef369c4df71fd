"""Your own data: a folder of images, a folder of labels of the same names, and a map from class to label values.

The folders are patterns below the root: ``{split}`` stands for ``train`` or ``val``, and one ``*`` in the last part
for the name where file names differ by more than their suffix (``images/*_rgb.png``, ``labels/*_ids.png``). A folder
without ``*`` is searched with all below it; the first folder inside is the group of an item. Labels are PNGs of one
8-bit channel, palette or grey.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from fada_lib.data.classes import IGNORE, ClassSet
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, images_among
from fada_lib.parameters import UserError

NAME = "folders"
IGNORED = "ignored"
"""Stands in a map for the values that no class has."""


def own_layout(images: str, labels: str, values: Mapping[str, object], classes: ClassSet, where: str) -> Layout:
    """The layout that a parameter file describes.

    Parameters
    ----------
    images, labels : str
        Patterns of the image and the label folder below the root.
    values : mapping
        Class name -> its label value 0..255, or a list of them; ``ignored`` -> values that no class has.
    classes : ClassSet
        The classes to predict; `values` may name further ones of Cityscapes, which are then ignored.
    where : str
        The parameter of `values`, for messages.

    Raises
    ------
    UserError
        For an unknown class, a value that is none or that two classes have, or a pattern with two ``*``.
    """
    for pattern in (images, labels):
        if pattern.count("*") > ("*" in PurePosixPath(pattern).name):
            raise UserError(f"'{pattern}': only one *, and in its last part, may stand for the image's name")
    table = _table(values, classes, where)
    train_id_of_value = np.full(256, IGNORE, np.uint8)
    train_id_of_value[list(table)] = list(table.values())
    return Layout(NAME, lambda root, split: _find(root, split, images, labels), frozenset(table), train_id_of_value)


def _table(values: Mapping[str, object], classes: ClassSet, where: str) -> dict[int, int]:
    """Label value -> train id."""
    table: dict[int, int] = {}
    known = {**{name: i for i, name in enumerate(classes.vocabulary)}, IGNORED: IGNORE}
    for name, given in values.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"name it in class_set; known: {', '.join(known)}"
            raise UserError(f"{where}: unknown class '{name}'; {advice}")
        for value in given if isinstance(given, (list, tuple)) else (given,):
            if type(value) is not int or not 0 <= value <= 255:
                raise UserError(f"{where}: '{name}' is {value!r}: label values are whole numbers 0..255")
            if value in table:
                raise UserError(f"{where}: the label value {value} belongs to two classes, one is '{name}'")
            table[value] = known[name]
    lacking = [name for name in classes.names if name not in values]
    if values and len(lacking) == len(classes):
        raise UserError(f"{where}: none of the classes of class_set is in it; it lacks {', '.join(lacking)}")
    return table


def _find(root: Path, split: str, images: str, labels: str) -> list[Item]:
    """The images that the pattern finds below `root`, each with the place where its label should be."""
    folder, before, after = _parts(root, images, split)
    label_folder, label_before, label_after = _parts(root, labels, split)
    found = folder.rglob("*") if after is None else folder.glob(f"{before}*{after}")
    items = []
    for image in images_among(found):
        inside = image.relative_to(folder)
        name = image.stem if after is None else image.name[len(before) : len(image.name) - len(after)]
        parent = label_folder / inside.parent
        label = parent / (f"{name}.png" if label_after is None else f"{label_before}{name}{label_after}")
        items.append(Item((inside.parent / name).as_posix(), image, label, inside.parts[0] if inside.parts[1:] else ""))
    return items


def _parts(root: Path, pattern: str, split: str) -> tuple[Path, str, str | None]:
    """Folder, prefix and suffix of the file names; no suffix (None) for a pattern that is a folder."""
    path = root / pattern.replace("{split}", split)
    if "*" not in path.name:
        return path, "", None
    before, after = path.name.split("*")
    return path.parent, before, after


LAYOUT = Layout(NAME, lambda root, split: _find(root, split, "images", "labels"), (), np.full(256, IGNORE, np.uint8))
"""The layout before a parameter file gives it its classes."""
