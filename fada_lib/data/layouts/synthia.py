"""SYNTHIA-RAND-CITYSCAPES (Ros et al., CVPR 2016): `RGB/%07d.png` and `GT/LABELS/%07d.png` below `RAND_CITYSCAPES`.

A label is a PNG of three 16-bit channels: the class, the instance and nothing. The benchmark uses 16 classes,
Cityscapes' without terrain, truck and train: the class set `synthia16` ignores these three in both domains. The data
set has no validation part.
"""

from pathlib import Path

import numpy as np

from fada_lib.data.classes import IGNORE
from fada_lib.data.decode import read_16_bit_label
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, base_folder, images_in

# class of SYNTHIA -> train id, as names: road sidewalk building wall fence pole light sign vegetation terrain sky
# pedestrian rider car truck bus train motorcycle bicycle. The others (void, parking-slot, road-work, lanemarking)
# are ignored.
_CLASSES = (3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11)
TRAIN_ID_OF_VALUE = np.full(256, IGNORE, np.uint8)
TRAIN_ID_OF_VALUE[list(_CLASSES)] = range(19)


def find(root: Path, split: str) -> list[Item]:
    """All images below `root` (or `root/RAND_CITYSCAPES`), whatever the split: SYNTHIA is a source and has only one."""
    base = base_folder(root, "RGB", "RAND_CITYSCAPES", "synthia/RAND_CITYSCAPES", "SYNTHIA/RAND_CITYSCAPES")
    labels = base / "GT" / "LABELS"
    return [Item(p.stem, p, labels / f"{p.stem}.png", "synthia") for p in images_in(base / "RGB")]


LAYOUT = Layout(
    name="synthia",
    find=find,
    legal_values=range(23),
    train_id_of_value=TRAIN_ID_OF_VALUE,
    read_values=read_16_bit_label,
    counts={"train": 9400},
    name_of_number=lambda i: f"{i:07d}",
)
