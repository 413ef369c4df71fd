"""Cross-City (Chen et al., ICCV 2017; "NTHU"): `<City>/Images/{Train,Test}/<id>.jpg`, `Labels/Test/<id>_eval.png`.

Rome, Rio, Tokyo and Taipei, each with 3,200 unlabelled images to train on and 100 labelled ones to test on; some
copies have PNG images, or lack the lists `<City>/List/{train,test}.txt`. Where a list is there it decides. A label
stores Cityscapes *label ids* of 13 classes; 255 is taken as unlabelled too. The group of an item is its city.
"""

from pathlib import Path

from fada_lib.data.classes import IGNORE, TRAIN_ID_OF_LABEL_ID
from fada_lib.data.layouts.interface import Layout
from fada_lib.data.layouts.item import Item, images_in

_LABEL_SUFFIX = "_eval"


def find(root: Path, split: str) -> list[Item]:
    """The images of all cities of `train` or `test`; names start by the city."""
    base = _base(root)
    items = []
    for city in sorted(p for p in base.glob("*") if (p / "Images").is_dir()):
        listed = _ids(city / "List" / f"{split}.txt")
        labels = city / "Labels" / split.capitalize()
        for image in images_in(city / "Images" / split.capitalize()):
            if listed is None or image.stem in listed:
                label = labels / f"{image.stem}{_LABEL_SUFFIX}.png"
                items.append(Item(f"{city.name}_{image.stem}", image, label, city.name))
    return items


def _base(root: Path) -> Path:
    """The folder of the cities: the first place below which one has images."""
    places = (root, root / "NTHU_Datasets", root / "crosscity")
    return next((place for place in places if any(place.glob("*/Images"))), root)


def listed(root: Path, split: str) -> dict[str, list[str]]:
    """The names of the images in the lists of a split, by city; cities without a list are left out."""
    files = {city.name: _ids(city / "List" / f"{split}.txt") for city in _base(root).glob("*")}
    return {city: [f"{city}_{name}" for name in ids] for city, ids in files.items() if ids is not None}


def _ids(path: Path) -> set[str] | None:
    """The ids of a list, one a line, with or without folder and suffix; None without a list."""
    if not path.is_file():
        return None
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {Path(line.split()[0]).name.split(".")[0].removesuffix(_LABEL_SUFFIX) for line in lines if line}


LAYOUT = Layout(
    name="crosscity",
    find=find,
    legal_values=(*range(34), IGNORE),
    train_id_of_value=TRAIN_ID_OF_LABEL_ID,
    counts={"train": 3200, "test": 100},
    counted_by_group=True,
    listed=listed,
)
