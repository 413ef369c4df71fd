"""A trained network on photographs of one's own: label maps, coloured overlays and the network's confidence."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fada_lib.data.classes import CITYSCAPES_LABELS, IGNORE, ClassSet
from fada_lib.data.decode import read_image, write_png
from fada_lib.data.transforms import resize, to_tensor
from fada_lib.inference.predict import evaluating, probabilities
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import UserError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
IDS = ("channels", "train_ids", "label_ids")


class Labelled(NamedTuple):
    """What a network says about one photograph, all at the photograph's size.

    Attributes
    ----------
    path : Path
    image : (H, W, 3) uint8 array
    channels : (H, W) uint8 array
        The most probable class, as an index of the class set.
    confidence : (H, W) float32 array
        Its probability, 0..1.
    """

    path: Path
    image: np.ndarray
    channels: np.ndarray
    confidence: np.ndarray

    def overlay(self, classes: ClassSet, opacity: float = 0.55) -> np.ndarray:
        """The photograph under the classes' colours, (H, W, 3) uint8."""
        colours = classes.palette[self.channels].astype(np.float32)
        return np.rint((1 - opacity) * self.image + opacity * colours).astype(np.uint8)


def find_photographs(paths: str | Path | Sequence[Path]) -> list[Path]:
    """The photograph that a path is, or all in the folder that it is, by name; a list of photographs as it is.

    Raises
    ------
    UserError
        If there is none.
    """
    if not isinstance(paths, str | Path):
        return list(paths)
    path = Path(paths).expanduser()
    if path.is_file():
        return [path]
    found = sorted(p for p in path.glob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise UserError(f"{path} holds no photograph: name an image or a folder of {', '.join(SUFFIXES)}")
    return found


def label_photographs(
    segmenter: Segmenter,
    photographs: str | Path | Sequence[Path],
    *,
    longest_side: int = 1024,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
) -> Iterator[Labelled]:
    """Predict photographs one by one.

    Parameters
    ----------
    segmenter : Segmenter
        `fada_lib.training.checkpoint.load_trained` reads one.
    photographs : path, or paths
        An image, a folder of images or a list of images, turned upright by their camera's mark.
    longest_side : int
        The size in pixels at which the network sees them (bicubic): near that of its training. Larger photographs
        are made smaller, smaller ones stay. Maps come back at the photograph's size.
    scales, flip
        Multi-scale testing, see `fada_lib.inference.predict.probabilities`; the release's is (0.7, 1.0, 1.3), True.

    Raises
    ------
    UserError
        For no photograph, one that cannot be read, or a `longest_side` below 1.
    """
    if longest_side < 1:
        raise UserError(f"longest_side is {longest_side}: it is a number of pixels, at least 1")
    for path in find_photographs(photographs):
        image = read_image(path)
        factor = min(1.0, longest_side / max(image.size))
        small, _ = resize(image, None, tuple(max(1, round(side * factor)) for side in image.size))
        with evaluating(segmenter):
            p = probabilities(segmenter, to_tensor(small)[None], (small.height, small.width), scales, flip)
        confidence, channels = (maps[0].float().cpu().numpy() for maps in p.max(dim=1))
        yield Labelled(
            path,
            np.array(image),
            np.array(Image.fromarray(channels.astype(np.uint8)).resize(image.size, Image.Resampling.NEAREST)),
            np.array(Image.fromarray(confidence).resize(image.size, Image.Resampling.NEAREST)),
        )


def write_photographs(
    segmenter: Segmenter,
    classes: ClassSet,
    photographs: str | Path | Sequence[Path],
    folder: str | Path,
    *,
    ids: str = "label_ids",
    **options: object,
) -> list[Path]:
    """Write three PNGs for every photograph: `<name>_labels`, `<name>_overlay` and `<name>_confidence`.

    Parameters
    ----------
    segmenter, classes
        The network and its K classes.
    photographs : path, or paths
        What to read, as in `label_photographs`.
    folder : path
        Where to write.
    ids : str
        Values of the label maps: ``label_ids`` and ``train_ids`` are Cityscapes', ``channels`` the network's own.
    **options
        Of `label_photographs`.

    Returns
    -------
    list of Path
        The label maps. Confidence is stored as 0..255.

    Raises
    ------
    UserError
        As `label_photographs`; for unknown `ids`, classes that Cityscapes has no id for, or photographs that differ
        only in their ending; before anything is written.
    """
    table = id_table(classes, ids)
    _refuse_equal_names(find_photographs(photographs))
    written = []
    for labelled in label_photographs(segmenter, photographs, **options):
        stem = Path(folder).expanduser() / labelled.path.stem
        write_png(Path(f"{stem}_labels.png"), table[labelled.channels])
        write_png(Path(f"{stem}_overlay.png"), labelled.overlay(classes))
        write_png(Path(f"{stem}_confidence.png"), np.rint(255 * labelled.confidence).astype(np.uint8))
        written.append(Path(f"{stem}_labels.png"))
    return written


def id_table(classes: ClassSet, ids: str) -> np.ndarray:
    """(256,) uint8 table from channel to what label maps store."""
    if ids not in IDS:
        raise UserError(f"ids is '{ids}': choose one of {', '.join(IDS)}")
    if ids == "channels":
        return np.arange(256, dtype=np.uint8)
    id_of = {name: label if ids == "label_ids" else train for label, train, name, _ in CITYSCAPES_LABELS}
    unknown = [name for name in classes.names if name not in id_of]
    if unknown:
        raise UserError(f"ids is '{ids}' but Cityscapes has no class {unknown[0]}: set ids: channels")
    table = np.full(256, IGNORE, np.uint8)
    table[: len(classes)] = [id_of[name] for name in classes.names]
    return table


def _refuse_equal_names(paths: Sequence[Path]) -> None:
    """`street.jpg` and `street.png` would be written to the same files."""
    seen: dict[str, Path] = {}
    for path in paths:
        other = seen.setdefault(path.stem, path)
        if other is not path:
            raise UserError(f"{other} and {path.name} would both be written as {path.stem}_labels.png: rename one")
