"""Trained networks on disk: whole, plain and never executed."""

import resource

import pytest
import torch
from refusals import Trap, refused

from fada_lib.models.tensor_files import read_tensors
from fada_lib.models.weights import initialise
from fada_lib.training.checkpoint import Recipe, load_checkpoint, load_trained, record_metrics, save_checkpoint
from fada_lib.training.state import TrainingState

RECIPE = Recipe("resnet_small", "group", "world12", "none", "fada_soft", 14, {"seed": 3, "scales": [0.7, 1.0]})


def altered(folder, **changes):
    """Change entries of a checkpoint on disk."""
    content = torch.load(folder / "checkpoint.pt", weights_only=True)
    torch.save({**content, **changes}, folder / "checkpoint.pt")


@pytest.fixture
def saved(tmp_path, make_segmenter):
    save_checkpoint(tmp_path / "checkpoint.pt", make_segmenter(7), RECIPE)
    return tmp_path


def test_a_checkpoint_gives_back_network_and_recipe(saved, make_segmenter):
    segmenter, recipe = load_checkpoint(saved)
    expected = make_segmenter(7).state_dict()
    assert recipe == RECIPE
    assert all(torch.equal(tensor, expected[name]) for name, tensor in segmenter.state_dict().items())


def test_a_checkpoint_names_its_classes(saved):
    content = torch.load(saved / "checkpoint.pt", weights_only=True)
    assert content["classes"][:3] == ["road", "sidewalk", "building"]
    assert len(content["classes"]) == 12


def test_a_checkpoint_carries_the_metrics_of_its_run(saved, make_segmenter):
    metrics = {"method": "fada_soft", "evaluation": {"target_val": {"single": {"miou": 0.5, "iou": [0.5, None]}}}}
    record_metrics(saved, metrics)
    content = torch.load(saved / "checkpoint.pt", weights_only=True)
    assert content["metrics"] == metrics
    assert load_checkpoint(saved)[1] == RECIPE


def test_a_trained_network_is_found_by_its_run_or_its_file(saved):
    for path in (saved, saved / "checkpoint.pt"):
        assert load_trained(path)[1] == RECIPE


def test_the_same_network_gives_the_same_predictions_after_the_round_trip(saved, make_segmenter):
    images = torch.randn(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(load_checkpoint(saved)[0](images), make_segmenter(7)(images), atol=1e-6)


def test_a_run_without_checkpoint_is_named(tmp_path):
    assert str(tmp_path / "checkpoint.pt") in refused(load_checkpoint, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 half a zip"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert str(tmp_path / "checkpoint.pt") in refused(load_checkpoint, tmp_path)


def test_a_truncated_checkpoint_is_named(saved):
    path = saved / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000])
    assert str(path) in refused(load_checkpoint, saved)


def test_a_file_of_something_else_is_named(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "checkpoint.pt")
    assert str(tmp_path / "checkpoint.pt") in refused(load_checkpoint, tmp_path)


def test_another_number_of_classes_is_refused_in_one_line(saved):
    altered(saved, class_set="cityscapes19")
    assert str(saved / "checkpoint.pt") in refused(load_checkpoint, saved)


def test_another_backbone_is_refused_in_one_line(saved):
    altered(saved, norm="batch")
    assert str(saved / "checkpoint.pt") in refused(load_checkpoint, saved)


def test_an_unknown_class_set_is_refused_in_one_line(saved):
    altered(saved, class_set="kitti")
    assert "kitti" in refused(load_checkpoint, saved)


def test_a_malicious_checkpoint_is_refused_and_nothing_is_executed(saved):
    altered(saved, parameters=Trap(saved / "sprung"))
    assert str(saved / "checkpoint.pt") in refused(load_checkpoint, saved)
    assert not (saved / "sprung").exists()


def test_malicious_weights_are_refused_and_nothing_is_executed(tmp_path):
    torch.save({"conv1.weight": Trap(tmp_path / "sprung")}, tmp_path / "weights.pth")
    assert str(tmp_path / "weights.pth") in refused(read_tensors, tmp_path / "weights.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_malicious_resume_point_is_refused_and_nothing_is_executed(tmp_path, make_segmenter):
    torch.save({"identity": Trap(tmp_path / "sprung")}, tmp_path / "resume.pt")
    state = TrainingState({"segmenter": make_segmenter()}, {})
    assert str(tmp_path / "resume.pt") in refused(state.load, tmp_path / "resume.pt", "")
    assert not (tmp_path / "sprung").exists()


def test_the_trap_would_have_sprung(tmp_path):
    torch.save(Trap(tmp_path / "sprung"), tmp_path / "file")
    torch.load(tmp_path / "file", weights_only=False)
    assert (tmp_path / "sprung").exists()


def test_a_full_disk_is_one_line_and_keeps_the_former_checkpoint(saved, make_segmenter):
    before = (saved / "checkpoint.pt").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        message = refused(save_checkpoint, saved / "checkpoint.pt", make_segmenter(8), RECIPE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(saved / "checkpoint.pt") in message
    assert (saved / "checkpoint.pt").read_bytes() == before
    assert [p.name for p in saved.iterdir()] == ["checkpoint.pt"]


# Weights to start from


def test_no_weights_leave_the_network_as_it_is(make_segmenter):
    segmenter = make_segmenter()
    initialise(segmenter, "resnet_small", "none")
    assert torch.equal(segmenter.classifier.conv2d_list[0].weight, make_segmenter().classifier.conv2d_list[0].weight)


def test_a_local_file_of_weights_fills_the_feature_extractor_only(make_segmenter, tmp_path):
    other = make_segmenter(5)
    torch.save(other.feature_extractor.backbone.state_dict(), tmp_path / "weights.pth")
    segmenter = make_segmenter()
    initialise(segmenter, "resnet_small", str(tmp_path / "weights.pth"))
    assert torch.equal(segmenter.feature_extractor.backbone.conv1.weight, other.feature_extractor.backbone.conv1.weight)
    assert not torch.equal(segmenter.classifier.conv2d_list[0].weight, other.classifier.conv2d_list[0].weight)


def test_weights_of_another_network_are_refused_by_the_first_missing_name(make_segmenter, tmp_path):
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "weights.pth")
    message = refused(initialise, make_segmenter(), "resnet_small", str(tmp_path / "weights.pth"))
    assert "it lacks conv1.weight" in message


def test_weights_of_another_shape_are_refused_in_one_line(make_segmenter, tmp_path):
    state = make_segmenter().feature_extractor.backbone.state_dict()
    torch.save({**state, "conv1.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "weights.pth")
    assert "conv1.weight" in refused(initialise, make_segmenter(), "resnet_small", str(tmp_path / "weights.pth"))


def test_the_classifier_of_an_imagenet_file_is_left_out(make_segmenter, tmp_path):
    given = make_segmenter(seed=1).feature_extractor.backbone.state_dict()
    torch.save({**given, "fc.weight": torch.zeros(9, 3), "fc.bias": torch.zeros(9)}, tmp_path / "weights.pth")
    segmenter = make_segmenter()
    initialise(segmenter, "resnet_small", str(tmp_path / "weights.pth"))
    loaded = segmenter.feature_extractor.backbone.state_dict()
    assert loaded.keys() == given.keys() and all(torch.equal(loaded[name], given[name]) for name in given)
