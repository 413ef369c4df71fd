"""Finding and reading the files of GTA5, Cityscapes and CamVid, on miniature trees; and what a broken tree says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fada_lib.data.classes import class_set
from fada_lib.data.dataset import SegmentationDataset, read_image, read_label_values
from fada_lib.data.layouts import LAYOUTS, find, layout
from fada_lib.data.transforms import Augmentation
from fada_lib.parameters import UserError

ROAD, CAR, PARKING = 7, 26, 9  # label ids of Cityscapes
SIZE = (6, 4)  # width, height


def write_pair(image: Path, label: Path, values=ROAD, size=SIZE):
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 20, 30)).save(image)
    Image.fromarray(np.full(size[::-1], values, np.uint8)).save(label)


@pytest.fixture
def gta5(tmp_path):
    for number in (2, 1, 3):
        write_pair(tmp_path / f"images/{number:05d}.png", tmp_path / f"labels/{number:05d}.png")
    return tmp_path


@pytest.fixture
def cityscapes(tmp_path):
    for split, city, frame in (("train", "ulm", 1), ("train", "aachen", 0), ("train", "ulm", 0), ("val", "bonn", 0)):
        stem = f"{city}_{frame:06d}_000019"
        write_pair(
            tmp_path / f"leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png",
            tmp_path / f"gtFine/{split}/{city}/{stem}_gtFine_labelIds.png",
        )
    return tmp_path


@pytest.fixture
def camvid(tmp_path):
    for split, stem in (("train", "0006R0_f00930"), ("train", "0001TP_006690"), ("test", "Seq05VD_f00000")):
        write_pair(tmp_path / f"{split}/{stem}.png", tmp_path / f"{split}annot/{stem}.png", values=0)
    return tmp_path


def dataset(root, name="gta5", classes="cityscapes19"):
    return SegmentationDataset(find(name, root, "train"), name, class_set(classes))


def refused(call, *arguments) -> str:
    """The one line that the refusal of a call consists of."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Finding


def test_gta5_pairs_images_and_labels_by_number(gta5):
    items = find("gta5", gta5, "train")
    assert [i.name for i in items] == ["00001", "00002", "00003"]
    assert items[0].image == gta5 / "images/00001.png"
    assert items[0].label == gta5 / "labels/00001.png"


def test_cityscapes_goes_through_the_cities_of_a_split(cityscapes):
    items = find("cityscapes", cityscapes, "train")
    assert [(i.group, i.name) for i in items] == [
        ("aachen", "aachen_000000_000019"),
        ("ulm", "ulm_000000_000019"),
        ("ulm", "ulm_000001_000019"),
    ]
    assert [i.group for i in find("cityscapes", cityscapes, "val")] == ["bonn"]


def test_camvid_groups_by_video_sequence(camvid):
    assert [(i.group, i.name) for i in find("camvid", camvid, "train")] == [
        ("0001TP", "0001TP_006690"),
        ("0006R0", "0006R0_f00930"),
    ]
    assert [i.group for i in find("camvid", camvid, "test")] == ["Seq05VD"]


def test_groups_select_items(cityscapes):
    assert [i.group for i in find("cityscapes", cityscapes, "train", ("ulm",))] == ["ulm", "ulm"]


def test_the_root_may_be_the_folder_above(cityscapes, tmp_path):
    above = tmp_path / "data"
    for name in ("leftImg8bit", "gtFine"):
        (above / "cityscapes").mkdir(parents=True, exist_ok=True)
        (tmp_path / name).rename(above / "cityscapes" / name)
    assert len(find("cityscapes", above, "train")) == 3


def test_other_files_in_the_folder_are_no_images(gta5):
    (gta5 / "images/readme.txt").write_text("hello")
    assert len(find("gta5", gta5, "train")) == 3


def test_jpeg_images_go_with_png_labels(gta5):
    (gta5 / "images/00001.png").unlink()
    Image.new("RGB", SIZE).save(gta5 / "images/00001.jpg")
    assert find("gta5", gta5, "train")[0].image.name == "00001.jpg"


# Reading


def test_labels_come_as_channels_and_255_outside_the_class_set(gta5):
    values = np.array([[ROAD, CAR, PARKING, 0, 33, 7]] * 4, np.uint8)
    Image.fromarray(values).save(gta5 / "labels/00001.png")
    label = np.array(dataset(gta5, classes="world12").load(0)[1])
    assert label[0].tolist() == [0, 10, 255, 255, 255, 0]


def test_a_palette_label_is_read_by_index_not_by_colour(gta5):
    picture = Image.fromarray(np.full(SIZE[::-1], CAR, np.uint8))
    picture.putpalette([v for i in range(256) for v in (255 - i, i, 7)])
    picture.save(gta5 / "labels/00001.png")
    assert set(np.unique(dataset(gta5).load(0)[1])) == {13}


def test_camvid_labels_are_its_eleven_classes_in_the_editions_order(camvid):
    path = camvid / "trainannot/0001TP_006690.png"
    Image.fromarray(np.array([[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]] * 2, np.uint8)).save(path)
    label = np.array(dataset(camvid, "camvid", "camvid11").load(0)[1])
    assert label[:2].ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]
    assert class_set("camvid11").names[0] == "sky"


def test_every_layouts_table_leads_to_train_ids_and_nothing_illegal_is_a_class():
    for known in LAYOUTS.values():
        table = known.train_id_of_value
        assert set(table[table != 255]) <= set(range(19))
        assert all(table[v] == 255 for v in range(256) if v not in known.legal_values)


def test_gta5_and_cityscapes_store_label_ids():
    for name in ("gta5", "cityscapes"):
        table = layout(name).train_id_of_value
        assert [int(table[i]) for i in (0, 7, 8, 11, 26, 33, 34)] == [255, 0, 1, 2, 13, 18, 255]


def test_a_training_example_is_uint8_at_the_training_size(gta5):
    image, label = dataset(gta5).example(0, (3, 2), Augmentation())
    assert (tuple(image.shape), tuple(label.shape)) == ((3, 2, 3), (2, 3))
    assert str(image.dtype) == str(label.dtype) == "torch.uint8"


def test_a_test_example_keeps_the_labels_size(gta5):
    image, label = dataset(gta5).test_example(0, (3, 2))
    assert (tuple(image.shape), tuple(label.shape)) == ((3, 2, 3), (4, 6))


def test_an_image_larger_than_the_memory_budget_reads_the_same(gta5, monkeypatch):
    kept = dataset(gta5)
    assert kept.load(0) is kept.load(0)
    monkeypatch.setattr("fada_lib.data.dataset.MEMORY_BUDGET", 0)
    read_again = dataset(gta5)
    assert read_again.load(0) is not read_again.load(0)
    assert read_again.load(0)[0].tobytes() == kept.load(0)[0].tobytes()


def test_pseudo_labels_replace_the_labels(gta5, tmp_path):
    folder = tmp_path / "pseudo"
    folder.mkdir()
    Image.fromarray(np.full(SIZE[::-1], 5, np.uint8)).save(folder / "00001.png")
    data = SegmentationDataset(find("gta5", gta5, "train"), "gta5", class_set("world12"), folder)
    assert set(np.unique(data.load(0)[1])) == {5}
    assert "00002.png" in refused(data.load, 1)


# Broken trees


def test_a_missing_root_is_named(tmp_path):
    assert str(tmp_path / "nowhere") in refused(find, "gta5", tmp_path / "nowhere", "train")


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_named(tmp_path, name):
    assert str(tmp_path) in refused(find, name, tmp_path, "train")


def test_an_unknown_layout_lists_the_known(tmp_path):
    assert "gta5, cityscapes, camvid" in refused(find, "kitti", tmp_path, "train")


def test_an_unknown_split_is_named(cityscapes):
    assert "split 'vall'" in refused(find, "cityscapes", cityscapes, "vall")


def test_an_unknown_group_lists_those_that_are_there(cityscapes):
    message = refused(find, "cityscapes", cityscapes, "train", ("paris",))
    assert "['paris']" in message
    assert "['aachen', 'ulm']" in message


def test_an_image_without_label_is_named(gta5):
    (gta5 / "labels/00002.png").unlink()
    message = refused(find, "gta5", gta5, "train")
    assert "1 images without a label" in message
    assert "00002.png" in message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6, 0.95])
def test_a_truncated_png_is_named(gta5, share):
    rng = np.random.default_rng(0)
    for folder, shape, read in (("images", (40, 60, 3), read_image), ("labels", (40, 60), read_label_values)):
        path = gta5 / folder / "00001.png"
        Image.fromarray(rng.integers(0, 34, shape, np.uint8)).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        assert str(path) in refused(read, path)


def test_a_text_file_that_is_called_png_is_named(gta5):
    path = gta5 / "images/00001.png"
    path.write_text("no image")
    assert str(path) in refused(dataset(gta5).load, 0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16", "1"])
def test_a_label_that_is_not_one_8_bit_channel_is_named(gta5, mode):
    path = gta5 / "labels/00001.png"
    Image.new(mode, SIZE).save(path)
    message = refused(dataset(gta5).load, 0)
    assert str(path) in message
    assert f"mode {mode}" in message


def test_a_label_of_another_size_than_its_image_is_named(gta5):
    path = gta5 / "labels/00001.png"
    Image.new("L", (5, 4)).save(path)
    assert str(path) in refused(dataset(gta5).load, 0)


def test_a_pseudo_label_of_another_size_than_its_image_is_named(gta5, tmp_path):
    path = tmp_path / "pseudo/00001.png"
    path.parent.mkdir()
    Image.new("L", (5, 4)).save(path)
    data = SegmentationDataset(find("gta5", gta5, "train"), "gta5", class_set("world12"), path.parent)
    assert str(path) in refused(data.load, 0)
