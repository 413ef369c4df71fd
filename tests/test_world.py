"""The made world: deterministic, exactly labelled, shifted as asked, and written like the real data sets."""

import dataclasses
import errno
import json

import numpy as np
import pytest
from PIL import Image

from fada_lib.data.classes import CITYSCAPES_LABELS, CLASS_SETS, LABEL_ID_TO_TRAIN_ID
from fada_lib.data.world.render import render_pair, render_source, render_target
from fada_lib.data.world.spec import WorldSpec
from fada_lib.data.world.write import TRAIN_CITIES, TUNE_CITY, VAL_CITY, make_world
from fada_lib.limits import CHOICES
from fada_lib.parameters import UserError

SMALL = WorldSpec(height=48, width=96)
TINY = WorldSpec(
    height=24,
    width=48,
    source_train_images=3,
    source_val_images=2,
    target_train_images=4,
    target_tune_images=2,
    target_val_images=2,
)
BUILDING, VEGETATION, STATIC = 11, 21, 4


def frequencies(spec, render, count=60):
    """Return the share of each label id over `count` training images."""
    labels = [render(spec, "train", index)[1] for index in range(count)]
    return np.bincount(np.concatenate(labels, axis=None), minlength=64) / (count * spec.height * spec.width)


@pytest.fixture(scope="module")
def shares():
    """Label frequencies of the source and of targets by label shift."""
    found = {"source": frequencies(SMALL, render_source)}
    for shift in (0.0, 0.5, 1.0):
        spec = dataclasses.replace(SMALL, label_shift=shift, appearance_shift=0.0)
        found[shift] = frequencies(spec, render_target)
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("worlds") / "world"
    make_world(root, TINY)
    return root


@pytest.mark.parametrize("render", [render_source, render_target])
def test_an_image_depends_on_nothing_but_its_seed_split_and_index(render):
    first = render(SMALL, "train", 3)
    render(SMALL, "val", 1)
    again = render(WorldSpec(height=48, width=96, source_train_images=7, target_val_images=1), "train", 3)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    others = [
        render(SMALL, "val", 3),
        render(SMALL, "train", 4),
        render(dataclasses.replace(SMALL, world_seed=1), "train", 3),
    ]
    assert all(not np.array_equal(first[0], other[0]) for other in others)


@pytest.mark.parametrize(("height", "width"), [(24, 48), (48, 96), (50, 75), (96, 192)])
def test_images_and_labels_have_the_size_asked_for(height, width):
    spec = WorldSpec(height=height, width=width)
    for image, labels in (render_source(spec, "val", 0), render_target(spec, "tune", 0)):
        assert image.shape == (height, width, 3) and image.dtype == np.uint8
        assert labels.shape == (height, width) and labels.dtype == np.uint8


def test_labels_are_the_twelve_classes_and_void(shares):
    wanted = {i for i, t in LABEL_ID_TO_TRAIN_ID.items() if t in CLASS_SETS["world12"].train_ids} | {STATIC}
    for share in shares.values():
        assert set(np.flatnonzero(share)) == wanted


def test_a_scene_looks_alike_at_two_sizes():
    small, large = render_source(SMALL, "train", 5)[1], render_source(WorldSpec(), "train", 5)[1]
    assert (large[::2, ::2] == small).mean() > 0.9


def test_without_label_shift_the_target_has_the_sources_frequencies(shares):
    assert np.abs(shares[0.0] - shares["source"]).max() < 0.03


def test_label_shift_takes_buildings_and_brings_vegetation(shares):
    assert shares[0.0][BUILDING] > shares[0.5][BUILDING] + 0.05 > shares[1.0][BUILDING] + 0.1
    assert shares[0.0][VEGETATION] < shares[0.5][VEGETATION] - 0.03 < shares[1.0][VEGETATION] - 0.06
    assert shares[1.0][BUILDING] < 0.2 and shares[1.0][VEGETATION] > 0.15


def test_without_appearance_shift_the_camera_shows_the_game():
    game, camera, labels = render_pair(dataclasses.replace(SMALL, appearance_shift=0.0), 0)
    assert np.array_equal(game, camera)
    assert labels.shape == game.shape[:2]


def test_appearance_shift_changes_colours_but_no_label():
    weak, strong = (dataclasses.replace(SMALL, appearance_shift=s) for s in (0.3, 1.0))
    game, weak_camera, labels = render_pair(weak, 2)
    _, strong_camera, same_labels = render_pair(strong, 2)
    assert np.array_equal(labels, same_labels)
    change = [np.abs(game.astype(float) - camera).mean() for camera in (weak_camera, strong_camera)]
    assert 3 < change[0] < change[1]
    warmth = [image[..., 0].mean() / image[..., 2].mean() for image in (game, weak_camera, strong_camera)]
    assert warmth[0] > warmth[1] > warmth[2], "the camera's cast is systematic: bluer the stronger"


def test_label_shift_alone_moves_labels_only_by_the_scene():
    plain = dataclasses.replace(SMALL, appearance_shift=0.0)
    labels = [render_target(dataclasses.replace(plain, label_shift=s), "val", 1)[1] for s in (0.0, 1.0)]
    strong = render_target(dataclasses.replace(SMALL, label_shift=0.0), "val", 1)[1]
    assert not np.array_equal(*labels)
    assert np.array_equal(labels[0], strong)


def test_the_domains_can_change_places():
    """With the suburb as source and the city as target the frequencies are those of the default, exchanged."""
    swapped = dataclasses.replace(SMALL, label_shift=0.0, source_label_shift=1.0, appearance_shift=0.0)
    source, target = (frequencies(swapped, render, count=30) for render in (render_source, render_target))
    assert source[BUILDING] < target[BUILDING] - 0.1 and source[VEGETATION] > target[VEGETATION] + 0.06


LABEL_IDS = {"bus": 28, "car": 26, "person": 24, "fence": 13, "traffic sign": 20}


@pytest.mark.parametrize("name", CHOICES["missing_class"][1:])
def test_a_missing_class_is_missing_in_the_target_alone_and_nothing_else_moves(name):
    label_id = LABEL_IDS[name]
    spec = dataclasses.replace(SMALL, missing_class=name, appearance_shift=0.0)
    plain = dataclasses.replace(spec, missing_class="none")
    full, lacking = ([render_target(s, "val", i)[1] for i in range(12)] for s in (plain, spec))
    assert any((labels == label_id).any() for labels in full)
    assert not any((labels == label_id).any() for labels in lacking)
    elsewhere = [(a != b) & (a != label_id) for a, b in zip(full, lacking, strict=True)]
    assert np.mean(elsewhere) < 0.005, "borders, and the post of a sign"
    assert any((render_source(spec, "train", i)[1] == label_id).any() for i in range(12))


def test_appearance_may_shift_beyond_the_default_by_a_quarter():
    game, strong, _ = render_pair(SMALL, 2)
    _, stronger, _ = render_pair(dataclasses.replace(SMALL, appearance_shift=1.25), 2)
    change = [np.abs(game.astype(float) - camera).mean() for camera in (strong, stronger)]
    assert change[1] > 1.05 * change[0]


@pytest.mark.parametrize(
    ("render", "colour", "label"),
    [(render_source, (147.69, 143.08, 138.62), 13.918), (render_target, (118.34, 136.39, 142.75), 16.679)],
)
def test_the_default_world_is_the_one_that_was_measured(render, colour, label):
    """Mean colour and label id of four images behind the published tables: no later parameter may move them."""
    images, labels = zip(*(render(SMALL, "train", index) for index in range(4)), strict=True)
    assert np.mean(images, axis=(0, 1, 2)) == pytest.approx(colour, abs=0.02)
    assert np.mean(labels) == pytest.approx(label, abs=0.005)


def test_source_is_written_as_gta5(world):
    names = [f"{n:05d}.png" for n in range(1, 6)]
    for folder in ("images", "labels"):
        assert sorted(p.name for p in (world / "gta5" / folder).iterdir()) == names
    for name, split, index in (("00001.png", "train", 0), ("00004.png", "val", 0)):
        image, labels = render_source(TINY, split, index)
        assert np.array_equal(np.asarray(Image.open(world / "gta5" / "images" / name)), image)
        with Image.open(world / "gta5" / "labels" / name) as stored:
            assert stored.mode == "P"
            assert np.array_equal(np.asarray(stored), labels)
            colours = np.array(stored.getpalette()).reshape(-1, 3)
        for label_id, _, _, rgb in CITYSCAPES_LABELS:
            if label_id in labels:
                assert tuple(colours[label_id]) == rgb


def test_target_is_written_as_cityscapes(world):
    root = world / "cityscapes"
    images = sorted(p.relative_to(root / "leftImg8bit").as_posix() for p in root.glob("leftImg8bit/*/*/*.png"))
    labels = sorted(p.relative_to(root / "gtFine").as_posix() for p in root.glob("gtFine/*/*/*.png"))
    assert [n.replace("_leftImg8bit", "") for n in images] == [n.replace("_gtFine_labelIds", "") for n in labels]
    cities = [(name.split("/")[0], name.split("/")[1]) for name in images]
    assert {c for c in cities if c[0] == "train"} == {("train", c) for c in (*TRAIN_CITIES, TUNE_CITY)}
    assert cities.count(("train", TUNE_CITY)) == 2
    assert cities.count(("val", VAL_CITY)) == 2 and len(cities) == 8
    image, label = render_target(TINY, "tune", 1)
    stem = f"train/{TUNE_CITY}/{TUNE_CITY}_000001_000019"
    assert np.array_equal(np.asarray(Image.open(root / "leftImg8bit" / f"{stem}_leftImg8bit.png")), image)
    with Image.open(root / "gtFine" / f"{stem}_gtFine_labelIds.png") as stored:
        assert stored.mode == "L"
        assert np.array_equal(np.asarray(stored), label)


def test_a_finished_world_is_left_alone(world):
    before = {p: p.stat().st_mtime_ns for p in world.rglob("*")}
    make_world(world, TINY, lambda done, total: pytest.fail("nothing is to be made"))
    assert {p: p.stat().st_mtime_ns for p in world.rglob("*")} == before


def test_progress_counts_every_image(tmp_path):
    calls = []
    make_world(tmp_path / "world", TINY, lambda done, total: calls.append((done, total)))
    assert calls == [(n, 13) for n in range(1, 14)]


def test_an_interrupted_world_leaves_nothing_under_its_name_and_is_made_afresh(tmp_path, world):
    def interrupt(done, total):
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_world(tmp_path / "world", TINY, interrupt)
    assert not (tmp_path / "world").exists()
    make_world(tmp_path / "world", TINY)
    assert [p.name for p in tmp_path.iterdir()] == ["world"]
    for made in (p for p in world.rglob("*") if p.is_file()):
        assert made.read_bytes() == (tmp_path / "world" / made.relative_to(world)).read_bytes()


def test_a_full_disk_ends_in_one_line_with_the_way_out(tmp_path, monkeypatch):
    def full(*arguments, **named):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UserError) as caught:
        make_world(tmp_path / "world", TINY)
    expected = f"cannot write {tmp_path / 'world'}: No space left on device; free some space or choose --output"
    assert str(caught.value) == expected


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="choose another folder"):
        make_world(tmp_path, TINY)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "world.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        make_world(tmp_path, TINY)


def test_another_worlds_folder_is_refused(world):
    assert json.loads((world / "world.json").read_text())["spec"]["height"] == 24
    with pytest.raises(UserError, match="another spec"):
        make_world(world, dataclasses.replace(TINY, world_seed=1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"label_shift": 1.5},
        {"appearance_shift": -0.1},
        {"appearance_shift": 1.3},
        {"source_label_shift": 2.0},
        {"missing_class": "road"},
        {"height": 8},
        {"width": 47},
        {"world_seed": -1},
        {"source_train_images": -1},
    ],
)
def test_values_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(UserError, match=f"^{next(iter(wrong))} "):
        WorldSpec(**wrong)


def test_a_part_may_have_no_image():
    assert dataclasses.replace(SMALL, target_train_images=0).images == SMALL.images - SMALL.target_train_images


def test_an_unknown_split_is_refused():
    with pytest.raises(UserError, match="unknown split"):
        render_source(SMALL, "tune", 0)
