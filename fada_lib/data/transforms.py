"""From a decoded image and label to the tensors that a network sees; every random choice is an argument.

Resizing follows the authors' release: images by Pillow's antialiased bicubic filter, labels by nearest
neighbour, plain resize without crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torchvision.transforms.v2.functional as TF
from PIL import Image

from fada_lib.data.classes import IGNORE

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


@dataclass(frozen=True)
class Augmentation:
    """The random choices of one training example.

    Parameters
    ----------
    flip : bool
        Mirror image and label.
    jitter : tuple of float or None
        Factors of brightness, contrast and saturation (1 is neutral) and the hue's shift (0 is neutral, in turns).
    scale : float
        Enlargement before a crop; 1 and no `crop` mean that nothing is cropped.
    corner : tuple of float
        Position of the crop, as fractions (vertical, horizontal) of the free play, each in 0..1.
    crop : tuple of int
        (width, height) of the crop; empty crops back to the training size.
    order : tuple of int
        In which the four changes of `jitter` follow each other.
    """

    flip: bool = False
    jitter: tuple[float, float, float, float] | None = None
    scale: float = 1.0
    corner: tuple[float, float] = (0.0, 0.0)
    crop: tuple[int, ...] = ()
    order: tuple[int, ...] = (0, 1, 2, 3)


def draw_augmentation(
    rng: np.random.Generator,
    flip_probability: float,
    jitter: tuple[float, ...],
    scales: tuple[float, ...] = (1.0, 1.0),
) -> Augmentation:
    """Draw an `Augmentation`; `jitter` holds the four half-widths that `torchvision`'s ColorJitter takes.

    As there, the four changes of colour come in random order.
    """
    flip = bool(rng.random() < flip_probability)
    factors = None
    if any(jitter):
        spread = [rng.uniform(max(0.0, 1.0 - j), 1.0 + j) for j in jitter[:3]]
        factors = (*spread, rng.uniform(-jitter[3], jitter[3]))
    scale = float(rng.uniform(*scales)) if scales[0] != scales[1] else float(scales[0])
    corner = (float(rng.random()), float(rng.random()))
    order = Augmentation.order if factors is None else tuple(int(k) for k in rng.permutation(4))
    return Augmentation(flip, factors, scale, corner, order=order)


def resize(image: Image.Image, label: Image.Image | None, size: tuple[int, ...]) -> tuple:
    """Resize to `size` = (width, height): bicubic image, nearest label; an empty size leaves both."""
    if not size or image.size == tuple(size):
        return image, label
    resized = image.resize(size, Image.Resampling.BICUBIC)
    return resized, None if label is None else label.resize(size, Image.Resampling.NEAREST)


def color_jitter(
    image: Image.Image, factors: tuple[float, float, float, float], order: tuple[int, ...] = Augmentation.order
) -> Image.Image:
    """Change brightness, contrast, saturation and hue in `order`, which matters: each clips at 0 and 255."""
    for k in order:
        if k != 3 or factors[3]:
            image = _CHANGES[k](image, factors[k])
    return image


_CHANGES = (TF.adjust_brightness, TF.adjust_contrast, TF.adjust_saturation, TF.adjust_hue)


def crop(image: Image.Image, label: Image.Image, size: tuple[int, int], corner: tuple[float, float]) -> tuple:
    """Crop (width, height) at `corner`; where the image is smaller it is padded with black and `IGNORE`."""
    box_x = round(corner[1] * max(0, image.width - size[0]))
    box_y = round(corner[0] * max(0, image.height - size[1]))
    canvas, truth = Image.new("RGB", size), Image.new("L", size, IGNORE)
    window = (box_x, box_y, min(box_x + size[0], image.width), min(box_y + size[1], image.height))
    canvas.paste(image.crop(window))
    truth.paste(label.crop(window))
    return canvas, truth


def augment(image: Image.Image, label: Image.Image, size: tuple[int, ...], choice: Augmentation) -> tuple:
    """Jitter, resize, scale (truncated to whole pixels) and crop, flip: the release's way. `label` has mode L."""
    if choice.jitter is not None:
        image = color_jitter(image, choice.jitter, choice.order)
    image, label = resize(image, label, size)
    if choice.crop or choice.scale != 1.0:
        target = choice.crop or image.size
        image, label = resize(image, label, tuple(int(side * choice.scale) for side in image.size))
        image, label = crop(image, label, target, choice.corner)
    if choice.flip:
        image, label = (x.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for x in (image, label))
    return image, label


def normalise(images: torch.Tensor, convention: str = "imagenet_rgb") -> torch.Tensor:
    """(N, 3, H, W) uint8 RGB to the float input of a backbone.

    ``imagenet_rgb`` divides by 255 and standardises as torchvision's weights want it; ``caffe_bgr`` keeps
    0..255, swaps to BGR and subtracts Caffe's mean (VGG-16 of the release).
    """
    if convention == "caffe_bgr":
        return images.flip(1).float() - _by_channel(CAFFE_MEAN_BGR, images.device)
    mean, std = (_by_channel(values, images.device) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images.float() / 255.0 - mean) / std


def _by_channel(values: tuple[float, float, float], device: torch.device) -> torch.Tensor:
    """(3, 1, 1) constants made on the device: a copy from the processor would wait for all work queued there."""
    return torch.stack([torch.full((1, 1), value, device=device) for value in values])


def to_tensor(image: Image.Image) -> torch.Tensor:
    """A Pillow image as (3, H, W) uint8, a label as (H, W) uint8."""
    array = np.array(image)
    return torch.from_numpy(array if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))
