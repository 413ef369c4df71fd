"""Trained networks put to use: taken into notebook 02, given to a student with another norm, judged by a command."""

import pytest
import torch

from fada_lib import api
from fada_lib.files import read_json, read_json_lines
from fada_lib.models.release import write_release
from fada_lib.models.tensor_files import save_tensors
from fada_lib.parameters import AdaptParameters, DistillParameters, PretrainParameters, UserError
from fada_lib.progress import Progress
from fada_lib.study import judge
from fada_lib.training.adapt import adapt
from fada_lib.training.checkpoint import Recipe, load_checkpoint, save_checkpoint
from fada_lib.training.distill import build_student, distill, label_target
from fada_lib.training.pretrain import pretrain


@pytest.fixture
def take(data_run, tmp_path):
    """Runs notebook 02's stage with a checkpoint in place of training."""

    def run(checkpoint, **changes):
        values = {"run": str(tmp_path / "02"), "data": data_run, "iterations": 0, "device": "cpu", **changes}
        pretrain(PretrainParameters(checkpoint=str(checkpoint), **values), Progress(tmp_path / "02", live=False))
        return tmp_path / "02"

    return run


@pytest.fixture
def trained(save_run, tmp_path):
    return save_run(tmp_path / "trained", seed=5)


# In place of training


@pytest.mark.parametrize("name", ["", "checkpoint.pt"])
def test_a_checkpoint_is_taken_as_it_is_and_only_evaluated(take, trained, make_segmenter, name):
    folder = take(f"{trained}/{name}")
    segmenter, recipe = load_checkpoint(folder)
    expected = make_segmenter(5).state_dict()
    assert all((tensor == expected[key]).all() for key, tensor in segmenter.state_dict().items())
    assert recipe.total_iterations == 5
    (row,) = read_json_lines(folder / "history.jsonl")
    assert row["iteration"] == 0
    assert 0 <= row["target_tune_miou"] <= 1


def test_a_checkpoint_may_be_trained_further(take, trained):
    folder = take(trained, iterations=1, log_every=1, checkpoint_every=1, batch_size=1)
    assert load_checkpoint(folder)[1].total_iterations == 6


@pytest.mark.parametrize(
    ("use", "parameters", "where"),
    [(adapt, AdaptParameters, "source_run"), (label_target, DistillParameters, "teacher_run")],
)
def test_a_network_of_other_classes_than_the_data_have_is_refused(
    data_run, make_segmenter, tmp_path, use, parameters, where
):
    other = Recipe("resnet_small", "group", "cityscapes19", "none", "source_only", 5, {})
    save_checkpoint(tmp_path / "02" / "checkpoint.pt", make_segmenter(num_classes=19), other)
    p = parameters(run=str(tmp_path / "03"), data=data_run, device="cpu", **{where: str(tmp_path / "02")})
    with pytest.raises(UserError, match=f"^{where}: .* predicts 'cityscapes19', the data have class_set 'world12'$"):
        use(p, Progress(tmp_path / "03", live=False))


def test_a_fresh_student_starts_from_the_weights_that_the_checkpoint_had_started_from(take, make_segmenter, tmp_path):
    start, other = make_segmenter(1), make_segmenter(2)
    save_tensors(tmp_path / "start.pth", start.feature_extractor.backbone.state_dict())
    recipe = Recipe("resnet_small", "group", "world12", str(tmp_path / "start.pth"), "source_only", 5, {})
    save_checkpoint(tmp_path / "trained.pt", other, recipe)
    student, _ = build_student(DistillParameters(teacher_run=str(take(tmp_path / "trained.pt"))))
    assert torch.equal(student.feature_extractor.backbone.conv1.weight, start.feature_extractor.backbone.conv1.weight)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm": "batch"}, "set backbone: resnet_small and norm: group"),
        ({"backbone": "resnet50"}, "is no 'resnet50' with norm 'group'"),
    ],
)
def test_a_checkpoint_of_another_network_is_named(take, trained, changes, message):
    with pytest.raises(UserError, match=message):
        take(trained, **changes)


def test_a_checkpoint_of_other_classes_is_named(take, tmp_path):
    write_release(tmp_path / "model.pth", api.build_segmenter("resnet50", 16, "frozen"))
    with pytest.raises(UserError, match="predicts 'synthia16', the data have class_set 'world12'"):
        take(tmp_path / "model.pth", backbone="resnet50", norm="frozen")


def test_without_a_checkpoint_nothing_to_train_is_a_mistake(take):
    with pytest.raises(UserError, match="iterations is 0"):
        take("")


# The student's norm


def test_a_fresh_student_may_have_another_norm_than_its_teacher(trained):
    student, recipe = build_student(DistillParameters(teacher_run=trained, student_norm="batch"))
    assert recipe.norm == "batch"
    assert "feature_extractor.backbone.norm1.running_mean" in student.state_dict()


@pytest.mark.parametrize("norm", ["batch", "frozen"])
def test_a_student_that_is_its_teacher_keeps_its_norm(trained, norm):
    with pytest.raises(UserError, match=rf"student_norm is '{norm}'.* keeps 'group'"):
        build_student(DistillParameters(teacher_run=trained, student="teacher", student_norm=norm))


@pytest.mark.parametrize(("norm", "kept"), [("frozen", True), ("teacher", False)])
def test_a_student_that_is_its_teacher_may_keep_its_statistics(data_run, tmp_path, norm, kept):
    teacher = api.build_segmenter("resnet_small", 12, "batch")
    recipe = Recipe("resnet_small", "batch", "world12", "none", "source_only", 5, {})
    save_checkpoint(tmp_path / "checkpoint.pt", teacher, recipe)
    sizes = {"iterations": 1, "log_every": 1, "checkpoint_every": 1, "batch_size": 1, "device": "cpu"}
    values = {"data": data_run, "teacher_run": str(tmp_path), "student": "teacher", "student_norm": norm}
    p = DistillParameters(run=str(tmp_path / "student"), **values, **sizes)
    progress = Progress(tmp_path / "student", live=False)
    label_target(p, progress)
    before, after = teacher.state_dict(), distill(p, progress).state_dict()
    names = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert all(torch.equal(before[name], after[name]) == kept for name in names)
    assert not torch.equal(before["classifier.conv2d_list.0.weight"], after["classifier.conv2d_list.0.weight"])


# The command


@pytest.fixture
def command(trained, data_run):
    return [f"{trained}/checkpoint.pt", "--root", f"{data_run}/world/cityscapes", "--device", "cpu"]


def test_a_network_is_judged_by_one_command(command, tmp_path, capsys):
    assert judge.main([*command, "--write", str(tmp_path / "scores.json"), "--absent", "zero"]) == 0
    found = read_json(tmp_path / "scores.json")
    printed = capsys.readouterr().out
    assert (found["images"], found["backbone"], len(found["iou"])) == (3, "resnet_small", 12)
    assert found["miou"] == pytest.approx(sum(found["iou"]) / 12)
    assert f"{100 * found['miou']:.1f}" in printed
    assert [line.split()[0] for line in printed.splitlines()][:2] == ["road", "sidewalk"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--root", "/nowhere"], "/nowhere does not exist"),
        (["--layout", "kitti"], "unknown layout 'kitti'"),
        (["--test-size", "0", "32"], "--test-size must be at least 1, not 0"),
        (["--threads", "0"], "--threads must be at least 1, not 0"),
    ],
)
def test_a_mistake_in_the_command_is_one_line(command, capsys, change, message):
    assert judge.main([*command, *change]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
