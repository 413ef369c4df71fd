"""One labelled image on disk."""

from dataclasses import dataclass
from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, order=True)
class Item:
    """An image, its label file, a unique name and the group (city, sequence) that it belongs to."""

    name: str
    image: Path
    label: Path
    group: str


def images_in(folder: Path) -> list[Path]:
    """The images of a folder, sorted by name; an absent folder holds none."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
