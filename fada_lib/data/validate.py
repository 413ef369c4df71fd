"""What is wrong with a data set, by file name, before anything is trained on it; and what its labels hold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fada_lib.data.dataset import SegmentationDataset, read_image, read_label_values
from fada_lib.data.layouts import Item, layout
from fada_lib.parameters import UserError

FEW = 5
"""Names listed per problem."""


@dataclass
class Inspection:
    """Findings on one part of one domain.

    Attributes
    ----------
    images : int
        Readable pairs of image and label.
    sizes : Counter
        (width, height) -> number of images.
    values : ndarray
        (256,) pixel counts of the stored label values.
    pixels : ndarray
        (K,) pixel counts by channel.
    presence : ndarray
        (K,) number of images in which the class occurs.
    problems : list of str
        One line each, naming the file.
    """

    images: int
    sizes: Counter
    values: np.ndarray
    pixels: np.ndarray
    presence: np.ndarray
    problems: list[str] = field(default_factory=list)

    @property
    def frequencies(self) -> np.ndarray:
        """(K,) share of the labelled pixels, 0..1."""
        return self.pixels / max(1, self.pixels.sum())

    def require_sound(self, name: str) -> None:
        """Raise `UserError` naming the first damaged files, if there are any."""
        if self.problems:
            more = f" and {len(self.problems) - FEW} more" if len(self.problems) > FEW else ""
            raise UserError(f"{name}: {len(self.problems)} problems: {'; '.join(self.problems[:FEW])}{more}")


def inspect(
    dataset: SegmentationDataset, layout_name: str, on_progress: Callable[[int], None] = lambda done: None
) -> Inspection:
    """Read every image and label of `dataset` once."""
    classes = len(dataset.classes)
    found = Inspection(0, Counter(), np.zeros(256, np.int64), np.zeros(classes, np.int64), np.zeros(classes, np.int64))
    channel = dataset.classes.channel_of_train_id[layout(layout_name).train_id_of_value]
    for done, item in enumerate(dataset.items):
        try:
            size, values = _read_pair(item, layout_name)
        except UserError as error:
            found.problems.append(str(error))
        else:
            found.images += 1
            found.sizes[size] += 1
            found.values += values
            pixels = np.bincount(channel, weights=values, minlength=256)[:classes].astype(np.int64)
            found.pixels += pixels
            found.presence += pixels > 0
        on_progress(done + 1)
    return found


def _read_pair(item: Item, layout_name: str) -> tuple[tuple[int, int], np.ndarray]:
    """Size of the image and (256,) counts of its label's values."""
    image, values = read_image(item.image), read_label_values(item.label)
    if image.size != values.shape[::-1]:
        raise UserError(f"{item.label} is {values.shape[::-1]} but its image is {image.size}")
    counts = np.bincount(values.ravel(), minlength=256)
    legal = layout(layout_name).legal_values
    foreign = [int(v) for v in np.nonzero(counts)[0] if v not in legal]
    if foreign:
        raise UserError(f"{item.label} holds label values {foreign[:FEW]}, outside {layout_name}'s 0..{legal.stop - 1}")
    return image.size, counts
