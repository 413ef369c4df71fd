"""Resizing, jitter, crops, flips and normalisation of images of a few pixels."""

import itertools

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as TF
from PIL import Image

from fada_lib.data.transforms import (
    Augmentation,
    augment,
    color_jitter,
    crop,
    draw_augmentation,
    normalise,
    resize,
    to_tensor,
)

NO_JITTER = (0.0, 0.0, 0.0, 0.0)


@pytest.fixture
def pair():
    """An 8 x 6 image whose red channel is ten times its label."""
    label = np.arange(48, dtype=np.uint8).reshape(6, 8) % 20
    image = np.stack([10 * label, label, np.zeros_like(label)], axis=2)
    return Image.fromarray(image), Image.fromarray(label)


def numbers(*images):
    return tuple(np.array(image) for image in images)


def test_without_choice_nothing_changes(pair):
    for before, after in zip(numbers(*pair), numbers(*augment(*pair, (), Augmentation())), strict=True):
        assert np.array_equal(before, after)


def test_labels_are_resized_by_the_nearest_neighbour_and_images_smoothly(pair):
    image, label = numbers(*resize(*pair, (4, 3)))
    assert (image.shape, label.shape) == ((3, 4, 3), (3, 4))
    assert set(label.ravel()) <= set(np.array(pair[1]).ravel())
    assert np.array_equal(image, np.array(pair[0].resize((4, 3), Image.Resampling.BICUBIC)))


def test_a_resize_may_leave_the_label_alone(pair):
    assert resize(pair[0], None, (4, 3))[1] is None


def test_a_flip_mirrors_image_and_label(pair):
    image, label = numbers(*augment(*pair, (), Augmentation(flip=True)))
    assert np.array_equal(label, np.array(pair[1])[:, ::-1])
    assert np.array_equal(image, np.array(pair[0])[:, ::-1])


def test_jitter_leaves_the_label_alone(pair):
    image, label = augment(*pair, (), Augmentation(jitter=(1.5, 0.5, 0.7, 0.1)))
    assert np.array_equal(np.array(label), np.array(pair[1]))
    assert not np.array_equal(np.array(image), np.array(pair[0]))


def test_neutral_factors_change_nothing_and_darkness_is_black(pair):
    assert np.array_equal(np.array(color_jitter(pair[0], (1.0, 1.0, 1.0, 0.0))), np.array(pair[0]))
    assert not np.array(color_jitter(pair[0], (0.0, 1.0, 1.0, 0.0))).any()


def test_colours_change_in_the_order_that_is_asked_for(pair):
    factors = (2.0, 0.5, 1.0, 0.0)
    one, other = (np.array(color_jitter(pair[0], factors, order)) for order in ((0, 1, 2, 3), (3, 1, 2, 0)))
    assert np.array_equal(one, TF.adjust_contrast(TF.adjust_brightness(pair[0], 2.0), 0.5))
    assert np.array_equal(other, TF.adjust_brightness(TF.adjust_contrast(pair[0], 0.5), 2.0))
    assert not np.array_equal(one, other)


def test_every_order_of_colours_is_drawn_and_only_where_there_is_jitter():
    rng = np.random.default_rng(0)
    drawn = {draw_augmentation(rng, 0.5, (0.5, 0.5, 0.5, 0.2)).order for _ in range(400)}
    assert drawn == set(itertools.permutations(range(4)))
    assert {draw_augmentation(rng, 0.5, NO_JITTER).order for _ in range(20)} == {(0, 1, 2, 3)}


def test_a_scaled_image_has_the_releases_size_truncated_not_rounded(pair):
    width, height = pair[0].size
    scaled, _ = augment(*pair, (), Augmentation(scale=0.99, crop=(width, height)))
    expected = pair[0].resize((width - 1, height - 1), Image.Resampling.BICUBIC)
    assert np.array_equal(np.array(scaled)[: height - 1, : width - 1], np.array(expected))


def test_a_crop_takes_the_same_window_of_image_and_label(pair):
    image, label = numbers(*crop(*pair, (3, 2), (1.0, 0.4)))
    assert np.array_equal(label, np.array(pair[1])[4:6, 2:5])
    assert np.array_equal(image[..., 0], 10 * label)


def test_a_crop_larger_than_the_image_is_padded_with_black_and_ignored_pixels(pair):
    image, label = numbers(*crop(*pair, (10, 7), (0.5, 0.5)))
    assert np.array_equal(label[:6, :8], np.array(pair[1]))
    assert set(label[6:].ravel()) == set(label[:, 8:].ravel()) == {255}
    assert not image[6:].any()


def test_a_crop_size_is_cut_from_the_scaled_image_at_its_own_size(pair):
    image, label = augment(*pair, (), Augmentation(scale=1.5, corner=(1.0, 1.0), crop=(5, 4)))
    larger = [
        part.resize((12, 9), f)
        for part, f in zip(pair, (Image.Resampling.BICUBIC, Image.Resampling.NEAREST), strict=True)
    ]
    assert np.array_equal(np.array(image), np.array(larger[0])[5:, 7:])
    assert np.array_equal(np.array(label), np.array(larger[1])[5:, 7:])


def test_a_crop_size_holds_without_scaling_too(pair):
    assert augment(*pair, (), Augmentation(crop=(5, 4)))[0].size == (5, 4)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_scaling_keeps_the_training_size(pair, scale):
    image, label = augment(*pair, (6, 4), Augmentation(scale=scale, corner=(0.5, 0.5)))
    assert image.size == label.size == (6, 4)


def test_a_shrunk_image_leaves_ignored_pixels_around_it(pair):
    label = np.array(augment(*pair, (), Augmentation(scale=0.5))[1])
    assert (label != 255).sum() == 12


# Drawing


def test_the_same_generator_draws_the_same_choice():
    arguments = (0.5, (0.5, 0.5, 0.5, 0.2), (0.5, 1.5))
    one, again = (draw_augmentation(np.random.default_rng(3), *arguments) for _ in range(2))
    assert one == again


def test_nothing_asked_for_is_nothing_drawn():
    choice = draw_augmentation(np.random.default_rng(0), 0.0, NO_JITTER)
    assert (choice.flip, choice.jitter, choice.scale) == (False, None, 1.0)


def test_a_certain_flip_always_flips_and_half_a_probability_half_the_time():
    rng = np.random.default_rng(0)
    assert all(draw_augmentation(rng, 1.0, NO_JITTER).flip for _ in range(20))
    assert 400 < sum(draw_augmentation(rng, 0.5, NO_JITTER).flip for _ in range(1000)) < 600


def test_factors_scales_and_corners_stay_in_their_ranges():
    rng = np.random.default_rng(0)
    choices = [draw_augmentation(rng, 0.5, (0.5, 0.4, 1.5, 0.2), (0.5, 1.5)) for _ in range(300)]
    factors = np.array([choice.jitter for choice in choices])
    assert (factors.min(0) >= [0.5, 0.6, 0.0, -0.2]).all()
    assert (factors.max(0) <= [1.5, 1.4, 2.5, 0.2]).all()
    assert (np.ptp(factors, axis=0) > [0.8, 0.6, 2.0, 0.3]).all()
    assert all(0.5 <= choice.scale <= 1.5 and 0 <= min(choice.corner) <= max(choice.corner) <= 1 for choice in choices)


# Tensors


def test_tensors_are_channels_first_bytes(pair):
    image, label = to_tensor(pair[0]), to_tensor(pair[1])
    assert (tuple(image.shape), tuple(label.shape), image.dtype) == ((3, 6, 8), (6, 8), torch.uint8)
    assert torch.equal(image[1], label)


def test_imagenet_normalisation_by_hand():
    pixel = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    expected = [-0.485 / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert normalise(pixel).flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_caffe_normalisation_swaps_to_bgr_and_keeps_the_scale():
    pixel = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    expected = [30 - 103.939, 20 - 116.779, 10 - 123.68]
    assert normalise(pixel, "caffe_bgr").flatten().tolist() == pytest.approx(expected, rel=1e-5)
