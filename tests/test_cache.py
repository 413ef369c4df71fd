"""Pixels decoded once: the same as decoded each time, made anew when anything changes, whole or absent."""

import os

import numpy as np
import pytest
import torch
from mini_trees import make_tree
from PIL import Image

from fada_lib.data import cache as cache_module
from fada_lib.data.cache import PixelCache
from fada_lib.data.classes import class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import find, layout
from fada_lib.data.sampling import Stream, batches, decode_once
from fada_lib.data.transforms import Augmentation
from fada_lib.parameters import UserError
from fada_lib.progress import Progress

SIZE = (24, 16)
JITTER = (0.5, 0.5, 0.5, 0.2)


@pytest.fixture(scope="module", params=["gta5", "synthia", "crosscity"])
def tree(request, tmp_path_factory):
    """(layout, root) of a miniature tree: 8-bit labels, 16-bit labels, none."""
    root = tmp_path_factory.mktemp(request.param)
    return layout(request.param), make_tree(request.param, root, images=3, size=(50, 34))


@pytest.fixture
def gta5(tmp_path):
    return layout("gta5"), make_tree("gta5", tmp_path / "gta5", images=3, size=(50, 34))


def opened(tree, folder=None, classes="cityscapes19", pseudo=None):
    form, root = tree
    items = find(form, root, "train", labels_needed=False)
    return SegmentationDataset(items, form, class_set(classes), pseudo, cache=PixelCache(folder) if folder else None)


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def entries(folder):
    return sorted(folder.rglob("*.npz"))


@pytest.fixture
def decoded(monkeypatch):
    """Names of the images that are decoded from now on."""
    seen, read = [], cache_module.read_image
    monkeypatch.setattr(cache_module, "read_image", lambda path: seen.append(path.name) or read(path))
    return seen


CHOICES = {
    "plain": Augmentation(),
    "flipped": Augmentation(flip=True),
    "scaled and cropped": Augmentation(scale=1.3, corner=(0.4, 0.7)),
    "jittered": Augmentation(jitter=(1.4, 0.6, 1.2, 0.1)),
    "jittered, flipped": Augmentation(flip=True, jitter=(0.7, 1.1, 0.8, -0.2)),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("size", [SIZE, (50, 34), ()])
def test_the_pixels_are_those_of_the_direct_path(tree, tmp_path, choice, size):
    direct, cached = opened(tree), opened(tree, tmp_path)
    for index in range(3):
        expected = direct.example(index, size, choice)
        assert equal(cached.example(index, size, choice), expected)
        assert equal(cached.example(index, size, choice), expected)


def test_jitter_comes_before_the_resize_so_it_takes_entries_of_full_size(tree, tmp_path):
    data = opened(tree, tmp_path)
    data.example(0, SIZE, Augmentation(jitter=(1.4, 0.6, 1.2, 0.1)))
    data.example(0, SIZE, Augmentation())
    assert {p.parent.name for p in entries(tmp_path)} == {"full", "24x16"}


@pytest.mark.parametrize("jitter", [JITTER, (0.0, 0.0, 0.0, 0.0)])
def test_a_filled_cache_is_all_that_training_reads(tree, tmp_path, decoded, jitter):
    stream = Stream("source", seed=0, batch_size=2, size=SIZE, flip_probability=0.5, jitter=jitter)
    data = opened(tree, tmp_path / "cache")
    decode_once(data, stream, Progress(tmp_path / "run"))
    assert len(entries(tmp_path / "cache")) == len(data) == len(decoded)
    decoded.clear()
    from_cache = list(batches(data, stream, 0, 3))
    assert decoded == []
    assert all(equal(a, b) for a, b in zip(from_cache, batches(opened(tree), stream, 0, 3), strict=True))


def test_loader_processes_read_the_same(gta5, tmp_path):
    stream = Stream("source", seed=0, batch_size=2, size=SIZE)
    one, two = (list(batches(opened(gta5, tmp_path / "cache"), stream, 0, 2, workers)) for workers in (0, 2))
    assert all(equal(a, b) for a, b in zip(one, two, strict=True))


def test_class_sets_share_entries(gta5, tmp_path, decoded):
    opened(gta5, tmp_path).example(0, SIZE, Augmentation())
    decoded.clear()
    label = opened(gta5, tmp_path, "world12").example(0, SIZE, Augmentation())[1]
    assert decoded == []
    assert torch.equal(label, opened(gta5, None, "world12").example(0, SIZE, Augmentation())[1])


def test_pseudo_labels_go_with_cached_images(gta5, tmp_path, decoded):
    pseudo = tmp_path / "pseudo"
    pseudo.mkdir()
    channels = np.random.default_rng(0).integers(0, 19, (34, 50), np.uint8)
    Image.fromarray(channels).save(pseudo / "00001.png")
    expected = opened(gta5, pseudo=pseudo).example(0, SIZE, Augmentation())
    opened(gta5, tmp_path / "cache").example(0, SIZE, Augmentation())
    decoded.clear()
    assert equal(opened(gta5, tmp_path / "cache", pseudo=pseudo).example(0, SIZE, Augmentation()), expected)
    assert decoded == []
    Image.new("L", (49, 34)).save(pseudo / "00001.png")
    with pytest.raises(UserError, match=r"pseudo/00001\.png is \(49, 34\) but its image is \(50, 34\)"):
        opened(gta5, tmp_path / "cache", pseudo=pseudo).example(0, SIZE, Augmentation())


# Made anew


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_a_changed_file_costs_one_entry(gta5, tmp_path, decoded, folder):
    fill(gta5, tmp_path / "cache")
    path = gta5[1] / folder / "00002.png"
    Image.new("RGB" if folder == "images" else "L", (50, 34), 7 if folder == "labels" else (1, 2, 3)).save(path)
    decoded.clear()
    fill(gta5, tmp_path / "cache")
    assert decoded == ["00002.png"]
    cached = opened(gta5, tmp_path / "cache").example(1, SIZE, Augmentation())
    assert equal(cached, opened(gta5).example(1, SIZE, Augmentation()))
    assert len(entries(tmp_path / "cache")) == 3


def test_a_file_of_equal_bytes_but_another_time_is_not_trusted(gta5, tmp_path, decoded):
    fill(gta5, tmp_path / "cache")
    decoded.clear()
    os.utime(gta5[1] / "labels/00003.png", ns=(1, 1))
    fill(gta5, tmp_path / "cache")
    assert decoded == ["00003.png"]


def test_other_pixels_of_equal_size_and_time_are_noticed(gta5, tmp_path, decoded):
    path = gta5[1] / "labels/00003.png"
    before, content = path.stat(), path.read_bytes()
    fill(gta5, tmp_path / "cache")
    decoded.clear()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    fill(gta5, tmp_path / "cache")
    assert decoded == ["00003.png"]


def test_another_size_or_pillow_has_entries_of_its_own(gta5, tmp_path, decoded, monkeypatch):
    fill(gta5, tmp_path / "cache")
    fill(gta5, tmp_path / "cache", (12, 8))
    assert len(entries(tmp_path / "cache")) == 6
    decoded.clear()
    monkeypatch.setattr(cache_module.PIL, "__version__", "99.0")
    fill(gta5, tmp_path / "cache")
    assert len(decoded) == 3


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_entry_is_made_anew(gta5, tmp_path, share):
    fill(gta5, tmp_path / "cache")
    for path in entries(tmp_path / "cache"):
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
    cached = opened(gta5, tmp_path / "cache").example(0, SIZE, Augmentation())
    assert equal(cached, opened(gta5).example(0, SIZE, Augmentation()))


def test_an_entry_with_a_flipped_byte_is_made_anew(gta5, tmp_path):
    fill(gta5, tmp_path / "cache")
    path = entries(tmp_path / "cache")[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    cached = opened(gta5, tmp_path / "cache").example(0, SIZE, Augmentation())
    assert equal(cached, opened(gta5).example(0, SIZE, Augmentation()))


# Filling


def fill(tree, folder, size=SIZE, on_progress=lambda done: None):
    opened(tree, folder).decode_once(size, (0.0,) * 4, on_progress)


def test_filling_reports_and_a_killed_one_goes_on_where_it_was(gta5, tmp_path, decoded):
    def die(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(gta5, tmp_path / "cache", on_progress=die)
    before = len(entries(tmp_path / "cache"))
    assert before >= 1
    decoded.clear()
    reported = []
    fill(gta5, tmp_path / "cache", on_progress=reported.append)
    assert reported == [1, 2, 3]
    assert len(decoded) == 3 - before
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.name.startswith(".")]


def test_a_damaged_image_ends_filling_in_one_line(gta5, tmp_path):
    (gta5[1] / "images/00002.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"00002\.png cannot be read") as caught:
        fill(gta5, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_without_a_cache_nothing_is_decoded_ahead(gta5, tmp_path, decoded):
    decode_once(opened(gta5), Stream("source", seed=0, batch_size=2, size=SIZE), Progress(tmp_path / "run"))
    assert decoded == []
    assert not (tmp_path / "run").exists()
