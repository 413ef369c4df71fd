"""A segmentation data set: decoded once when it fits in memory, the same pixels either way."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fada_lib.data.classes import ClassSet
from fada_lib.data.layouts import Item, layout
from fada_lib.data.transforms import Augmentation, augment, resize, to_tensor
from fada_lib.parameters import UserError

MEMORY_BUDGET = 512 * 2**20
"""Bytes up to which a data set's decoded pixels are kept (8-bit: 4 bytes a pixel with the label)."""


class SegmentationDataset:
    """Images and labels of one part of one domain.

    Parameters
    ----------
    items : sequence of Item
        The files, in the order of the indices.
    layout_name : str
        Which label encoding the files use.
    classes : ClassSet
        Labels come as channels of this set, 255 elsewhere.
    pseudo_labels : Path, optional
        A folder of `<name>.png` channel maps that replace the labels (self-distillation).
    """

    def __init__(
        self, items: Sequence[Item], layout_name: str, classes: ClassSet, pseudo_labels: Path | None = None
    ) -> None:
        self.items = list(items)
        self.classes = classes
        self.pseudo_labels = pseudo_labels
        self._channel_of_value = classes.channel_of_train_id[layout(layout_name).train_id_of_value]
        self._decoded: dict[int, tuple[Image.Image, Image.Image]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.items)

    def load(self, index: int) -> tuple[Image.Image, Image.Image]:
        """The RGB image and its label as channels (mode L), at their size on disk.

        Raises
        ------
        UserError
            For a damaged file, or a label whose size differs from its image's.
        """
        if index not in self._decoded:
            pair = self._decode(self.items[index])
            size = pair[0].width * pair[0].height * 4
            if self._bytes + size > MEMORY_BUDGET:
                return pair
            self._bytes += size
            self._decoded[index] = pair
        return self._decoded[index]

    def example(self, index: int, size: tuple[int, ...], choice: Augmentation) -> tuple[torch.Tensor, torch.Tensor]:
        """A training example: (3, H, W) uint8 image and (H, W) uint8 channels, augmented by `choice`."""
        image, label = augment(*self.load(index), size, choice)
        return to_tensor(image), to_tensor(label)

    def test_example(self, index: int, size: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """A test example: the image at the test `size`, the label at its own size."""
        image, label = self.load(index)
        return to_tensor(resize(image, None, size)[0]), to_tensor(label)

    def _decode(self, item: Item) -> tuple[Image.Image, Image.Image]:
        image = read_image(item.image)
        if self.pseudo_labels is not None:
            path = self.pseudo_labels / f"{item.name}.png"
            label = Image.fromarray(read_label_values(path))
        else:
            path = item.label
            label = Image.fromarray(self._channel_of_value[read_label_values(path)])
        if label.size != image.size:
            raise UserError(f"{path} is {label.size} but its image is {image.size}: remove or mend this pair")
        return image, label


def read_image(path: Path) -> Image.Image:
    """Decode an image to RGB; `UserError` names a missing or damaged file."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): restore it from the download") from error


def read_label_values(path: Path) -> np.ndarray:
    """The stored (H, W) uint8 values of a label PNG, palette indices included; `UserError` if it is no such file."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P"):
                raise UserError(
                    f"{path} has mode {image.mode}, labels have one 8-bit channel: is it the colour folder?"
                )
            return np.array(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): restore it from the download") from error
