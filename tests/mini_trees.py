"""Miniature copies of the data sets, in the layouts and encodings of their downloads: a few tiny images each.

`make_tree(layout, folder)` writes one and returns its root. The pictures are patches of classes in colours of their
own with a little noise, so that a network can learn from them; equal seeds give equal trees.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from fada_lib.data.classes import CITYSCAPES_LABELS, LABEL_ID_TO_TRAIN_ID
from fada_lib.data.layouts import LAYOUTS

CITIES = ("aachen", "ulm")
CROSSCITY = ("Rio", "Rome")
OWN_VALUES = {"road": 1, "sidewalk": 2, "building": [3, 4], "sky": 6, "car": 7, "tram": 8, "ignored": [0, 255]}
OWN_CLASSES = "road, sidewalk, building, sky, car, tram=#ff8800"


def make_tree(layout: str, folder: Path, images: int = 4, size: tuple[int, int] = (96, 64), seed: int = 0) -> Path:
    """Write a miniature tree and return its root.

    Parameters
    ----------
    layout : str
        ``gta5``: palette PNGs; ``synthia``: 16-bit RGB PNGs; ``cityscapes``: train of two cities and val;
        ``crosscity``: two cities, JPEG images, lists, unlabelled train and labelled test; ``camvid``: three splits,
        day and dusk; ``folders``: `train` and `val`, each with `images` (JPEG) and `labels`, of `OWN_VALUES`.
    folder : Path
        Becomes the root.
    images : int
        Per split, and per city where there are cities in it.
    size : (int, int)
        (width, height) of all images.
    seed : int
    """
    writers = {
        "gta5": _gta5,
        "synthia": _synthia,
        "cityscapes": _cityscapes,
        "crosscity": _crosscity,
        "camvid": _camvid,
        "folders": _folders,
    }
    writers[layout](folder, images, size, np.random.default_rng((seed, sorted(writers).index(layout))))
    return folder


def scene(layout: str, size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) picture and (H, W) stored label values: six blocks, most of a class and some of none."""
    table = LAYOUTS[layout].train_id_of_value
    legal = sorted(LAYOUTS[layout].legal_values) or [0, 1, 2, 3, 4, 6, 7, 8]
    classes = [v for v in legal if table[v] != 255] or [v for v in legal if v]
    blocks = rng.choice(classes, (2, 3))
    if rng.random() < 0.5:
        blocks[0, 0] = 0
    width, height = size
    values = blocks[np.arange(height)[:, None] * 2 // height, np.arange(width)[None] * 3 // width].astype(np.uint8)
    colours = np.stack([np.arange(256) * k % 256 for k in (37, 91, 151)], axis=1)
    picture = colours[values] + rng.integers(-20, 21, (height, width, 3))
    return picture.clip(0, 255).astype(np.uint8), values


def write_16_bit_png(path: Path, values: np.ndarray) -> None:
    """An (H, W, 3) array 0..65535 as an RGB PNG of 16 bits a channel, which Pillow cannot write; rows are filtered."""
    height, width, _ = values.shape
    content = np.frombuffer(values.astype(">u2").tobytes(), np.uint8).reshape(height, -1)
    upwards = content - np.vstack((np.zeros_like(content[:1]), content[:-1]))
    rows = b"".join(b"\2" + row.tobytes() for row in upwards)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    )


def write_palette_png(path: Path, values: np.ndarray) -> None:
    """An (H, W) uint8 array as a palette PNG in Cityscapes' colours."""
    colours = np.zeros((256, 3), np.uint8)
    for label_id, _, _, rgb in CITYSCAPES_LABELS:
        colours[label_id] = rgb
    picture = Image.fromarray(values)
    picture.putpalette(colours.ravel().tolist())
    _save(path, picture)


def _save(path: Path, picture: Image.Image | np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(path)


def _gta5(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    for number in range(1, images + 1):
        picture, values = scene("gta5", size, rng)
        _save(root / f"images/{number:05d}.png", picture)
        write_palette_png(root / f"labels/{number:05d}.png", values)


def _synthia(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    base = root / "RAND_CITYSCAPES"
    for number in range(images):
        picture, values = scene("synthia", size, rng)
        instances = rng.integers(0, 65536, values.shape)
        _save(base / f"RGB/{number:07d}.png", picture)
        _save(base / f"GT/COLOR/{number:07d}.png", picture)
        write_16_bit_png(base / f"GT/LABELS/{number:07d}.png", np.stack([values, instances, 0 * instances], axis=2))


def _cityscapes(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    for split, city in (*(("train", city) for city in CITIES), ("val", "bonn")):
        for frame in range(images):
            picture, values = scene("cityscapes", size, rng)
            stem = f"{split}/{city}/{city}_{frame:06d}_000019"
            _save(root / f"leftImg8bit/{stem}_leftImg8bit.png", picture)
            _save(root / f"gtFine/{stem}_gtFine_labelIds.png", values)


def _crosscity(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    """Only the 13 classes that Cross-City annotates occur."""
    lacking = [i for i, t in LABEL_ID_TO_TRAIN_ID.items() if t in (3, 4, 5, 9, 14, 16)]
    for city in CROSSCITY:
        base = root / "NTHU_Datasets" / city
        for split in ("Train", "Test"):
            ids = [f"pano_{number:05d}_{number % 4}_0" for number in range(images)]
            for name in ids:
                picture, values = scene("crosscity", size, rng)
                _save(base / f"Images/{split}/{name}.jpg", picture)
                if split == "Test":
                    _save(base / f"Labels/Test/{name}_eval.png", np.where(np.isin(values, lacking), 0, values))
            (base / "List").mkdir(exist_ok=True)
            (base / f"List/{split.lower()}.txt").write_text("".join(f"{name}\n" for name in ids))


def _camvid(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    for split in ("train", "val", "test"):
        for number in range(images):
            picture, values = scene("camvid", size, rng)
            name = f"{'0001TP' if number % 2 else '0006R0'}_{number:06d}"
            _save(root / f"{split}/{name}.png", picture)
            _save(root / f"{split}annot/{name}.png", values)
        lines = "".join(f"/SegNet/CamVid/{split}/{p.name}\n" for p in sorted((root / split).glob("*.png")))
        (root / f"{split}.txt").write_text(lines)


def _folders(root: Path, images: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    for split in ("train", "val"):
        for number in range(images):
            picture, values = scene("folders", size, rng)
            _save(root / split / f"images/photo {number}.jpg", picture)
            _save(root / split / f"labels/photo {number}.png", values)
