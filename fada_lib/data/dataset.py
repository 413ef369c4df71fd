"""A segmentation data set: decoded once when it fits in memory or a cache is named, the same pixels either way."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fada_lib.data.cache import PixelCache, Pixels, decode
from fada_lib.data.classes import IGNORE, ClassSet
from fada_lib.data.decode import read_image, read_label_values
from fada_lib.data.layouts import Item, Layout
from fada_lib.data.transforms import Augmentation, augment, resize, to_tensor
from fada_lib.parameters import UserError

MEMORY_BUDGET = 512 * 2**20
"""Bytes up to which a data set's decoded pixels are kept (8-bit: 4 bytes a pixel with the label), all or none.

Every loader process keeps its own: of a data set far beyond the budget, a part would hardly ever be asked for again.
"""


class SegmentationDataset:
    """Images and labels of one part of one domain.

    Parameters
    ----------
    items : sequence of Item
        The files, in the order of the indices.
    form : Layout
        How labels are read, and what their values mean.
    classes : ClassSet
        Labels come as channels of this set, 255 elsewhere.
    pseudo_labels : Path, optional
        A folder of `<name>.png` channel maps that replace the labels (self-distillation).
    cache : PixelCache, optional
        Where decoded training images are kept.
    records : Path, optional
        Where the contents of the labels are kept, see `fada_lib.data.records`.

    Attributes
    ----------
    recolour : callable or None
        What decoded RGB images go through before anything else, None at first. In memory it is done once an image; a
        cache keeps the colours on disk, at full size, and every example pays for it.
    """

    def __init__(
        self,
        items: Sequence[Item],
        form: Layout,
        classes: ClassSet,
        pseudo_labels: Path | None = None,
        cache: PixelCache | None = None,
        records: Path | None = None,
    ) -> None:
        self.items = list(items)
        self.form = form
        self.classes = classes
        self.pseudo_labels = pseudo_labels
        self.cache = cache
        self.records = records
        self.channel_of_value = classes.channel_of_train_id[form.train_id_of_value]
        self.recolour: Callable[[Image.Image], Image.Image] | None = None
        self._decoded: dict[int, tuple[Image.Image, Image.Image]] = {}

    def __len__(self) -> int:
        return len(self.items)

    @property
    def labelled(self) -> bool:
        """Whether there is anything to learn from or to be judged by."""
        return self.pseudo_labels is not None or any(item.label for item in self.items)

    def require_labels(self, purpose: str) -> None:
        """Raise `UserError` if the images have no labels; `purpose` ends the line."""
        if not self.labelled:
            raise UserError(f"{self.form.name}: {self.items[0].image.parent} has no labels {purpose}")

    def load(self, index: int) -> tuple[Image.Image, Image.Image]:
        """The RGB image and its label as channels (mode L; 255 everywhere without one), at their size on disk.

        Raises
        ------
        UserError
            For a damaged file, or a label whose size differs from its image's.
        """
        if index not in self._decoded:
            pair = self._decode(self.items[index])
            if len(self) * pair[0].width * pair[0].height * 4 > MEMORY_BUDGET:
                return pair
            self._decoded[index] = pair
        return self._decoded[index]

    def example(self, index: int, size: tuple[int, ...], choice: Augmentation) -> tuple[torch.Tensor, torch.Tensor]:
        """A training example: (3, H, W) uint8 image and (H, W) uint8 channels, augmented by `choice`."""
        if self.cache is None:
            pair = self.load(index)
        else:
            pair = self._cached(index, self._size_to_keep(size, choice.jitter is not None))
        image, label = augment(*pair, size, choice)
        return to_tensor(image), to_tensor(label)

    def test_example(self, index: int, size: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """A test example: the image at the test `size`, the label at its own size; never from the cache."""
        image, label = self.load(index)
        return to_tensor(resize(image, None, size)[0]), to_tensor(label)

    def decode_once(
        self, size: tuple[int, ...], jitter: tuple[float, ...], on_progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """Fill the cache, if there is one, with what training at `size` under `jitter` reads."""
        if self.cache is not None:
            kept = self._size_to_keep(size, any(jitter))
            self.cache.fill(self.items, self.form, kept, on_progress)

    def _cached(self, index: int, size: tuple[int, ...]) -> tuple[Image.Image, Image.Image]:
        """As `load`, at `size` and by way of the cache."""
        item = self.items[index]
        pixels = self.cache.fetch(item, self.form, size)
        image = self._recoloured(pixels.image)
        if self.pseudo_labels is None:
            return image, self._channels(pixels)
        label = self._pseudo_label(item, pixels.own_size)
        return image, label.resize(image.size, Image.Resampling.NEAREST)

    def _decode(self, item: Item) -> tuple[Image.Image, Image.Image]:
        if self.pseudo_labels is not None:
            image = read_image(item.image)
            return self._recoloured(image), self._pseudo_label(item, image.size)
        pixels = decode(item, self.form)
        return self._recoloured(pixels.image), self._channels(pixels)

    def _recoloured(self, image: Image.Image) -> Image.Image:
        return image if self.recolour is None else self.recolour(image)

    def _channels(self, pixels: Pixels) -> Image.Image:
        if pixels.values is None:
            return Image.new("L", pixels.image.size, IGNORE)
        return Image.fromarray(self.channel_of_value[np.asarray(pixels.values)])

    def _pseudo_label(self, item: Item, size: tuple[int, int]) -> Image.Image:
        path = self.pseudo_labels / f"{item.name}.png"
        label = Image.fromarray(read_label_values(path))
        if label.size != size:
            raise UserError(f"{path} is {label.size} but its image is {size}: label the target again")
        return label

    def _size_to_keep(self, size: tuple[int, ...], jittered: bool) -> tuple[int, ...]:
        """The size at which pixels are cached: what comes before the resize needs the image's own."""
        return () if jittered or self.recolour is not None else size
