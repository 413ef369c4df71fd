"""From the bytes of an image or label file to pixels, the one place where files are decoded; and back to a PNG."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fada_lib.files import write_atomically
from fada_lib.parameters import UserError

HIGH_BYTES, LOW_BYTES = "RGB;16B", "RGB;16L"
"""Pillow's names of 16-bit RGB whose values begin with the high and with the low byte; PNG is the first."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_image(path: Path) -> Image.Image:
    """Decode an image to RGB, turned upright by its camera's mark; `UserError` names a missing or damaged file."""
    with _named(path), Image.open(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return image.convert("RGB")


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W) or (H, W, 3) uint8 values as a PNG, atomically."""
    write_atomically(path, lambda temporary: Image.fromarray(pixels).save(temporary, format="PNG"))


def read_label_values(path: Path) -> np.ndarray:
    """The stored (H, W) uint8 values of a label PNG of one 8-bit channel, palette indices included.

    Raises
    ------
    UserError
        For a missing or damaged file, one with colours instead of values, one with 16 bits a channel (Pillow would
        read its high bytes, all zero), or one that a lossy compression has been through.
    """
    with _named(path), Image.open(path) as image:
        bits = _bits_per_channel(path)
        if bits == 16:
            raise UserError(
                f"{path} has mode {image.mode} with 16 bits a channel, labels of this layout 8: is it SYNTHIA's?"
            )
        if image.mode not in ("L", "P"):
            raise UserError(f"{path} has mode {image.mode}, labels have one 8-bit channel: is it the colour folder?")
        if not bits:
            raise UserError(f"{path} is a {image.format} file inside: labels must be PNG, which loses nothing")
        return np.array(image)


def read_16_bit_label(path: Path) -> np.ndarray:
    """The (H, W) uint8 classes of a label PNG with 16 bits a channel: its first channel, as in SYNTHIA.

    Raises
    ------
    UserError
        For a missing or damaged file, one that is no RGB of 16 bits a channel, or a class above 255.
    """
    with _named(path):
        bits = _bits_per_channel(path)
        if bits and bits != 16:
            raise UserError(f"{path} has {bits} bits a channel, labels of this layout 16: is it the colour folder?")
        high, low = (_bytes_of_16_bit_rgb(path, rawmode)[:, :, 0] for rawmode in (HIGH_BYTES, LOW_BYTES))
    if high.any():
        largest = 256 * int(high.max()) + int(low[high == high.max()].max())
        raise UserError(f"{path} holds the class {largest}: its first channel is not the class map")
    return low


def _bytes_of_16_bit_rgb(path: Path, rawmode: str) -> np.ndarray:
    """One of the two bytes of each value of a 16-bit RGB PNG, (H, W, 3) uint8.

    Pillow has no mode for such a picture and keeps the high byte of each value; told that the low one comes first, it
    keeps that. (torchvision's decoders would do, but are to be removed.)
    """
    with Image.open(path) as image:
        if [tile.args for tile in image.tile] != [HIGH_BYTES]:
            raise UserError(f"{path} is a {image.format} of mode {image.mode}, labels of this layout are 16-bit RGB")
        image.tile = [tile._replace(args=rawmode) for tile in image.tile]
        return np.array(image)


def _bits_per_channel(path: Path) -> int:
    """1, 2, 4, 8 or 16 from a PNG's header; 0 if the file is no PNG."""
    with path.open("rb") as file:
        header = file.read(25)
    return header[24] if header[:8] == PNG_SIGNATURE and len(header) == 25 else 0


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn what a decoder may raise for a missing or damaged file into one line with its name."""
    try:
        yield
    except (OSError, SyntaxError, ValueError, RuntimeError, Image.DecompressionBombError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}): restore it from the download or save it again") from error
