"""Cityscapes (Cordts et al., CVPR 2016): `leftImg8bit/<split>/<city>/*_leftImg8bit.png` with `gtFine` beside it.

A label file stores Cityscapes *label ids* (`…_labelIds.png`, part of the download) or, where only that one is there,
train ids (`…_labelTrainIds.png`, made by `cityscapesscripts`). The group of an item is its city.
"""

from pathlib import Path

import numpy as np

from fada_lib.data.classes import IGNORE, LABEL_ID_TO_TRAIN_ID, TRAIN_ID_OF_LABEL_ID
from fada_lib.data.decode import read_label_values
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, base_folder, images_in
from fada_lib.parameters import UserError

_LABEL_ID_OF_TRAIN_ID = np.full(256, IGNORE, np.uint8)
for _label_id, _train_id in LABEL_ID_TO_TRAIN_ID.items():
    if _train_id != IGNORE:
        _LABEL_ID_OF_TRAIN_ID[_train_id] = _label_id
_LABEL_ID_OF_TRAIN_ID[IGNORE] = 0


def find(root: Path, split: str) -> list[Item]:
    """The images of all cities of `split`, below `root` or `root/cityscapes`."""
    base = base_folder(root, "leftImg8bit", "cityscapes", "Cityscapes")
    items = []
    for city in sorted(p for p in (base / "leftImg8bit" / split).glob("*") if p.is_dir()):
        for image in images_in(city):
            name = image.stem.removesuffix("_leftImg8bit")
            label = base / "gtFine" / split / city.name / f"{name}_gtFine_labelIds.png"
            by_train_id = label.with_name(f"{name}_gtFine_labelTrainIds.png")
            if not label.exists() and by_train_id.exists():
                label = by_train_id
            items.append(Item(name, image, label, city.name))
    return items


def read_values(path: Path) -> np.ndarray:
    """The (H, W) uint8 label ids of either kind of label file; `UserError` for train ids that do not exist."""
    values = read_label_values(path)
    if not path.stem.endswith("_labelTrainIds"):
        return values
    label_ids = _LABEL_ID_OF_TRAIN_ID[values]
    if (label_ids == IGNORE).any():
        raise UserError(f"{path} holds train ids outside 0..18 and 255: make it again by cityscapesscripts")
    return label_ids


LAYOUT = Layout(
    name="cityscapes",
    find=find,
    legal_values=range(34),
    train_id_of_value=TRAIN_ID_OF_LABEL_ID,
    read_values=read_values,
    counts={"train": 2975, "val": 500},
    groups_by_split=True,
)
