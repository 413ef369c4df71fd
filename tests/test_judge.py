"""Judging one network on one data set by the command line: its numbers, and one line for whatever does not fit."""

import json

import numpy as np
import pytest
from mini_trees import make_tree
from PIL import Image

from fada_lib.data.classes import TRAIN_ID_OF_LABEL_ID, class_set
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.layouts import find, layout
from fada_lib.inference.evaluate import evaluate
from fada_lib.study import judge
from fada_lib.training.checkpoint import Recipe, save_checkpoint


@pytest.fixture
def network(make_segmenter, tmp_path):
    """An untrained network of 19 classes, and its checkpoint."""
    segmenter = make_segmenter(num_classes=19)
    recipe = Recipe("resnet_small", "group", "cityscapes19", "none", "source_only", 5, {})
    save_checkpoint(tmp_path / "checkpoint.pt", segmenter, recipe)
    return segmenter, tmp_path / "checkpoint.pt"


@pytest.fixture
def root(tmp_path):
    return make_tree("cityscapes", tmp_path / "cityscapes", images=2, size=(24, 16))


def run(*arguments):
    return judge.main([str(argument) for argument in (*arguments, "--device", "cpu")])


def test_the_command_prints_and_writes_what_an_evaluation_measures(network, root, tmp_path, capsys):
    segmenter, path = network
    written = tmp_path / "scores.json"
    assert run(path, "--root", root, "--multiscale", "--absent", "zero", "--write", written) == 0
    form, classes = layout("cityscapes"), class_set("cityscapes19")
    data = SegmentationDataset(find(form, root, "val"), form, classes)
    expected = evaluate(segmenter, data, (), (0.7, 1.0, 1.3), True, absent="zero")
    found = json.loads(written.read_text())
    assert found["iou"] == pytest.approx(expected["iou"])
    assert (found["images"], found["classes"]) == (2, list(classes.names))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["road", f"{100 * found['iou'][0]:.1f}"]
    assert f"mIoU{100 * found['miou']:19.1f}" in lines


def test_labels_that_hold_train_ids_are_refused_before_anything_is_written(network, root, tmp_path, capsys):
    for path in root.rglob("*_labelIds.png"):
        with Image.open(path) as label:
            values = TRAIN_ID_OF_LABEL_ID[np.array(label)]
        Image.fromarray(values).save(path)
    assert run(network[1], "--root", root, "--write", tmp_path / "scores.json") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {root} (val): ") and "are these train ids?" in line
    assert not (tmp_path / "scores.json").exists()


def test_a_damaged_image_is_named(network, root, capsys):
    image = next(root.rglob("leftImg8bit/val/*/*.png"))
    image.write_bytes(image.read_bytes()[:60])
    assert run(network[1], "--root", root) == 2
    assert f"{image} cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--root", "nowhere"), "does not exist"),
        (("--split", "test"), "no image of split 'test'"),
        (("--layout", "gta"), "unknown layout 'gta'"),
        (("--subset", "synthia12"), "unknown class set 'synthia12'"),
        (("--test-size", "0", "16"), "--test-size "),
    ],
)
def test_what_does_not_fit_is_one_line(network, root, capsys, arguments, expected):
    assert run(network[1], "--root", root, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and expected in line
