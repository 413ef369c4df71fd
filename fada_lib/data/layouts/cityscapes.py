"""Cityscapes (Cordts et al., CVPR 2016): `leftImg8bit/<split>/<city>/*_leftImg8bit.png` with `gtFine` beside it.

A label file stores Cityscapes *label ids*; the group of an item is its city.
"""

from pathlib import Path

from fada_lib.data.layouts.gta5 import LEGAL_VALUES, TRAIN_ID_OF_VALUE
from fada_lib.data.layouts.item import Item, images_in

NAME = "cityscapes"


def find(root: Path, split: str) -> list[Item]:
    """The images of all cities of `split`, below `root` or `root/cityscapes`."""
    base = root if (root / "leftImg8bit").is_dir() else root / "cityscapes"
    items = []
    for city in sorted(p for p in (base / "leftImg8bit" / split).glob("*") if p.is_dir()):
        for image in images_in(city):
            name = image.stem.removesuffix("_leftImg8bit")
            label = base / "gtFine" / split / city.name / f"{name}_gtFine_labelIds.png"
            items.append(Item(name, image, label, city.name))
    return items


__all__ = ["LEGAL_VALUES", "NAME", "TRAIN_ID_OF_VALUE", "find"]
