"""GTA5, "Playing for Data" (Richter et al., ECCV 2016): `images/%05d.png`, `labels/%05d.png`.

A label is a palette PNG whose stored index is the Cityscapes *label id*; 34, the licence plate of the data set's own
table, is ignored like Cityscapes' -1. The data set has no validation part.
"""

from pathlib import Path

from fada_lib.data.classes import TRAIN_ID_OF_LABEL_ID
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, base_folder, images_in

_MISFIT = "its label has another size than the image, in every copy"


def find(root: Path, split: str) -> list[Item]:
    """All images below `root` (or `root/gta5`), whatever the split: GTA5 is a source and has only one."""
    base = base_folder(root, "images", "gta5", "GTA5")
    return [Item(p.stem, p, base / "labels" / f"{p.stem}.png", "gta5") for p in images_in(base / "images")]


LAYOUT = Layout(
    name="gta5",
    find=find,
    legal_values=range(35),
    train_id_of_value=TRAIN_ID_OF_LABEL_ID,
    counts={"train": 24966},
    name_of_number=lambda i: f"{i + 1:05d}",
    left_out={"15188": _MISFIT, "17705": _MISFIT},
)
