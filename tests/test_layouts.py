"""Finding and reading the files of every layout, on miniature trees; and what a broken tree says."""

from pathlib import Path

import numpy as np
import pytest
from mini_trees import OWN_CLASSES, OWN_VALUES, make_tree, write_16_bit_png
from PIL import Image
from refusals import refused

from fada_lib.data.classes import TRAIN_NAMES, class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.decode import read_image, read_label_values
from fada_lib.data.layouts import LAYOUTS, find, layout, mapped_layout, own_layout
from fada_lib.data.transforms import Augmentation
from fada_lib.parameters import UserError

ROAD, CAR, PARKING = 7, 26, 9  # label ids of Cityscapes
SIZE = (6, 4)  # width, height


@pytest.fixture
def tree(tmp_path):
    """A writer of miniature trees of 6 x 4 pixels, three images per split and group."""
    return lambda name: make_tree(name, tmp_path / name, images=3, size=SIZE)


@pytest.fixture
def gta5(tree):
    return tree("gta5")


def dataset(root, name="gta5", classes="cityscapes19", split="train"):
    return SegmentationDataset(find(layout(name), root, split), layout(name), class_set(classes))


def own(values=OWN_VALUES, classes=OWN_CLASSES, images="{split}/images", labels="{split}/labels"):
    return own_layout(images, labels, values, class_set(classes), "source_label_values")


# Finding


def test_gta5_pairs_images_and_labels_by_number(gta5):
    items = find(layout("gta5"), gta5, "train")
    assert [i.name for i in items] == ["00001", "00002", "00003"]
    assert items[0].image == gta5 / "images/00001.png"
    assert items[0].label == gta5 / "labels/00001.png"


def test_gta5s_two_labels_that_fit_no_image_are_left_out_by_name(gta5):
    for folder in ("images", "labels"):
        for name in ("15188", "17705"):
            Image.new("L", (3, 3)).save(gta5 / folder / f"{name}.png")
    assert [i.name for i in find(layout("gta5"), gta5, "train")] == ["00001", "00002", "00003"]


def test_synthia_pairs_rgb_and_labels_not_colours(tree):
    root = tree("synthia")
    items = find(layout("synthia"), root, "train")
    assert [i.name for i in items] == ["0000000", "0000001", "0000002"]
    assert items[0].image == root / "RAND_CITYSCAPES/RGB/0000000.png"
    assert items[0].label == root / "RAND_CITYSCAPES/GT/LABELS/0000000.png"


def test_cityscapes_goes_through_the_cities_of_a_split(tree):
    root = tree("cityscapes")
    items = find(layout("cityscapes"), root, "train")
    assert [(i.group, i.name) for i in items][:4] == [
        ("aachen", "aachen_000000_000019"),
        ("aachen", "aachen_000001_000019"),
        ("aachen", "aachen_000002_000019"),
        ("ulm", "ulm_000000_000019"),
    ]
    assert {i.group for i in find(layout("cityscapes"), root, "val")} == {"bonn"}


def test_crosscity_groups_by_city_and_has_labels_for_test_alone(tree):
    root = tree("crosscity")
    test = find(layout("crosscity"), root, "test", ("Rome",))
    assert [i.name for i in test] == [f"Rome_pano_0000{k}_{k}_0" for k in range(3)]
    assert test[0].label == root / "NTHU_Datasets/Rome/Labels/Test/pano_00000_0_0_eval.png"
    train = find(layout("crosscity"), root, "train", labels_needed=False)
    assert [i.group for i in train] == ["Rio"] * 3 + ["Rome"] * 3
    assert all(i.label is None for i in train)
    assert len({i.name for i in train}) == 6


def test_crosscitys_lists_decide_where_they_are_there(tree):
    root = tree("crosscity")
    listed = root / "NTHU_Datasets/Rome/List/test.txt"
    listed.write_text("pano_00001_1_0\n")
    assert len(find(layout("crosscity"), root, "test", ("Rome",))) == 1
    listed.write_text("Images/Test/pano_00001_1_0.jpg Labels/Test/pano_00001_1_0_eval.png\n\n")
    assert len(find(layout("crosscity"), root, "test", ("Rome",))) == 1
    listed.unlink()
    assert len(find(layout("crosscity"), root, "test", ("Rome",))) == 3


def test_camvid_groups_by_video_sequence(tree):
    items = find(layout("camvid"), tree("camvid"), "train")
    assert [(i.group, i.name) for i in items] == [
        ("0001TP", "0001TP_000001"),
        ("0006R0", "0006R0_000000"),
        ("0006R0", "0006R0_000002"),
    ]


@pytest.mark.parametrize("name", ["gta5", "synthia", "cityscapes", "crosscity", "camvid"])
def test_the_root_may_be_the_data_sets_folder_or_the_one_above(tmp_path, name):
    folder = {"gta5": "GTA5", "synthia": "SYNTHIA", "crosscity": "data", "camvid": "CamVid"}.get(name, name)
    root = make_tree(name, tmp_path / folder, images=2, size=SIZE)
    inner = {"synthia": "RAND_CITYSCAPES", "crosscity": "NTHU_Datasets"}.get(name)
    roots = [root, root / inner if inner else root.parent]
    found = [[i.image for i in find(layout(name), r, "train", labels_needed=False)] for r in roots]
    assert found[0] == found[1]
    assert found[0]


def test_other_files_in_the_folder_are_no_images(gta5):
    (gta5 / "images/readme.txt").write_text("hello")
    (gta5 / "images/._00001.png").write_bytes(b"of macOS")
    (gta5 / "train.txt").write_text("00001.png\n")
    assert len(find(layout("gta5"), gta5, "train")) == 3


@pytest.mark.parametrize(("name", "image"), [("gta5", "images/00001"), ("cityscapes", None), ("camvid", None)])
def test_images_may_be_jpeg_where_labels_are_png(tree, name, image):
    root = tree(name)
    png = root / f"{image}.png" if image else find(layout(name), root, "train")[0].image
    Image.open(png).save(png.with_suffix(".jpg"))
    png.unlink()
    assert png.with_suffix(".jpg") in [i.image for i in find(layout(name), root, "train")]


# Groups


def test_groups_select_items(tree):
    assert {i.group for i in find(layout("cityscapes"), tree("cityscapes"), "train", ("ulm",))} == {"ulm"}


def test_cities_of_cityscapes_train_do_not_restrict_val(tree):
    root = tree("cityscapes")
    assert {i.group for i in find(layout("cityscapes"), root, "val", ("ulm",))} == {"bonn"}
    assert {i.group for i in find(layout("cityscapes"), root, "train", ("ulm", "bonn"))} == {"ulm"}
    assert {i.group for i in find(layout("cityscapes"), root, "train", ("bonn",))} == {"aachen", "ulm"}


def test_a_sequence_of_camvid_restricts_every_split(tree):
    root = tree("camvid")
    for split in ("train", "val", "test"):
        assert {i.group for i in find(layout("camvid"), root, split, ("0001TP",))} == {"0001TP"}
    for file in root.glob("val/0001TP*"):
        file.unlink()
    assert "['0001TP'] not in" in refused(find, layout("camvid"), root, "val", ("0001TP",))


def test_an_unknown_group_lists_those_that_are_there(tree):
    message = refused(find, layout("cityscapes"), tree("cityscapes"), "train", ("paris", "ulm"))
    assert "['paris']" in message
    assert "['aachen', 'ulm']" in message


# Reading


@pytest.mark.parametrize("name", ["gta5", "synthia", "cityscapes", "camvid"])
def test_every_layout_reads_its_own_encoding(tree, name):
    data = dataset(tree(name), name)
    label = np.array(data.load(0)[1])
    assert (label != 255).any()
    assert label[label != 255].max() < 19


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


def test_synthias_class_is_the_first_of_three_16_bit_channels(tree):
    root = tree("synthia")
    values = np.full((4, 6, 3), 40000)
    values[..., 0] = np.arange(24).reshape(4, 6) % 23
    write_16_bit_png(root / "RAND_CITYSCAPES/GT/LABELS/0000000.png", values)
    sixteen, nineteen = (dataset(root, "synthia", name) for name in ("synthia16", "cityscapes19"))
    # The facts' map from id to channel of the 16 classes.
    expected = {3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 1: 9, 10: 10, 17: 11, 8: 12, 19: 13, 12: 14}
    expected |= {11: 15}
    label = np.array(sixteen.load(0)[1]).ravel()
    assert label.tolist() == [expected.get(v % 23, 255) for v in range(24)]
    names = {v: TRAIN_NAMES[c] for v, c in enumerate(np.array(nineteen.load(0)[1]).ravel()[:23]) if c != 255}
    assert (names[16], names[18], names[20]) == ("terrain", "truck", "train")


def test_pillow_alone_would_read_synthias_labels_as_zeros(tree):
    path = tree("synthia") / "RAND_CITYSCAPES/GT/LABELS/0000001.png"
    with Image.open(path) as image:
        assert image.mode == "RGB" and not np.array(image)[..., 0].any()
    assert layout("synthia").read_values(path).any()


def test_camvid_labels_are_its_eleven_classes_in_the_editions_order(tree):
    root = tree("camvid")
    path = root / "trainannot/0001TP_000001.png"
    Image.fromarray(np.array([[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]] * 2, np.uint8)).save(path)
    label = np.array(dataset(root, "camvid", "camvid11").load(0)[1])
    assert label[:2].ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]
    assert class_set("camvid11").names[0] == "sky"


def test_cityscapes_may_have_train_ids_instead_of_label_ids(tree):
    root = tree("cityscapes")
    before = np.array(dataset(root, "cityscapes").load(0)[1])
    path = find(layout("cityscapes"), root, "train")[0].label
    path.unlink()
    Image.fromarray(before).save(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
    assert np.array_equal(dataset(root, "cityscapes").load(0)[1], before)


def test_every_layouts_table_leads_to_train_ids_and_nothing_illegal_is_a_class():
    for known in LAYOUTS.values():
        table = known.train_id_of_value
        assert set(table[table != 255]) <= set(range(19))
        assert all(table[v] == 255 for v in range(256) if v not in known.legal_values)


def test_gta5_cityscapes_and_crosscity_store_label_ids():
    for name in ("gta5", "cityscapes", "crosscity"):
        table = layout(name).train_id_of_value
        assert [int(table[i]) for i in (0, 7, 8, 11, 26, 33, 34)] == [255, 0, 1, 2, 13, 18, 255]


def test_an_image_without_label_has_255_everywhere(tree):
    form = layout("crosscity")
    items = find(form, tree("crosscity"), "train", labels_needed=False)
    data = SegmentationDataset(items, form, class_set("cityscapes19"))
    assert set(np.unique(data.load(0)[1])) == {255}
    assert not data.labelled


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


def pseudo_labelled(gta5, size=SIZE, value=5):
    folder = gta5 / "pseudo"
    folder.mkdir()
    Image.new("L", size, value).save(folder / "00001.png")
    form = layout("gta5")
    return SegmentationDataset(find(form, gta5, "train"), form, class_set("world12"), folder)


def test_pseudo_labels_replace_the_labels(gta5):
    data = pseudo_labelled(gta5)
    assert set(np.unique(data.load(0)[1])) == {5}
    assert "00002.png" in refused(data.load, 1)


# Your own folders


def test_a_photograph_is_turned_upright_by_its_cameras_mark(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter, clockwise
    lower_row_red = np.array([[[0, 0, 0]] * 6, [[255, 0, 0]] * 6], np.uint8)
    Image.fromarray(lower_row_red).save(tmp_path / "a.png", exif=turned)
    upright = np.array(read_image(tmp_path / "a.png"))
    assert upright.shape == (6, 2, 3)
    assert (upright[:, 0, 0] == 255).all() and not upright[:, 1].any()


def test_a_picture_too_large_to_be_decoded_safely_is_named(tmp_path, monkeypatch):
    Image.new("RGB", (64, 48)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "huge.png cannot be read" in refused(read_image, tmp_path / "huge.png")


def test_own_labels_become_the_listed_classes(tree):
    root, form = tree("folders"), own()
    items = find(form, root, "train")
    assert (items[0].name, items[0].group) == ("photo 0", "")
    Image.fromarray(np.array([[1, 2, 3, 4, 6, 7], [8, 0, 255, 1, 1, 1]] * 2, np.uint8)).save(items[0].label)
    label = np.array(SegmentationDataset(items, form, class_set(OWN_CLASSES)).load(0)[1])
    assert label[:2].ravel().tolist() == [0, 1, 2, 2, 3, 4, 5, 255, 255, 0, 0, 0]


def test_own_classes_meet_those_of_a_known_layout_by_name(tree):
    classes = class_set("car, tram, road")
    cityscapes = classes.channel_of_train_id[layout("cityscapes").train_id_of_value]
    mine = classes.channel_of_train_id[own({"road": 9, "tram": 4, "wall": 2}, "car, tram, road").train_id_of_value]
    assert (cityscapes[CAR], cityscapes[ROAD], cityscapes[12]) == (0, 2, 255)
    assert (mine[9], mine[4], mine[2]) == (2, 1, 255)


def test_file_names_may_differ_by_more_than_their_suffix(tmp_path):
    (tmp_path / "x").mkdir()
    Image.new("RGB", SIZE).save(tmp_path / "x/a_rgb.jpg")
    Image.new("L", SIZE).save(tmp_path / "x/a_ids.png")
    (item,) = find(own(images="x/*_rgb.jpg", labels="x/*_ids.png"), tmp_path, "train")
    assert (item.name, item.label) == ("a", tmp_path / "x/a_ids.png")


def test_folders_inside_are_groups_and_part_of_the_name(tmp_path):
    for place in ("images/day/a.png", "images/night/a.png", "labels/day/a.png", "labels/night/a.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", SIZE).save(tmp_path / place)
    form = own(images="images", labels="labels")
    assert [(i.name, i.group) for i in find(form, tmp_path, "train")] == [("day/a", "day"), ("night/a", "night")]
    assert [i.name for i in find(form, tmp_path, "train", ("night",))] == ["night/a"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"raod": 1}, "source_label_values: unknown class 'raod'; did you mean 'road'?"),
        ({"road": 256}, "'road' is 256: label values are whole numbers 0..255"),
        ({"road": "1"}, "'road' is '1'"),
        ({"road": 1, "car": [2, 1]}, "the label value 1 belongs to two classes, one is 'car'"),
        ({"wall": 1}, "none of the classes of class_set is in it"),
    ],
)
def test_a_wrong_class_map_is_refused(values, message):
    assert message in refused(own, values)


def test_a_pattern_with_two_stars_is_refused():
    assert "'*/*.png'" in refused(own, OWN_VALUES, OWN_CLASSES, "*/*.png")


# Broken trees


def test_a_missing_root_is_named(tmp_path):
    assert str(tmp_path / "nowhere") in refused(find, layout("gta5"), tmp_path / "nowhere", "train")


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_named(tmp_path, name):
    assert str(tmp_path) in refused(find, layout(name), tmp_path, "train")


@pytest.mark.parametrize(("name", "of"), [("gta5", "cityscapes"), ("synthia", "gta5"), ("cityscapes", "camvid")])
def test_the_root_of_another_data_set_is_named(tree, name, of):
    root = tree(of)
    assert f"in {root}; is it the folder of the download?" in refused(find, layout(name), root, "train")


def test_a_layout_whose_map_a_study_gives_is_no_layout_by_name_alone():
    assert "layout 'folders' has no map of label values of its own" in refused(mapped_layout, "folders")
    assert mapped_layout("gta5") is layout("gta5")


def test_an_unknown_layout_lists_the_known():
    assert "gta5, synthia, cityscapes, crosscity, camvid, folders" in refused(layout, "kitti")


def test_an_unknown_split_is_named(tree):
    assert "split 'vall'" in refused(find, layout("cityscapes"), tree("cityscapes"), "vall")


def test_an_image_without_label_is_named(gta5):
    (gta5 / "labels/00002.png").unlink()
    message = refused(find, layout("gta5"), gta5, "train")
    assert "1 of 3 images without a label" in message
    assert f"add {gta5 / 'labels/00002.png'} or remove the image" in message


def test_a_target_may_lack_all_labels_but_not_half_of_them(gta5):
    (gta5 / "labels/00002.png").unlink()
    with pytest.raises(UserError, match="1 of 3 images without a label"):
        find(layout("gta5"), gta5, "train", labels_needed=False)
    for name in ("00001", "00003"):
        (gta5 / f"labels/{name}.png").unlink()
    assert all(i.label is None for i in find(layout("gta5"), gta5, "train", labels_needed=False))


def test_two_images_of_one_name_are_named(gta5):
    Image.new("RGB", SIZE).save(gta5 / "images/00002.jpg")
    assert "two images called 00002" in refused(find, layout("gta5"), gta5, "train")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6, 0.95])
def test_a_truncated_png_is_named(gta5, share):
    rng = np.random.default_rng(0)
    path = gta5 / "x.png"
    for shape, read in (
        ((40, 60, 3), read_image),
        ((40, 60), read_label_values),
        (None, layout("synthia").read_values),
    ):
        if shape is None:
            write_16_bit_png(path, rng.integers(0, 23, (40, 60, 3)))
        else:
            Image.fromarray(rng.integers(0, 34, shape, np.uint8)).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        assert str(path) in refused(read, path)


def test_a_text_file_that_is_called_png_is_named(gta5):
    path = gta5 / "images/00001.png"
    path.write_text("no image")
    assert str(path) in refused(dataset(gta5).load, 0)
    assert str(path) in refused(layout("synthia").read_values, path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16", "1"])
def test_a_label_that_is_not_one_8_bit_channel_is_named(gta5, mode):
    path = gta5 / "labels/00001.png"
    Image.new(mode, SIZE).save(path)
    message = refused(dataset(gta5).load, 0)
    assert str(path) in message
    assert f"mode {mode}" in message


def test_a_16_bit_label_is_never_read_as_8_bit(gta5):
    path = gta5 / "labels/00001.png"
    write_16_bit_png(path, np.full((4, 6, 3), 3))
    assert "16 bits a channel, labels of this layout 8: is it SYNTHIA's?" in refused(dataset(gta5).load, 0)


def test_an_8_bit_label_is_no_label_of_synthia(tree):
    base = tree("synthia") / "RAND_CITYSCAPES/GT"
    (base / "LABELS").rename(base / "other")
    (base / "COLOR").rename(base / "LABELS")
    message = refused(dataset(base.parent, "synthia").load, 0)
    assert "LABELS/0000000.png has 8 bits a channel, labels of this layout 16: is it the colour folder?" in message


def test_a_16_bit_label_of_one_channel_is_no_label_of_synthia(tree):
    root = tree("synthia")
    path = root / "RAND_CITYSCAPES/GT/LABELS/0000000.png"
    Image.fromarray(np.full((4, 6), 3, np.uint16)).save(path)
    assert f"{path} is a PNG of mode I;16" in refused(dataset(root, "synthia").load, 0)


@pytest.mark.parametrize("value", [0, 3, 255])
def test_16_bit_values_are_read_whatever_the_other_channels_hold(tree, value):
    path = tree("synthia") / "x.png"
    values = np.random.default_rng(0).integers(0, 65536, (40, 60, 3))
    values[..., 0] = value
    write_16_bit_png(path, values)
    assert (layout("synthia").read_values(path) == value).all()


def test_a_16_bit_label_whose_classes_are_none_is_named(tree):
    root = tree("synthia")
    path = root / "RAND_CITYSCAPES/GT/LABELS/0000000.png"
    write_16_bit_png(path, np.full((4, 6, 3), 259))
    assert f"{path} holds the class 259" in refused(dataset(root, "synthia").load, 0)


def test_a_label_that_was_compressed_with_loss_is_named(gta5):
    path = gta5 / "labels/00001.png"
    Image.new("L", SIZE).save(path, format="JPEG")
    assert f"{path} is a JPEG file inside" in refused(dataset(gta5).load, 0)


def test_a_label_of_another_size_than_its_image_is_named(gta5):
    path = gta5 / "labels/00001.png"
    Image.new("L", (5, 4)).save(path)
    assert str(path) in refused(dataset(gta5).load, 0)


def test_a_pseudo_label_of_another_size_than_its_image_is_named(gta5):
    data = pseudo_labelled(gta5, size=(5, 4))
    assert str(gta5 / "pseudo/00001.png") in refused(data.load, 0)


def test_a_layout_says_what_is_legal():
    assert layout("cityscapes").legal_text == "0..33"
    assert layout("crosscity").legal_text == "0..33, 255"
    assert own({"road": 1, "car": [4, 9]}).legal_text == "1, 4, 9"


def test_trees_of_equal_seeds_are_equal(tmp_path):
    def content(root: Path) -> dict:
        return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    for name in LAYOUTS:
        one, other = (make_tree(name, tmp_path / f"{name}{k}", images=1, size=SIZE) for k in range(2))
        assert content(one) == content(other)
