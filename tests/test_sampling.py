"""Which image comes when: a pure function of the draw, for any number of loader processes."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.domains import data_parameters, items, open_part
from fada_lib.data.sampling import STREAMS, Stream, batches, class_balanced_list, random_index
from fada_lib.parameters import (
    AdaptParameters,
    DataParameters,
    DistillParameters,
    PretrainParameters,
    UserError,
    to_mapping,
)
from fada_lib.training.supervised import labelled_stream

STREAM = Stream("source", seed=0, batch_size=2, size=(24, 12), flip_probability=0.5, jitter=(0.5, 0.5, 0.5, 0.2))


@pytest.fixture
def source(data_run):
    return open_part(data_run, "source", "train")


def equal(a, b):
    pairs = zip(a, b, strict=True)
    return all(torch.equal(x, y) for one, other in pairs for x, y in zip(one, other, strict=True))


# Random order


def test_an_epoch_visits_every_image_once():
    draws = [random_index(7, 0, 0, draw) for draw in range(14)]
    assert sorted(draws[:7]) == sorted(draws[7:]) == list(range(7))
    assert draws[:7] != draws[7:]


def test_a_draw_does_not_depend_on_the_draws_before_it():
    backwards = [random_index(7, 0, 0, draw) for draw in reversed(range(14))]
    assert backwards[::-1] == [random_index(7, 0, 0, draw) for draw in range(14)]


def test_seeds_and_streams_have_orders_of_their_own():
    orders = {tuple(random_index(20, seed, stream, d) for d in range(20)) for seed in (0, 1) for stream in (0, 1)}
    assert len(orders) == 4


# Batches


def test_batches_are_bytes_at_the_training_size(source):
    ((images, labels),) = batches(source, STREAM, 0, 1)
    assert (tuple(images.shape), tuple(labels.shape)) == ((2, 3, 12, 24), (2, 12, 24))
    assert images.dtype == labels.dtype == torch.uint8


def test_stages_see_different_batches_of_the_same_seed(source):
    streams = [dataclasses.replace(STREAM, name=name) for name in STREAMS]
    firsts = [next(iter(batches(source, stream, 0, 1)))[0] for stream in streams]
    assert len({images.numpy().tobytes() for images in firsts}) == len(STREAMS)


def test_batches_from_the_middle_are_those_of_an_uninterrupted_run(source):
    assert equal(list(batches(source, STREAM, 0, 6))[4:], list(batches(source, STREAM, 4, 6)))


def test_two_loader_processes_give_the_same_batches_as_none(source):
    assert equal(batches(source, STREAM, 0, 4, workers=2), batches(source, STREAM, 0, 4))


def test_another_seed_gives_other_batches(source):
    other = Stream("source", seed=1, batch_size=2, size=(24, 12))
    assert not equal(batches(source, STREAM, 0, 2), batches(source, other, 0, 2))


def test_an_image_is_augmented_anew_at_every_visit(source):
    always_first = Stream("source", seed=0, batch_size=4, size=(24, 12), jitter=(0.5, 0.5, 0.5, 0.2), order=(0,))
    ((images, _),) = batches(source, always_first, 0, 1)
    assert len({image.numpy().tobytes() for image in images}) == 4


def test_a_given_order_is_followed_and_repeated(source):
    stream = Stream("source", seed=0, batch_size=5, order=(3, 1))
    ((images, _),) = batches(source, stream, 0, 1)
    for image, index in zip(images, (3, 1, 3, 1, 3), strict=True):
        assert torch.equal(image, source.test_example(index, ())[0])


def test_no_iterations_left_are_no_batches(source):
    assert list(batches(source, STREAM, 3, 3)) == []


@pytest.mark.parametrize(
    ("name", "parameter"), [("source", "source_size"), ("target", "target_size"), ("distill target", "target_size")]
)
def test_images_of_different_sizes_ask_for_the_size_that_exists(source, name, parameter):
    image, label = source.load(0)
    source._decoded[0] = (image.resize((40, 20)), label.resize((40, 20)))
    with pytest.raises(UserError, match=rf"set {parameter} to \[width, height\]"):
        list(batches(source, Stream(name, seed=0, batch_size=6), 0, 1))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_file_is_one_line_from_a_loader_process_too(source, tmp_path, workers):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    item = source.items[0]
    data = SegmentationDataset([dataclasses.replace(item, image=broken)], source.form, source.classes)
    with pytest.raises(UserError, match=r"broken\.png cannot be read") as caught:
        list(batches(data, STREAM, 0, 1, workers))
    assert "\n" not in str(caught.value)


# The class-balanced list


def release_list(classes_of_file, num_classes, length, seed):
    """The fact sheet of the release, word by word, with the library's generator in place of the global one."""
    rng = np.random.default_rng((seed, 97))
    files = {c: [i for i, present in enumerate(classes_of_file) if c in present] for c in range(num_classes)}
    read = dict.fromkeys(range(num_classes), 0)
    entries = []
    for _ in range(math.floor(length / 3000) + 1):
        counter = [0] * num_classes
        for _ in range(3000):
            total = sum(counter)
            dist = [n / total if total else 0.0 for n in counter]
            weights = np.array([1 / math.log(1.01 + d) for d in dist])
            c = rng.choice(num_classes, p=weights / weights.sum())
            if read[c] == len(files[c]):
                rng.shuffle(files[c])
                read[c] = len(files[c]) % (len(files[c]) - 1)
            file = files[c][read[c]]
            read[c] += 1
            entries.append(file)
            for present in classes_of_file[file]:
                counter[present] += 1
    rng.shuffle(entries)
    return entries


@pytest.mark.parametrize("rare", [3, 2])
def test_the_list_is_the_releases(rare):
    files = [{0, 1} if i % 2 else {0} for i in range(40)] + [{0, 2}] * rare
    assert class_balanced_list(files, 3, 3500, seed=1) == release_list(files, 3, 3500, seed=1)


@pytest.mark.parametrize(("length", "entries"), [(1, 3000), (2999, 3000), (3000, 6000), (7000, 9000)])
def test_the_list_has_whole_sub_epochs_of_3000_and_one_more(length, entries):
    assert len(class_balanced_list([{0}, {1}, {0, 1}], 2, length, seed=0)) == entries


def test_rare_classes_are_drawn_more_often_than_they_occur():
    files = [{0}] * 95 + [{0, 1}] * 5
    drawn = Counter(class_balanced_list(files, 2, 2000, seed=0))
    assert sum(drawn[i] for i in range(95, 100)) / 3000 > 0.3


def test_a_class_in_a_single_file_repeats_it():
    drawn = Counter(class_balanced_list([{0}, {0}, {0}, {0, 1}], 2, 100, seed=0))
    assert drawn[3] > 1000


def test_a_class_without_file_is_never_drawn():
    assert set(class_balanced_list([{0}, {2}], 3, 100, seed=0)) == {0, 1}


def test_the_list_depends_on_the_seed_alone():
    files = [{0}, {1}, {0, 1}]
    assert class_balanced_list(files, 2, 10, 0) == class_balanced_list(files, 2, 10, 0)
    assert class_balanced_list(files, 2, 10, 0) != class_balanced_list(files, 2, 10, 1)


def test_no_class_at_all_is_refused():
    with pytest.raises(UserError, match="no label holds a class of class_set"):
        class_balanced_list([set(), set()], 3, 100, seed=0)


def test_the_list_of_the_adversarial_stage_is_as_long_as_the_releases(data_run):
    p = AdaptParameters(sampling="class_balanced", iterations=2, poly_horizon=1000, batch_size=2)
    data = open_part(data_run, "source", "train")
    assert len(labelled_stream(p, data, "adapt source", ()).order) == (1000 * 4 // 3000 + 1) * 3000


def test_pseudo_labels_are_never_balanced_by_the_true_ones(data_run, tmp_path):
    p, data = DistillParameters(sampling="class_balanced"), open_part(data_run, "target", "train", tmp_path)
    with pytest.raises(UserError, match="sampling must be random for a student"):
        labelled_stream(p, data, "distill target", ())


def test_every_process_of_a_run_draws_the_same_list(data_run):
    p = PretrainParameters(sampling="class_balanced", iterations=10, seed=4)
    streams = [labelled_stream(p, open_part(data_run, "source", "train"), "source", ()) for _ in range(2)]
    assert streams[0].order == streams[1].order
    assert len(streams[0].order) == 3000


def test_images_without_labels_are_no_labelled_stream(source):
    bare = [dataclasses.replace(item, label=None) for item in source.items]
    data = SegmentationDataset(bare, source.form, source.classes)
    with pytest.raises(UserError, match="has no labels to learn from"):
        labelled_stream(PretrainParameters(), data, "source", ())


# Parts of a world


def test_the_parts_of_a_world_share_no_image(data_run):
    p = data_parameters(data_run)
    for domain, parts in (("source", ("train", "val")), ("target", ("train", "tune", "val"))):
        names = [item.name for part in parts for item in items(p, domain, part)]
        assert len(names) == len(set(names)) == sum(getattr(p, f"{domain}_{part}_images") for part in parts)


def test_without_tune_groups_the_last_training_images_are_held_out(data_run):
    values = to_mapping(data_parameters(data_run)) | {"tune_groups": (), "target_tune_images": 3}
    p = DataParameters(**values)
    names = [item.name for part in ("train", "tune") for item in items(p, "target", part)]
    assert len(items(p, "target", "tune")) == 3
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_val_images": 0}, "source_val_images is 0: it must lie between 1 and 7"),
        ({"source_val_images": 8}, "source_val_images is 8"),
        ({"tune_groups": ("paris",)}, r"tune_groups: \['paris'\] not among"),
        ({"tune_groups": ("marlwick", "ostenbrae", "pellafurt", "tunewick")}, "tune_groups"),
    ],
)
def test_held_out_parts_must_exist_and_leave_something_to_train_on(data_run, change, message):
    p = DataParameters(**(to_mapping(data_parameters(data_run)) | change))
    with pytest.raises(UserError, match=message):
        items(p, "source" if "source_val_images" in change else "target", "train")
