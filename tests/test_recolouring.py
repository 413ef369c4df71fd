"""Colour transfer: exact there and back, the target's statistics afterwards, the same pixels from a cache."""

import math
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from fada_lib.data.cache import PixelCache
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.domains import open_part
from fada_lib.data.recolouring import (
    ColourStatistics,
    ColourTransfer,
    colour_statistics,
    colour_transfer,
    lab_of_rgb,
    rgb_of_lab,
)
from fada_lib.data.transforms import Augmentation
from fada_lib.parameters import UserError


@pytest.fixture
def source(data_run):
    return open_part(data_run, "source", "train")


@pytest.fixture
def target(data_run):
    return open_part(data_run, "target", "train")


def pixels_of(dataset, recolour=lambda image: image):
    images = (np.asarray(recolour(Image.open(item.image).convert("RGB"))) for item in dataset.items)
    return np.concatenate([image.reshape(-1, 3) for image in images])


def test_a_pixel_is_shifted_and_scaled_to_the_targets_statistics():
    r, g, b = 200 / 255, 100 / 255, 50 / 255
    cones = [
        math.log10(0.3811 * r + 0.5783 * g + 0.0402 * b),
        math.log10(0.1967 * r + 0.7244 * g + 0.0782 * b),
        math.log10(0.0241 * r + 0.1288 * g + 0.8444 * b),
    ]
    expected = [
        sum(cones) / math.sqrt(3),
        (cones[0] + cones[1] - 2 * cones[2]) / math.sqrt(6),
        (cones[0] - cones[1]) / math.sqrt(2),
    ]
    assert lab_of_rgb(np.array([200, 100, 50], np.uint8)).tolist() == pytest.approx(expected, rel=1e-12)


def test_grey_has_no_colour_but_lightness_and_black_is_finite():
    lab = lab_of_rgb(np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255]], np.uint8))
    assert np.abs(lab[1:, 1:]).max() < 0.01, "the paper's four digits leave a little"
    assert np.isfinite(lab).all() and lab[0, 0] < lab[1, 0] < lab[2, 0]


def test_every_colour_that_is_not_nearly_black_comes_back():
    grid = np.stack(np.meshgrid(*[np.arange(3, 256, 12)] * 3, indexing="ij"), axis=-1).astype(np.uint8)
    assert np.array_equal(rgb_of_lab(lab_of_rgb(grid)), grid)


def test_the_statistics_are_those_of_all_pixels_together(target):
    lab = lab_of_rgb(pixels_of(target))
    found = colour_statistics(target)
    assert found.mean == pytest.approx(lab.mean(axis=0).tolist(), rel=1e-9, abs=1e-12)
    assert found.std == pytest.approx(lab.std(axis=0).tolist(), rel=1e-6)
    assert colour_statistics(target) == found


def test_of_a_large_domain_images_spread_over_the_files_stand_for_all(target, monkeypatch):
    monkeypatch.setattr("fada_lib.data.recolouring.MOST_IMAGES", 2)
    ends = SegmentationDataset([target.items[0], target.items[-1]], target.form, target.classes)
    assert colour_statistics(target) == colour_statistics(ends)


def test_the_recoloured_source_has_the_targets_statistics(source, target):
    transfer = colour_transfer(source, target)
    before, after = (lab_of_rgb(pixels_of(source, recolour)) for recolour in (lambda image: image, transfer))
    assert after.mean(axis=0) == pytest.approx(transfer.target.mean, abs=0.005)
    assert after.std(axis=0) == pytest.approx(transfer.target.std, rel=0.05)
    assert np.abs(before.std(axis=0) / transfer.target.std - 1).max() > 0.3, "there was something to do"


def test_a_map_onto_itself_changes_nothing(source):
    own = colour_statistics(source)
    image = Image.open(source.items[0].image).convert("RGB")
    bright = np.asarray(image).min(axis=-1) > 3
    assert np.array_equal(np.asarray(ColourTransfer(own, own)(image))[bright], np.asarray(image)[bright])


def test_a_source_of_one_colour_is_refused_in_one_line():
    flat, other = ColourStatistics((0.0,) * 3, (0.1, 0.0, 0.1)), ColourStatistics((0.0,) * 3, (0.1,) * 3)
    with pytest.raises(UserError, match="source_colours is 'target'") as caught:
        ColourTransfer(flat, other)
    assert "\n" not in str(caught.value)


CHOICES = {"plain": Augmentation(), "all": Augmentation(True, (1.1, 0.9, 1.2, 0.05), 1.3, (0.5, 0.5))}


@pytest.mark.parametrize("size", [(), (48, 24)])
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_examples_are_recoloured_before_anything_else_and_the_same_with_a_cache(source, target, tmp_path, size, choice):
    cached = SegmentationDataset(source.items, source.form, source.classes, cache=PixelCache(tmp_path))
    source.recolour = cached.recolour = colour_transfer(source, target)
    cached.decode_once(size, (0.0,) * 4)
    first, second = (dataset.example(0, size, choice) for dataset in (source, cached))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    plain = Image.open(source.items[0].image).convert("RGB")
    assert np.array_equal(np.asarray(source.load(0)[0]), np.asarray(source.recolour(plain)))


def test_an_image_is_recoloured_once(source):
    calls = []
    source.recolour = lambda image: calls.append(None) or image
    for _ in range(3):
        source.example(0, (), Augmentation())
    assert len(calls) == 1


def test_loader_processes_can_take_the_map_with_them(source, target):
    transfer = colour_transfer(source, target)
    assert pickle.loads(pickle.dumps(transfer)) == transfer
