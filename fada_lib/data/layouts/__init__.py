"""Where each data set keeps its files, and how it encodes labels: one module a data set, behind `find`."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from fada_lib.data.layouts import camvid, cityscapes, crosscity, folders, gta5, synthia
from fada_lib.data.layouts.folders import own_layout
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item
from fada_lib.parameters import UserError

LAYOUTS = {m.LAYOUT.name: m.LAYOUT for m in (gta5, synthia, cityscapes, crosscity, camvid, folders)}


def layout(name: str) -> Layout:
    """The layout called `name`; `UserError` lists the known ones."""
    if name not in LAYOUTS:
        raise UserError(f"unknown layout '{name}': choose one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def mapped_layout(name: str) -> Layout:
    """`layout` by a name that says it all; `UserError` for the one whose map from label values a study gives."""
    if name == folders.NAME:
        raise UserError(f"layout '{name}' has no map of label values of its own: use a study, as params/own_data.yaml")
    return layout(name)


def find(form: Layout, root: Path, split: str, groups: tuple[str, ...] = (), labels_needed: bool = True) -> list[Item]:
    """All images of a split that are used, sorted by name.

    Parameters
    ----------
    form : Layout
    root : Path
        Folder that the download unpacks to, or the one above it.
    split : str
        ``train``, ``val`` or ``test``, as far as the data set has it.
    groups : tuple of str
        Cities or sequences to keep; empty keeps all. Where the splits consist of different groups (Cityscapes'
        cities), groups of another split do not restrict this one.
    labels_needed : bool
        False accepts a split without a single label, whose items then have none: images to adapt to.

    Raises
    ------
    UserError
        If the root, the split, a group or the label of an image is missing, or two images have one name.
    """
    if not root.is_dir():
        raise UserError(f"{form.name}: the folder {root} does not exist; set its root in the parameter file")
    items = [item for item in form.find(root, split) if item.name not in form.left_out]
    if not items:
        raise UserError(f"{form.name}: no image of split '{split}' in {root}; is it the folder of the download?")
    count = Counter(item.name for item in items)
    if twice := [item for item in items if count[item.name] > 1]:
        raise UserError(f"{form.name}: two images called {twice[0].name} in {twice[0].image.parent}; keep one of them")
    return _with_labels(form, _of_groups(form, items, root, split, groups), root, labels_needed)


def _of_groups(form: Layout, items: list[Item], root: Path, split: str, groups: tuple[str, ...]) -> list[Item]:
    """The items of the groups that this split is restricted to."""
    here = {item.group for item in items}
    elsewhere = set(groups) - here
    if elsewhere and form.groups_by_split:
        elsewhere -= {item.group for other in form.counts for item in form.find(root, other)}
    if elsewhere:
        raise UserError(f"{form.name}: {sorted(elsewhere)} not in {root} ({split}); found {sorted(here)}")
    kept = here.intersection(groups) or here
    return [item for item in items if item.group in kept]


def _with_labels(form: Layout, items: list[Item], root: Path, labels_needed: bool) -> list[Item]:
    """The items, their labels checked for being there."""
    missing = [item for item in items if not item.label.exists()]
    if missing and (labels_needed or len(missing) < len(items)):
        first = missing[0]
        raise UserError(
            f"{form.name}: {len(missing)} of {len(items)} images without a label in {root}, "
            f"first {first.image.name}: add {first.label} or remove the image"
        )
    return [replace(item, label=None) for item in items] if missing else items


__all__ = ["LAYOUTS", "Item", "Layout", "find", "layout", "mapped_layout", "own_layout"]
