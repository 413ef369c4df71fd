"""CamVid (Brostow et al., 2008), the 480x360 edition with 11 classes: `{train,val,test}` and `{…}annot`.

The group of an item is its video sequence, the part of the file name before the first underscore:
0006R0, 0016E5 and Seq05VD were filmed by day, 0001TP at dusk.
"""

from pathlib import Path

import numpy as np

from fada_lib.data.classes import IGNORE
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, base_folder, images_in

# sky building pole road pavement tree sign fence car pedestrian bicyclist; 11 is unlabelled.
TRAIN_ID_OF_VALUE = np.full(256, IGNORE, np.uint8)
TRAIN_ID_OF_VALUE[:11] = (10, 2, 5, 0, 1, 8, 7, 4, 13, 11, 18)


def find(root: Path, split: str) -> list[Item]:
    """The images of `train`, `val` or `test` below `root` or `root/camvid`."""
    base = base_folder(root, "trainannot", "camvid", "CamVid")
    labels = base / f"{split}annot"
    return [Item(p.stem, p, labels / f"{p.stem}.png", p.stem.split("_")[0]) for p in images_in(base / split)]


LAYOUT = Layout(
    name="camvid",
    find=find,
    legal_values=range(12),
    train_id_of_value=TRAIN_ID_OF_VALUE,
    counts={"train": 367, "val": 101, "test": 233},
)
