"""Decoded once: images and labels at training size on disk, so that decoding PNGs never limits a GPU.

Format: one uncompressed `.npz` per image, with the RGB pixels and the stored label values (before the class map, so
all class sets share it), the image's own size, and a stamp. One file per image rather than one large array, because
then an entry is written atomically, a killed run goes on where it was, images may differ in size and one changed
file costs one entry; uncompressed, because reading is then as fast as the disk and a checksum (zip's CRC) still
guards it. Gain: a training example of a 1914x1052 PNG at 1280x720 took 12 ms instead of 167 on one busy CPU core.
Price: 4 bytes a pixel, 3.7 MB for an image of 1280x720, 92 GB for all of GTA5, 6 GB for Cityscapes at 1024x512.

An entry is made anew when its stamp differs: layout, paths, sizes and times of change of image and label, the training
size, the resize filters and Pillow's version.

Colour jitter comes *before* the resize, as in the release, so a jittered image has to start from its full size. A
jittered stream therefore uses entries of full size (`size` empty): decoding is saved, jitter and resize are not (267
ms instead of 359), and an image of GTA5 takes 8 MB (200 GB in all). The same holds without a training size.

Nothing is removed by itself: entries of images that are gone and of sizes that no study uses any more stay until their
folder is deleted, which costs no more than making them again. Test images are never cached: an evaluation of
Cityscapes' 500 reads each up to three times a run, a minute beside the hours of its training.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from fada_lib.data.decode import read_image
from fada_lib.data.layouts import Item, Layout
from fada_lib.data.parallel import in_parallel
from fada_lib.data.records import stamp_of
from fada_lib.data.transforms import resize
from fada_lib.files import write_atomically
from fada_lib.parameters import UserError

FILTERS = "upright, bicubic, nearest"


@dataclass(frozen=True)
class Pixels:
    """A decoded pair.

    Attributes
    ----------
    image : PIL image
        RGB.
    values : PIL image or None
        Stored label values (mode L) at the size of `image`; None without a label.
    own_size : tuple of int
        (width, height) of the image on disk.
    """

    image: Image.Image
    values: Image.Image | None
    own_size: tuple[int, int]


def decode(item: Item, form: Layout, size: tuple[int, ...] = ()) -> Pixels:
    """Decode a pair and resize it to `size` = (width, height), empty for its own.

    Raises
    ------
    UserError
        For a damaged file, or a label whose size differs from its image's.
    """
    image = read_image(item.image)
    values = None
    if item.label is not None:
        values = Image.fromarray(form.read_values(item.label))
        if values.size != image.size:
            raise UserError(f"{item.label} is {values.size} but its image is {image.size}: remove or mend this pair")
    return Pixels(*resize(image, values, size), own_size=image.size)


@dataclass(frozen=True)
class PixelCache:
    """Entries below `folder`, by layout and size."""

    folder: Path

    def fetch(self, item: Item, form: Layout, size: tuple[int, ...] = ()) -> Pixels:
        """As `decode`, from the entry; a missing, outdated or damaged entry is written first."""
        path, stamp = self._path(item, form, size), _stamp(item, form, size)
        found = _read(path, stamp)
        if found is None:
            found = decode(item, form, size)
            _write(path, stamp, found)
        return found

    def fill(self, items: list[Item], form: Layout, size: tuple[int, ...], on_progress: Callable[[int], None]) -> None:
        """Write the entries of all items that have none that is valid, in parallel; `on_progress` gets those done."""

        def ensure(item: Item) -> None:
            if not self._holds(item, form, size):
                self.fetch(item, form, size)

        with in_parallel(ensure, items) as ensured:
            for done, _ in enumerate(ensured, start=1):
                on_progress(done)

    def _holds(self, item: Item, form: Layout, size: tuple[int, ...]) -> bool:
        """Whether there is an entry with the right stamp; reads no pixels."""
        entry = _open(self._path(item, form, size))
        if entry is None:
            return False
        with entry:
            return _says(entry, _stamp(item, form, size))

    def _path(self, item: Item, form: Layout, size: tuple[int, ...]) -> Path:
        place = hashlib.sha256(str(item.image).encode()).hexdigest()[:8]
        return self.folder / form.name / ("x".join(map(str, size)) or "full") / f"{item.name}-{place}.npz"


def _stamp(item: Item, form: Layout, size: tuple[int, ...]) -> str:
    """64 hex digits of everything that the pixels of an entry depend on."""
    content = [*stamp_of(item, form), list(size), FILTERS, PIL.__version__]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _write(path: Path, stamp: str, pixels: Pixels) -> None:
    arrays = {"stamp": np.array(stamp), "own_size": np.array(pixels.own_size), "image": np.asarray(pixels.image)}
    if pixels.values is not None:
        arrays["values"] = np.asarray(pixels.values)
    write_atomically(path, lambda temporary: np.savez(temporary, **arrays))


def _read(path: Path, stamp: str) -> Pixels | None:
    """The pixels of an entry; None if it is absent, outdated or damaged."""
    entry = _open(path)
    if entry is None:
        return None
    with entry:
        if not _says(entry, stamp):
            return None
        try:
            values = Image.fromarray(entry["values"]) if "values" in entry else None
            return Pixels(Image.fromarray(entry["image"]), values, tuple(map(int, entry["own_size"])))
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError):
            return None


def _open(path: Path) -> np.lib.npyio.NpzFile | None:
    try:
        return np.load(path, allow_pickle=False)
    except (FileNotFoundError, zipfile.BadZipFile, ValueError, EOFError):
        return None


def _says(entry: np.lib.npyio.NpzFile, stamp: str) -> bool:
    try:
        return str(entry["stamp"]) == stamp
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError):
        return False
