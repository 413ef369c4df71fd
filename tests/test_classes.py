"""The label table of Cityscapes and the class sets of the paper's experiments."""

import numpy as np
import pytest

from fada_lib.data.classes import (
    CITYSCAPES_LABELS,
    CLASS_SETS,
    IGNORE,
    LABEL_ID_TO_TRAIN_ID,
    TRAIN_COLOURS,
    TRAIN_NAMES,
    class_set,
)
from fada_lib.parameters import UserError


def test_the_table_has_34_label_ids_in_order_and_19_train_ids():
    assert [row[0] for row in CITYSCAPES_LABELS] == list(range(34))
    assert sorted(t for t in LABEL_ID_TO_TRAIN_ID.values() if t != IGNORE) == list(range(19))
    assert len(TRAIN_NAMES) == len(TRAIN_COLOURS) == len(set(TRAIN_COLOURS)) == 19


def test_train_ids_are_those_of_the_benchmark():
    label_ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert all(LABEL_ID_TO_TRAIN_ID[label_id] == t for t, label_id in enumerate(label_ids))
    assert (TRAIN_NAMES[0], TRAIN_NAMES[11], TRAIN_NAMES[18]) == ("road", "person", "bicycle")
    assert TRAIN_COLOURS[0] == (128, 64, 128)


def test_parking_and_the_void_are_ignored():
    assert {LABEL_ID_TO_TRAIN_ID[i] for i in (0, 4, 9, 14, 29)} == {IGNORE}


@pytest.mark.parametrize("name", CLASS_SETS)
def test_a_class_set_is_named_by_its_key_and_counts_each_class_once(name):
    classes = class_set(name)
    assert classes.name == name
    assert len(set(classes.train_ids)) == len(classes) == len(classes.names)


def test_numbers_in_names_are_numbers_of_classes():
    for name, classes in CLASS_SETS.items():
        assert name.endswith(str(len(classes)))


def test_synthia_leaves_terrain_truck_and_train_out_and_its_13_also_wall_fence_and_pole():
    every, sixteen, thirteen = (set(class_set(n).names) for n in ("cityscapes19", "synthia16", "synthia13"))
    assert every - sixteen == {"terrain", "truck", "train"}
    assert sixteen - thirteen == {"wall", "fence", "pole"}


def test_channels_are_positions_in_the_set_and_255_outside_it():
    table = class_set("synthia16").channel_of_train_id
    assert table[[0, 8, 9, 10, 14, 18, 255]].tolist() == [0, 8, 255, 9, 255, 15, 255]


def test_channels_follow_the_sets_own_order():
    assert class_set("camvid11").names[:4] == ("sky", "building", "pole", "road")
    assert class_set("camvid11").channel_of_train_id[[10, 2, 5, 0]].tolist() == [0, 1, 2, 3]


def test_camvids_bicyclist_takes_riders_too():
    table = class_set("camvid11").channel_of_train_id
    assert table[12] == table[18] == 10


def test_what_the_game_and_camvid_share_counts_grass_as_vegetation_and_buses_as_cars():
    table = class_set("camvid10").channel_of_train_id
    assert (table[9], table[15], table[18]) == (table[8], table[13], IGNORE)


def test_a_subsets_channels_are_found_in_the_larger_set():
    sixteen, thirteen = class_set("synthia16"), class_set("synthia13")
    channels = sixteen.channels_of(thirteen)
    assert [sixteen.names[c] for c in channels] == list(thirteen.names)


def test_classes_that_a_subset_counts_together_are_channels_of_the_larger_set():
    camvid = class_set("camvid11")
    assert class_set("cityscapes19").merged_channels(camvid) == [(12, 18)]
    assert class_set("synthia16").merged_channels(camvid) == [(11, 15)]
    assert camvid.merged_channels(camvid) == class_set("synthia16").merged_channels(class_set("synthia13")) == []


def test_a_set_cannot_be_judged_on_classes_that_it_lacks():
    with pytest.raises(UserError, match=r"'synthia13' cannot be judged on 'synthia16': it lacks \['wall'"):
        class_set("synthia13").channels_of(class_set("synthia16"))


def test_the_palette_has_cityscapes_colours_by_channel_and_black_elsewhere():
    palette = class_set("camvid11").palette
    assert palette.shape == (256, 3)
    assert palette.dtype == np.uint8
    assert tuple(palette[3]) == TRAIN_COLOURS[0]
    assert not palette[11:].any()


def test_an_unknown_class_set_lists_the_known():
    with pytest.raises(UserError, match="unknown class set 'kitti': choose one of cityscapes19"):
        class_set("kitti")
