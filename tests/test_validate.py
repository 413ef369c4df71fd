"""Inspecting a data set before training: what it counts, and what it says of broken files."""

import numpy as np
import pytest
from PIL import Image

from fada_lib.data.classes import class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import find
from fada_lib.data.validate import inspect
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


def look(tree, **options):
    return inspect(SegmentationDataset(find("gta5", tree, "train"), "gta5", class_set("world12")), "gta5", **options)


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
    with pytest.raises(UserError, match=r"200.* outside gta5's 0\.\.33"):
        found.require_sound("source")


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
