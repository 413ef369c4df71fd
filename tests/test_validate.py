"""Inspecting a data set before training: what it counts, what it keeps, and what it says of broken files."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from mini_trees import make_tree, write_16_bit_png
from PIL import Image

from fada_lib.data import records
from fada_lib.data.classes import TRAIN_ID_OF_LABEL_ID, class_set
from fada_lib.data.completeness import completeness
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import find, layout, own_layout
from fada_lib.data.validate import class_statistics, classes_by_file, inspect
from fada_lib.parameters import UserError

ROAD, BUILDING, CAR, PARKING = 7, 11, 26, 9


@pytest.fixture
def tree(tmp_path):
    """Three GTA5 pairs of 4 x 2 pixels: all road; road and building; road, car and four pixels of no class."""
    labels = ([[ROAD] * 4] * 2, [[ROAD] * 4, [BUILDING] * 4], [[ROAD, ROAD, CAR, CAR], [PARKING] * 4])
    for number, values in enumerate(labels):
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Image.new("RGB", (4, 2)).save(tmp_path / f"images/{number}.png")
        Image.fromarray(np.array(values, np.uint8)).save(tmp_path / f"labels/{number}.png")
    return tmp_path


def opened(tree, kept=None, classes="world12", name="gta5"):
    items = find(layout(name), tree, "train", labels_needed=False)
    return SegmentationDataset(items, layout(name), class_set(classes), records=kept)


def look(tree, **options):
    return inspect(opened(tree), **options)


def channel(name):
    return class_set("world12").names.index(name)


def test_pixels_are_counted_by_channel(tree):
    pixels = look(tree).pixels
    assert [pixels[channel(n)] for n in ("road", "building", "car")] == [14, 4, 2]
    assert pixels.sum() == 20


def test_frequencies_are_shares_of_the_labelled_pixels(tree):
    assert look(tree).frequencies[channel("road")] == pytest.approx(14 / 20)


def test_presence_counts_images_not_pixels(tree):
    presence = look(tree).presence
    assert [presence[channel(n)] for n in ("road", "building", "car", "sky")] == [3, 1, 1, 0]


def test_stored_values_are_counted_as_they_are(tree):
    values = look(tree).values
    assert (values[ROAD], values[PARKING], values.sum()) == (14, 4, 24)


def test_sizes_are_counted(tree):
    Image.new("RGB", (8, 4)).save(tree / "images/0.png")
    Image.new("L", (8, 4), ROAD).save(tree / "labels/0.png")
    assert look(tree).sizes == {(4, 2): 2, (8, 4): 1}


def test_a_sound_data_set_has_no_problem_and_passes(tree):
    found = look(tree)
    found.require_sound("source")
    assert (found.images, found.problems) == (3, [])


def test_damaged_and_mismatched_pairs_are_named_and_the_rest_is_still_counted(tree):
    (tree / "images/0.png").write_bytes(b"")
    Image.new("L", (3, 2)).save(tree / "labels/2.png")
    found = look(tree)
    assert found.images == 1
    assert len(found.problems) == 2
    assert str(tree / "images/0.png") in found.problems[0]
    assert str(tree / "labels/2.png") in found.problems[1]


def test_label_values_outside_the_layouts_map_are_a_problem(tree):
    Image.new("L", (4, 2), 200).save(tree / "labels/1.png")
    found = look(tree)
    with pytest.raises(UserError, match=r"200.* outside the map of gta5: 0\.\.34"):
        found.require_sound("source")


def test_every_kind_of_problem_says_the_way_out(tree):
    (tree / "images/0.png").write_bytes(b"")
    Image.new("L", (4, 2), 200).save(tree / "labels/1.png")
    Image.new("L", (3, 2)).save(tree / "labels/2.png")
    with pytest.raises(UserError) as caught:
        look(tree).require_sound("source")
    ways = ["restore it from the download", "mend it or change its layout", "remove or mend this pair"]
    assert all(way in problem for way, problem in zip(ways, str(caught.value).split("; /"), strict=True))


def test_one_problem_is_not_counted_as_several(tree):
    (tree / "images/0.png").write_bytes(b"")
    with pytest.raises(UserError, match="source: 1 problem: "):
        look(tree).require_sound("source")


def test_the_file_of_a_foreign_label_value_is_named(tree):
    Image.new("L", (4, 2), 200).save(tree / "labels/1.png")
    assert str(tree / "labels/1.png") in "; ".join(look(tree).problems)


def test_the_refusal_is_one_line_that_names_the_first_files_and_counts_the_others(tree):
    for number in range(7):
        (tree / f"images/{number}.png").write_bytes(b"")
        Image.new("L", (4, 2)).save(tree / f"labels/{number}.png")
    with pytest.raises(UserError, match=r"source: 7 problems: .*images/0\.png.* and 2 more") as caught:
        look(tree).require_sound("source")
    assert "\n" not in str(caught.value)


def test_progress_ends_at_the_number_of_images(tree):
    (tree / "images/2.png").write_bytes(b"")
    reported = []
    look(tree, on_progress=reported.append)
    assert reported[-1] == 3


def test_images_without_labels_are_counted_too(tmp_path):
    found = inspect(opened(make_tree("crosscity", tmp_path, images=2), name="crosscity", classes="cityscapes19"))
    assert (found.images, found.problems, found.pixels.sum()) == (4, [], 0)


def test_swapped_images_and_labels_are_named(tree):
    (tree / "images").rename(tree / "other")
    (tree / "labels").rename(tree / "images")
    (tree / "other").rename(tree / "labels")
    assert "mode RGB, labels have one 8-bit channel: is it the colour folder?" in look(tree).problems[0]


def test_a_16_bit_label_among_8_bit_ones_is_named(tree):
    write_16_bit_png(tree / "labels/1.png", np.full((2, 4, 3), 7))
    found = look(tree)
    assert found.images == 2
    assert str(tree / "labels/1.png") in found.problems[0]


# Class-balanced statistics


def test_classes_by_file_are_those_with_at_least_one_pixel(tree):
    expected = [{channel(n) for n in names} for names in (["road"], ["road", "building"], ["road", "car"])]
    assert classes_by_file(opened(tree)) == look(tree).classes_by_file == expected


def test_classes_of_a_damaged_file_cannot_be_told(tree):
    (tree / "labels/1.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"labels/1\.png"):
        classes_by_file(opened(tree))


def test_statistics_tell_how_often_a_class_is_seen_as_it_is_and_class_balanced(tree):
    rows = {row["class"]: row for row in class_statistics(look(tree), class_set("world12").names)}
    car = rows["car"]
    assert (car["pixels"], car["images"], car["share of images"]) == (pytest.approx(0.1), 1, pytest.approx(1 / 3))
    assert car["share when class-balanced"] > 0.4
    assert rows["road"]["share when class-balanced"] == 1.0
    assert rows["sky"]["share when class-balanced"] == 0.0


# Kept records


@pytest.fixture
def reads(monkeypatch):
    """The names of the images that are decoded from now on."""
    seen, read = [], records.read_image
    monkeypatch.setattr(records, "read_image", lambda path: seen.append(path.name) or read(path))
    return seen


def same(a, b):
    return (a.sizes, a.values.tolist(), a.classes_by_file) == (b.sizes, b.values.tolist(), b.classes_by_file)


def test_a_second_inspection_reads_no_image(tree, reads):
    kept = tree / "kept.jsonl"
    first = inspect(opened(tree, kept))
    assert sorted(reads) == ["0.png", "1.png", "2.png"]
    reads.clear()
    assert same(inspect(opened(tree, kept)), first)
    assert classes_by_file(opened(tree, kept)) == first.classes_by_file
    assert reads == []


def test_another_class_set_reads_nothing_again(tree, reads):
    kept = tree / "kept.jsonl"
    inspect(opened(tree, kept))
    reads.clear()
    found = inspect(opened(tree, kept, "cityscapes19"))
    assert reads == []
    assert same(found, inspect(opened(tree, None, "cityscapes19")))


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_a_changed_file_is_read_again_and_no_other(tree, reads, folder):
    kept = tree / "kept.jsonl"
    inspect(opened(tree, kept))
    reads.clear()
    os.utime(tree / folder / "1.png", ns=(1, 1))
    inspect(opened(tree, kept))
    assert reads == ["1.png"]


def test_a_mended_file_is_no_longer_a_problem(tree):
    kept, path = tree / "kept.jsonl", tree / "labels/1.png"
    content = path.read_bytes()
    path.write_bytes(b"")
    assert len(inspect(opened(tree, kept)).problems) == 1
    path.write_bytes(content)
    assert same(inspect(opened(tree, kept)), look(tree))


def test_a_killed_inspection_goes_on_where_it_was(tree, reads):
    kept = tree / "kept.jsonl"

    def die(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect(opened(tree, kept), on_progress=die)
    reads.clear()
    assert same(inspect(opened(tree, kept)), look(tree))
    assert reads.count("0.png") == 1  # by the uncached look alone
    assert reads.count("2.png") == 2


def test_what_is_kept_is_written_while_reading(tree, monkeypatch):
    monkeypatch.setattr(records, "SAVE_SECONDS", 0.0)
    kept, lines = tree / "kept.jsonl", []

    def count(done):
        lines.append(len(kept.read_text().splitlines()) if kept.exists() else 0)

    inspect(opened(tree, kept), on_progress=count)
    assert lines == [0, 1, 2]


def test_a_damaged_file_of_records_is_named(tree):
    kept = tree / "kept.jsonl"
    for content in ('{"stamp": ["gta5"', json.dumps({"stamp": [], "size": 3})):
        kept.write_text(content + "\n")
        with pytest.raises(UserError, match=r"kept\.jsonl is damaged .*: delete it"):
            inspect(opened(tree, kept))


# Is the copy whole?


def small(name, **counts):
    """The layout, as if the data set had been published with these counts."""
    return replace(layout(name), counts=counts)


def test_a_whole_copy_lacks_nothing(tmp_path):
    for name, counts in (("gta5", {"train": 4}), ("cityscapes", {"train": 8}), ("crosscity", {"train": 4})):
        assert completeness(small(name, **counts), make_tree(name, tmp_path / name), "train") == []


def test_missing_images_are_counted_and_named_where_names_are_numbers(tmp_path):
    root = make_tree("gta5", tmp_path / "gta5")
    (root / "images/00002.png").unlink()
    (line,) = completeness(small("gta5", train=10), root, "train")
    assert line == f"gta5: 3 of 10 images in {root} (train); missing: 00002, 00005 to 00010"
    root = make_tree("synthia", tmp_path / "synthia")
    (root / "RAND_CITYSCAPES/RGB/0000000.png").unlink()
    (line,) = completeness(small("synthia", train=4), root, "train")
    assert line.endswith("3 of 4 images in " + f"{root} (train); missing: 0000000")


def test_all_of_25_missing_images_are_named_and_of_more_the_first(tmp_path):
    root = make_tree("gta5", tmp_path, images=1)
    for number in range(3, 61, 2):
        (root / f"images/{number:05d}.png").touch()
    (line,) = completeness(small("gta5", train=51), root, "train")
    assert line.partition("missing: ")[2].split(", ") == [f"{number:05d}" for number in range(2, 52, 2)]
    (line,) = completeness(small("gta5", train=61), root, "train")
    assert line.endswith("00048, 00050 and 6 more")


def test_images_of_each_city_are_counted_where_the_data_set_counts_by_city(tmp_path):
    root = make_tree("crosscity", tmp_path)
    lines = completeness(layout("crosscity"), root, "test", ("Rome", "Tokyo"))
    assert [line.partition(" images in ")[0] for line in lines] == ["crosscity: 4 of 100", "crosscity: 0 of 100"]
    assert "(test, Rome)" in lines[0]


def test_missing_images_are_named_where_the_copy_lists_what_should_be_there(tmp_path):
    root = make_tree("crosscity", tmp_path)
    (root / "NTHU_Datasets/Rome/Images/Train/pano_00002_2_0.jpg").unlink()
    (line,) = completeness(small("crosscity", train=4), root, "train", ("Rome", "Rio"))
    assert line == f"crosscity: 3 of 4 images in {root} (train, Rome); missing: Rome_pano_00002_2_0"
    (root / "NTHU_Datasets/Rome/List/train.txt").unlink()
    (line,) = completeness(small("crosscity", train=4), root, "train", ("Rome", "Rio"))
    assert line.endswith("(train, Rome)")


@pytest.mark.parametrize(("name", "value"), [("gta5", 34), ("crosscity", 255)])
def test_the_void_of_a_data_sets_own_table_is_ignored_and_no_problem(tmp_path, name, value):
    root = make_tree(name, tmp_path, images=1)
    split = "test" if name == "crosscity" else "train"
    (item, *_) = find(layout(name), root, split)
    Image.new("L", (96, 64), value).save(item.label)
    data = SegmentationDataset([item], layout(name), class_set("cityscapes19"))
    found = inspect(data)
    assert (found.problems, found.pixels.sum()) == ([], 0)


def test_what_is_left_out_by_name_is_said(tmp_path):
    root = make_tree("gta5", tmp_path)
    Image.new("RGB", (4, 2)).save(root / "images/15188.png")
    lines = completeness(small("gta5", train=5), root, "train")
    assert lines == ["gta5: image 15188 is left out: its label has another size than the image, in every copy"]


def test_the_parts_have_the_sizes_that_their_authors_publish():
    counts = {name: dict(layout(name).counts) for name in ("gta5", "synthia", "cityscapes", "crosscity", "camvid")}
    assert counts == {
        "gta5": {"train": 24966},
        "synthia": {"train": 9400},
        "cityscapes": {"train": 2975, "val": 500},
        "crosscity": {"train": 3200, "test": 100},
        "camvid": {"train": 367, "val": 101, "test": 233},
    }
    assert (layout("gta5").name_of_number(0), layout("gta5").name_of_number(24965)) == ("00001", "24966")
    assert (layout("synthia").name_of_number(0), layout("synthia").name_of_number(9399)) == ("0000000", "0009399")


# Ids that are not the layout's


def as_train_ids(paths):
    """Rewrite labels as train ids, void 255."""
    for path in paths:
        with Image.open(path) as label:
            values = TRAIN_ID_OF_LABEL_ID[np.array(label)]
        Image.fromarray(values).save(path)


@pytest.mark.parametrize(("name", "split"), [("gta5", "train"), ("cityscapes", "val"), ("crosscity", "test")])
def test_train_ids_where_label_ids_belong_are_named_before_any_single_file(tmp_path, name, split):
    root = make_tree(name, tmp_path)
    items = find(layout(name), root, split)
    as_train_ids(item.label for item in items)
    found = inspect(SegmentationDataset(items, layout(name), class_set("cityscapes19")))
    assert found.problems[0].startswith(f"{name}: no label holds values above ")
    assert "are these train ids?" in found.problems[0]


def test_label_ids_of_void_alone_are_no_train_ids(tree):
    for number in range(3):
        Image.new("L", (4, 2)).save(tree / f"labels/{number}.png")
    assert look(tree).problems == []


def test_own_label_values_may_be_as_low_as_train_ids(tmp_path):
    form = own_layout(
        "{split}/images",
        "{split}/labels",
        {"road": 1, "car": [2, 3], "ignored": [0, 4, 6, 7, 8]},
        class_set("cityscapes19"),
        "here",
    )
    root = make_tree("folders", tmp_path)
    assert inspect(SegmentationDataset(find(form, root, "train"), form, class_set("cityscapes19"))).problems == []
