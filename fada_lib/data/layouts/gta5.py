"""GTA5, "Playing for Data" (Richter et al., ECCV 2016): `images/%05d.png`, `labels/%05d.png`.

A label is a palette PNG whose stored index is the Cityscapes *label id*. The data set has no validation part.
"""

from pathlib import Path

import numpy as np

from fada_lib.data.classes import IGNORE, LABEL_ID_TO_TRAIN_ID
from fada_lib.data.layouts.item import Item, images_in

NAME = "gta5"
LEGAL_VALUES = range(34)

TRAIN_ID_OF_VALUE = np.full(256, IGNORE, np.uint8)
for _label_id, _train_id in LABEL_ID_TO_TRAIN_ID.items():
    TRAIN_ID_OF_VALUE[_label_id] = _train_id


def find(root: Path, split: str) -> list[Item]:
    """All images below `root` (or `root/gta5`), whatever the split: GTA5 is a source and has only one."""
    base = root if (root / "images").is_dir() else root / "gta5"
    return [Item(p.stem, p, base / "labels" / f"{p.stem}.png", "gta5") for p in images_in(base / "images")]
