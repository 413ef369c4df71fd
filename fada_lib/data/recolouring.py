"""Colour transfer between domains: the control that asks how much of a gap is only colour.

After Reinhard et al., *Color Transfer between Images* (IEEE CG&A 2001): in the decorrelated space l-alpha-beta the mean
and the standard deviation of each channel are moved from those of the source to those of the target. There it is one
picture against another, here all training images of a domain against all of the other: every source image goes
through the same map, so what varies between images (a dark street, a light one) still does. Statistics know nothing of
classes: where the target has more trees, the source's houses turn greener.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.decode import read_image
from fada_lib.data.parallel import in_parallel
from fada_lib.parameters import UserError

MOST_IMAGES = 1000
"""Of a larger domain as many images, evenly spread over the files, stand for all."""
DARKEST = 1 / 255
"""Cone responses below one grey level count as one: the logarithm of black has no end."""

_LMS_OF_RGB = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_LAB_OF_LMS = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]])
"""Eq. 4 and 6 of the paper; their inverses are taken, not typed in with its four digits."""


def lab_of_rgb(pixels: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 RGB to l-alpha-beta in float64: logarithms of cone responses, decorrelated."""
    cones = (pixels / 255.0) @ _LMS_OF_RGB.T
    return np.log10(np.maximum(cones, DARKEST)) @ _LAB_OF_LMS.T


def rgb_of_lab(lab: np.ndarray) -> np.ndarray:
    """The inverse of `lab_of_rgb`, rounded to uint8; what no screen shows is clipped."""
    rgb = 10.0 ** (lab @ np.linalg.inv(_LAB_OF_LMS).T) @ np.linalg.inv(_LMS_OF_RGB).T
    return np.clip(np.rint(255.0 * rgb), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class ColourStatistics:
    """Mean and standard deviation of l, alpha and beta over all pixels of a domain."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def colour_statistics(dataset: SegmentationDataset) -> ColourStatistics:
    """The statistics of a part's images as they lie on disk, read in parallel and summed up in the order of the files.

    Raises
    ------
    UserError
        For a damaged image.
    """
    spread = np.linspace(0, len(dataset) - 1, min(len(dataset), MOST_IMAGES)).round().astype(int)
    total, squares, pixels = np.zeros(3), np.zeros(3), 0
    with in_parallel(lambda index: _sums(dataset.items[index].image), spread.tolist()) as sums:
        for image_total, image_squares, count in sums:
            total, squares, pixels = total + image_total, squares + image_squares, pixels + count
    mean = total / pixels
    return ColourStatistics(tuple(mean.tolist()), tuple(np.sqrt(squares / pixels - mean**2).tolist()))


def colour_transfer(source: SegmentationDataset, target: SegmentationDataset) -> "ColourTransfer":
    """The map from the colours of one part to those of another; `UserError` as `colour_statistics`."""
    return ColourTransfer(colour_statistics(source), colour_statistics(target))


def _sums(path: object) -> tuple[np.ndarray, np.ndarray, int]:
    lab = lab_of_rgb(np.asarray(read_image(path))).reshape(-1, 3)
    return lab.sum(axis=0), (lab**2).sum(axis=0), len(lab)


@dataclass(frozen=True)
class ColourTransfer:
    """Recolours an image of the `source` so that its domain has the statistics of the `target`."""

    source: ColourStatistics
    target: ColourStatistics

    def __post_init__(self) -> None:
        if not min(self.source.std) > 0:
            raise UserError("source_colours is 'target', but the source has no colours to match: write own")

    def __call__(self, image: Image.Image) -> Image.Image:
        """An RGB image of the same size."""
        centred = lab_of_rgb(np.asarray(image)) - self.source.mean
        scale = np.divide(self.target.std, self.source.std)
        return Image.fromarray(rgb_of_lab(centred * scale + self.target.mean))
