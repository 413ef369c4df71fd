"""Where each data set keeps its files, and how it encodes labels: one module a data set, behind `find`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fada_lib.data.layouts import camvid, cityscapes, gta5
from fada_lib.data.layouts.item import Item
from fada_lib.parameters import UserError


@dataclass(frozen=True)
class Layout:
    """A data set's way to find files, its legal label values, and the table from these to Cityscapes train ids."""

    name: str
    find: Callable[[Path, str], list[Item]]
    legal_values: range
    train_id_of_value: np.ndarray


LAYOUTS = {m.NAME: Layout(m.NAME, m.find, m.LEGAL_VALUES, m.TRAIN_ID_OF_VALUE) for m in (gta5, cityscapes, camvid)}


def layout(name: str) -> Layout:
    """The layout called `name`; `UserError` lists the known ones."""
    if name not in LAYOUTS:
        raise UserError(f"unknown layout '{name}': choose one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def find(name: str, root: Path, split: str, groups: tuple[str, ...] = ()) -> list[Item]:
    """All labelled images of a split, sorted by name.

    Parameters
    ----------
    name : str
        Key of `LAYOUTS`.
    root : Path
        Folder that the download unpacks to.
    split : str
        ``train``, ``val`` or ``test``, as far as the data set has it.
    groups : tuple of str
        Cities or sequences to keep; empty keeps all.

    Raises
    ------
    UserError
        If the root, the split, a group or the label of an image is missing.
    """
    if not root.is_dir():
        raise UserError(f"{name}: the folder {root} does not exist; set its root in the parameter file")
    items = layout(name).find(root, split)
    if not items:
        raise UserError(f"{name}: no image of split '{split}' in {root}; is it the folder of the download?")
    known = {item.group for item in items}
    missing = sorted(set(groups) - known)
    if missing:
        raise UserError(f"{name}: {missing} not in {root} ({split}); found {sorted(known)}")
    items = [item for item in items if not groups or item.group in groups]
    unlabelled = [item.image.name for item in items if not item.label.exists()]
    if unlabelled:
        raise UserError(f"{name}: {len(unlabelled)} images without a label, first {unlabelled[0]} in {root}")
    return items


__all__ = ["LAYOUTS", "Item", "Layout", "find", "layout"]
