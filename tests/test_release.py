"""Checkpoints in the release's form, and ImageNet weights: read if they fit, named if they do not, never executed."""

import hashlib
import http.client
from pathlib import Path

import pytest
import torch
from refusals import Trap, refused
from torch.nn import functional

from fada_lib import api
from fada_lib.data.transforms import normalise
from fada_lib.models import weights
from fada_lib.models.release import (
    load_release,
    parse_release,
    read_release,
    release_state,
    segmenter_of,
    write_release,
)
from fada_lib.models.weights import for_caffe_input, initialise, read_weights, release_positions
from fada_lib.training.checkpoint import load_trained

VGG_WIDTHS = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256), 14: (256, 256)}
VGG_WIDTHS |= {17: (512, 256)} | {i: (512, 512) for i in (19, 21, 24, 26, 28)}


@pytest.fixture(scope="module")
def resnet50():
    torch.manual_seed(0)
    return api.build_segmenter("resnet50", 19, "frozen")


@pytest.fixture(scope="module")
def released(resnet50, tmp_path_factory):
    """A file as the release writes it after the adversarial stage: keys behind `module.`, optimisers beside them."""
    path = tmp_path_factory.mktemp("released") / "model.pth"
    content = release_state(resnet50, api.build_discriminator("resnet50", 19), 40_000)
    for part in ("feature_extractor", "classifier", "model_D"):
        content[part] = {f"module.{name}": tensor for name, tensor in content[part].items()}
    torch.save({**content, "optimizer_fea": {"state": {}, "param_groups": [{"lr": 1e-4}]}}, path)
    return path


def same(a, b):
    first, second = a.state_dict(), b.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# Reading and writing


def test_our_networks_are_written_under_the_releases_names(resnet50):
    content = release_state(resnet50, api.build_discriminator("resnet50", 19), 7)
    assert list(content) == ["iteration", "feature_extractor", "classifier", "model_D"]
    assert {"backbone.conv1.weight", "backbone.layer1.0.conv1.weight", "backbone.bn1.running_var"} < content[
        "feature_extractor"
    ].keys()
    assert "conv2d_list.0.weight" in content["classifier"]
    assert content["model_D"].keys() == {f"{m}.{x}" for m in ("D.0", "D.2", "cls1", "cls2") for x in ("weight", "bias")}


def test_a_released_file_tells_backbone_norm_and_classes(released, resnet50):
    release = read_release(released)
    assert (release.backbone, release.norm, release.num_classes) == ("resnet50", "frozen", 19)
    assert release.iteration == 40_000
    assert same(segmenter_of(release), resnet50)


def test_a_discriminator_comes_back(released):
    discriminator = api.build_discriminator("resnet50", 19)
    load_release(read_release(released), api.build_segmenter("resnet50", 19, "frozen"), discriminator)
    assert torch.equal(discriminator.cls2.bias, torch.load(released)["model_D"]["module.cls2.bias"])


def test_any_trained_network_is_loaded_with_its_recipe(released, resnet50):
    segmenter, recipe = load_trained(released)
    assert same(segmenter, resnet50)
    assert (recipe.backbone, recipe.class_set, recipe.total_iterations) == ("resnet50", "cityscapes19", 40_000)


def test_live_batch_norm_is_told_by_its_counters(tmp_path):
    student = api.build_segmenter("resnet50", 16, "batch")
    write_release(tmp_path / "student.pth", student)
    segmenter, recipe = load_trained(tmp_path / "student.pth")
    assert (recipe.norm, recipe.class_set) == ("batch", "synthia16")
    assert same(segmenter, student)


def test_frozen_statistics_load_into_live_batch_norm(released, resnet50):
    student = api.build_segmenter("resnet50", 19, "batch")
    load_release(read_release(released), student)
    found, expected = student.feature_extractor.backbone.bn1, resnet50.feature_extractor.backbone.bn1
    assert torch.equal(found.running_var, expected.running_var)


def test_vgg_16_is_told_by_its_sequence():
    with torch.device("meta"):
        segmenter = api.build_segmenter("vgg16", 16, "frozen")
    state = {name: torch.empty_like(t, device="meta") for name, t in segmenter.feature_extractor.state_dict().items()}
    release = parse_release(
        {"feature_extractor": state, "classifier": {"conv2d_list.0.bias": torch.zeros(16)}}, Path("x")
    )
    assert (release.backbone, release.num_classes) == ("vgg16", 16)


def test_the_small_network_keeps_its_form_too(make_segmenter, tmp_path):
    write_release(tmp_path / "small.pth", make_segmenter(1))
    again = make_segmenter(2)
    api.load_weights(tmp_path / "small.pth", again)
    assert same(again, make_segmenter(1))


# Refusals


def test_another_number_of_classes_is_named(released):
    message = refused(load_release, read_release(released), api.build_segmenter("resnet50", 16, "frozen"))
    assert "model.pth (classifier, 19 classes)" in message
    assert "conv2d_list.0.weight is (19, 2048, 3, 3), not (16, 2048, 3, 3)" in message


def test_another_backbone_is_named(released):
    with torch.device("meta"):
        other = api.build_segmenter("resnet101", 19, "frozen").to_empty(device="cpu")
    assert "it lacks backbone.layer3.6.conv1.weight" in refused(load_release, read_release(released), other)


def test_an_unknown_backbone_is_named(make_segmenter, tmp_path):
    write_release(tmp_path / "small.pth", make_segmenter(num_classes=19))
    assert "small.pth has a backbone unknown here" in refused(load_trained, tmp_path / "small.pth")


def test_a_source_model_has_no_discriminator(make_segmenter, tmp_path):
    write_release(tmp_path / "source.pth", make_segmenter())
    arguments = (tmp_path / "source.pth", make_segmenter(), api.build_discriminator("resnet_small", 12))
    assert "source.pth holds no model_D" in refused(api.load_weights, *arguments)


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_a_truncated_file_is_named(make_segmenter, tmp_path, size):
    write_release(tmp_path / "whole.pth", make_segmenter())
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:size])
    assert f"{tmp_path / 'cut.pth'} cannot be read" in refused(read_release, tmp_path / "cut.pth")


@pytest.mark.parametrize(
    "content",
    [
        {},
        [1],
        {"feature_extractor": 1, "classifier": {}},
        {"feature_extractor": {}, "classifier": {"a": torch.zeros(1)}},
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    assert str(tmp_path / "other.pth") in refused(read_release, tmp_path / "other.pth")


@pytest.mark.parametrize("where", ["feature_extractor", "iteration", "optimizer_D"])
def test_nothing_in_a_malicious_file_is_executed(make_segmenter, tmp_path, where):
    torch.save({**release_state(make_segmenter()), where: Trap(tmp_path / "sprung")}, tmp_path / "evil.pth")
    message = refused(read_release, tmp_path / "evil.pth")
    assert "evil.pth cannot be read (UnpicklingError): it holds more than tensors and plain types" in message
    assert not (tmp_path / "sprung").exists()


# ImageNet weights


@pytest.fixture(scope="module")
def vgg_state():
    """VGG-16's state dictionary under torchvision's names, the classifier left out; layers after the first are zero."""
    generator = torch.Generator().manual_seed(0)
    state = {f"features.{i}.weight": torch.zeros(*shape, 3, 3) for i, shape in VGG_WIDTHS.items()}
    state |= {f"features.{i}.bias": torch.full((shape[0],), float(i)) for i, shape in VGG_WIDTHS.items()}
    return {**state, "features.0.weight": torch.randn(64, 3, 3, 3, generator=generator)}


def test_torchvisions_vgg_sees_the_same_picture_in_caffes_convention(vgg_state):
    images = torch.randint(0, 256, (1, 3, 9, 9), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    converted = for_caffe_input(vgg_state)
    first, second = (
        functional.conv2d(normalise(images, convention), state["features.0.weight"], state["features.0.bias"])
        for convention, state in (("imagenet_rgb", vgg_state), ("caffe_bgr", converted))
    )
    assert torch.allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("prefix", ["", "caffe:"])
def test_vgg_weights_are_loaded_in_either_convention(vgg_state, tmp_path, prefix):
    torch.save({**vgg_state, "classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg.pth")
    with torch.device("meta"):
        segmenter = api.build_segmenter("vgg16", 2, "frozen")
    segmenter = segmenter.to_empty(device="cpu")
    initialise(segmenter, "vgg16", f"{prefix}{tmp_path / 'vgg.pth'}")
    expected = vgg_state if prefix else for_caffe_input(vgg_state)
    backbone = segmenter.feature_extractor.backbone
    assert torch.equal(backbone[0].weight, expected["features.0.weight"])
    assert [backbone[i].bias[0].item() for i in (21, 23, 25, 27)] == [21.0, 24.0, 26.0, 28.0]


def test_positions_after_pool4_move_up_by_one(vgg_state):
    assert set(release_positions(vgg_state)) == {
        f"{i}.{leaf}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27) for leaf in ("weight", "bias")
    }


@pytest.mark.parametrize("value", ["caffe", "caffe:/nowhere/x.pth"])
def test_caffes_weights_are_for_vgg_only(make_segmenter, value):
    assert "is for backbone 'vgg16'" in refused(initialise, make_segmenter(), "resnet50", value)


def save_with_checksum(folder, content):
    torch.save(content, folder / "plain.pth")
    digest = hashlib.sha256((folder / "plain.pth").read_bytes()).hexdigest()[:8]
    return (folder / "plain.pth").rename(folder / f"net-{digest}.pth")


def test_a_checksum_in_the_name_is_compared_with_the_content(tmp_path):
    path = save_with_checksum(tmp_path, {"a": torch.ones(3)})
    assert torch.equal(read_weights(path)["a"], torch.ones(3))
    path.write_bytes(path.read_bytes() + b" ")
    assert "not the one in its name: it is truncated" in refused(read_weights, path)


def test_a_file_without_a_checksum_is_taken_as_it_is(tmp_path):
    torch.save({"a": torch.ones(3)}, tmp_path / "my-net.pth")
    assert torch.equal(read_weights(tmp_path / "my-net.pth")["a"], torch.ones(3))


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no route to host"),
        http.client.IncompleteRead(b"12"),
        RuntimeError('invalid hash value (expected "63fe2227", got "00")'),
    ],
)
def test_a_download_that_fails_or_is_cut_ends_in_one_line(make_segmenter, tmp_path, monkeypatch, failure):
    def fail(*arguments, **options):
        raise failure

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    message = refused(initialise, make_segmenter(), "resnet101", "imagenet")
    assert "failed" in message
    assert "set weights to a local file" in message


def test_a_file_cut_in_the_cache_is_named(make_segmenter, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    cut = tmp_path / "checkpoints" / weights.CAFFE_VGG16.rpartition("/")[2]
    cut.parent.mkdir()
    cut.write_bytes(b"half of it")
    assert f"{cut} has the checksum" in refused(initialise, make_segmenter(), "vgg16", "caffe")


def test_a_download_is_checked_against_the_checksum_in_its_name(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *given, **_: asked.append(given))
    weights.download("https://example.org/resnet101-63fe2227.pth")
    assert asked == [
        ("https://example.org/resnet101-63fe2227.pth", str(tmp_path / "checkpoints/resnet101-63fe2227.pth"), "63fe2227")
    ]
