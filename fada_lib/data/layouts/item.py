"""One image on disk with its label, and the ways in which all layouts look for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Item:
    """An image, its label file (None: it has none), a unique name and the group (city, sequence) it belongs to."""

    name: str
    image: Path
    label: Path | None
    group: str


def images_in(folder: Path) -> list[Path]:
    """The images of a folder, sorted by name; an absent folder holds none. Hidden files (``._x.png``) are none."""
    return images_among(folder.glob("*"))


def images_among(paths: Iterable[Path]) -> list[Path]:
    """Those of the paths that name an image, sorted."""
    return sorted(p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))


def base_folder(root: Path, inside: str, *names: str) -> Path:
    """The folder that holds `inside`: `root` itself, or one called like the data set below it.

    Parameters
    ----------
    root : Path
        What the user named: the folder of one data set, or the folder where all lie.
    inside : str
        A folder that every copy of the data set has.
    *names : str
        What the data set's folder is called; where none is found, it is `root`.
    """
    candidates = [root, *(root / name for name in names)]
    return next((c for c in candidates if (c / inside).is_dir()), candidates[0])
