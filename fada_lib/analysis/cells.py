"""Which feature pixels are looked at: chosen from the labels alone, so they are the same for every method."""

from dataclasses import dataclass

import numpy as np

from fada_lib.data.classes import IGNORE
from fada_lib.data.dataset import SegmentationDataset


@dataclass(frozen=True)
class Cells:
    """N feature pixels of one domain.

    Attributes
    ----------
    images, rows, columns, classes : (N,) int arrays
        Index in the data set, position in the feature map, ground-truth channel.
    """

    images: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def pure_cells(channels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The class of every feature cell whose block of the label holds one class only, `IGNORE` elsewhere.

    Parameters
    ----------
    channels : (H, W) uint8 array
    shape : (h, w)
        Of the feature map; cell (r, c) covers label rows r H/h to (r+1) H/h.
    """
    h, w = shape
    block_h, block_w = -(-channels.shape[0] // h), -(-channels.shape[1] // w)
    rows = (np.arange(h * block_h) * channels.shape[0]) // (h * block_h)
    columns = (np.arange(w * block_w) * channels.shape[1]) // (w * block_w)
    blocks = channels[rows][:, columns].reshape(h, block_h, w, block_w)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return np.where(low == high, low, IGNORE).astype(np.uint8)


def sample_cells(
    dataset: SegmentationDataset, stride: int, count: int, seed: int, test_size: tuple[int, ...] = ()
) -> Cells:
    """Draw up to `count` pure cells of all images, the same number per class as far as classes have them.

    `stride` is the networks' output stride, `test_size` (width, height) the size that they are tested at.
    """
    rng = np.random.default_rng((seed, 5))
    positions = []
    for index in range(len(dataset)):
        label = np.array(dataset.load(index)[1])
        width, height = test_size or label.shape[::-1]
        shape = (-(-height // stride), -(-width // stride))
        cells = pure_cells(label, shape)
        rows, columns = np.nonzero(cells != IGNORE)
        positions.append(np.stack([np.full(len(rows), index), rows, columns, cells[rows, columns]], axis=1))
    table = np.concatenate(positions)
    by_class = [rng.permutation(table[table[:, 3] == c]) for c in range(len(dataset.classes))]
    quotas = fair_quotas([len(cells) for cells in by_class], count)
    chosen = np.concatenate([cells[:quota] for cells, quota in zip(by_class, quotas, strict=True)])
    return Cells(*chosen[np.lexsort((chosen[:, 2], chosen[:, 1], chosen[:, 0]))].T)


def fair_quotas(available: list[int], count: int) -> list[int]:
    """Share `count` among classes equally; what a rare class cannot fill goes to the others."""
    quotas = [0] * len(available)
    open_classes = [c for c, n in enumerate(available) if n]
    left = count
    while open_classes and left >= len(open_classes):
        share = left // len(open_classes)
        for c in open_classes:
            given = min(share, available[c] - quotas[c])
            quotas[c] += given
            left -= given
        open_classes = [c for c in open_classes if quotas[c] < available[c]]
    for c in open_classes[:left]:
        quotas[c] += 1
    return quotas
