"""Writes a made world to disk in the layouts of GTA5 (source) and Cityscapes (target)."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from fada_lib.data.classes import CITYSCAPES_LABELS
from fada_lib.data.world.render import render_source, render_target
from fada_lib.data.world.spec import WorldSpec
from fada_lib.parameters import UserError

GENERATOR_VERSION = 1
"""Raise it whenever the images of the same `WorldSpec` change."""

TRAIN_CITIES = ("marlwick", "ostenbrae", "pellafurt")
TUNE_CITY = "tunewick"
"""Invented city under `train/` that parameters are chosen on; adaptation never sees it."""
VAL_CITY = "valmoor"

Job = tuple[Callable[[WorldSpec, str, int], tuple[np.ndarray, np.ndarray]], str, int, Path, Path]


def make_world(root: Path, spec: WorldSpec, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Write the world of `spec` to `root`, or return at once if it is there already.

    The world is written to a hidden folder next to `root` that gets its name when it is complete, so
    `root` never holds half a world. A half-written folder of an earlier attempt is removed.

    Parameters
    ----------
    root : Path
        Folder to create; gets `gta5/`, `cityscapes/` and `world.json`.
    spec : WorldSpec
    on_progress : callable, optional
        Called as on_progress(done, total) after every image.

    Raises
    ------
    UserError
        If `root` holds anything other than this very world, or cannot be written, e.g. on a full disk.
    """
    root = Path(root)
    description = {"generator": GENERATOR_VERSION, "spec": asdict(spec)}
    if _exists(root, description):
        return
    try:
        _write(root, spec, description, on_progress)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {root}: {reason}; free some space or choose --output") from error


def _write(root: Path, spec: WorldSpec, description: dict, on_progress: Callable[[int, int], None] | None) -> None:
    """Make the world beside `root`, then give it its name."""
    partial = root.with_name(f".{root.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    for done, job in enumerate(_jobs(partial, spec), start=1):
        _write_one(spec, job)
        if on_progress:
            on_progress(done, spec.images)
    partial.mkdir(parents=True, exist_ok=True)
    (partial / "world.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    if root.exists():
        root.rmdir()
    partial.rename(root)


def _exists(root: Path, description: dict) -> bool:
    """Tell whether `root` holds the described world; an absent or empty folder does not."""
    record = root / "world.json"
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    if not record.is_file():
        raise UserError(f"{root} holds files but no world.json: choose another folder for the made world")
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{record} is damaged: delete {root} to make the world again") from error
    if found != description:
        raise UserError(f"{root} holds a world of another spec or generator: delete it or use another folder")
    return True


def _jobs(root: Path, spec: WorldSpec) -> Iterator[Job]:
    """Yield what to render and where to put image and labels, in the order of the file names."""
    number = 0
    for split, count in (("train", spec.source_train_images), ("val", spec.source_val_images)):
        for index in range(count):
            number += 1
            folder, name = root / "gta5", f"{number:05d}.png"
            yield render_source, split, index, folder / "images" / name, folder / "labels" / name
    for split, index, place, city, frame in _target_frames(spec):
        stem = f"{city}_{frame:06d}_000019"
        image = root / "cityscapes" / "leftImg8bit" / place / city / f"{stem}_leftImg8bit.png"
        label = root / "cityscapes" / "gtFine" / place / city / f"{stem}_gtFine_labelIds.png"
        yield render_target, split, index, image, label


def _target_frames(spec: WorldSpec) -> Iterator[tuple[str, int, str, str, int]]:
    """Yield (split, index in the split, folder, city, number in the city) of each target image."""
    first = {}
    for index in range(spec.target_train_images):
        city = TRAIN_CITIES[index * len(TRAIN_CITIES) // spec.target_train_images]
        yield "train", index, "train", city, index - first.setdefault(city, index)
    for index in range(spec.target_tune_images):
        yield "tune", index, "train", TUNE_CITY, index
    for index in range(spec.target_val_images):
        yield "val", index, "val", VAL_CITY, index


def _write_one(spec: WorldSpec, job: Job) -> None:
    render, split, index, image_path, label_path = job
    image, labels = render(spec, split, index)
    picture = Image.fromarray(labels)
    if render is render_source:
        picture.putpalette(_label_colours())
    for array, path in ((Image.fromarray(image), image_path), (picture, label_path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        array.save(path, compress_level=1)


def _label_colours() -> list[int]:
    """Return Cityscapes' colours by label id as Pillow wants them: 256 x (R, G, B), flat."""
    colours = np.zeros((256, 3), np.uint8)
    for label_id, _, _, rgb in CITYSCAPES_LABELS:
        colours[label_id] = rgb
    return colours.ravel().tolist()
