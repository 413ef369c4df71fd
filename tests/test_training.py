"""Training of all three stages in a tiny world: what it writes, that it repeats, and that it can be interrupted."""

import dataclasses
from pathlib import Path

import pytest
import torch

from fada_lib.files import read_json_lines
from fada_lib.parameters import AdaptParameters, DistillParameters, PretrainParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training import adapt as adapt_module
from fada_lib.training import distill as distill_module
from fada_lib.training import loop
from fada_lib.training import pretrain as pretrain_module
from fada_lib.training.adapt import adapt
from fada_lib.training.checkpoint import load_checkpoint
from fada_lib.training.distill import build_student, distill, label_target
from fada_lib.training.pretrain import pretrain

SMALL = {
    "iterations": 7,
    "batch_size": 2,
    "log_every": 1,
    "checkpoint_every": 2,
    "evaluate_every": 3,
    "jitter": (0.3, 0.3, 0.3, 0.1),
    "device": "cpu",
}
STAGES = ("pretrain", "adapt", "distill")


class PowerCut(Exception):
    """What ends a run in the middle."""


class FragileProgress(Progress):
    """A `Progress` that fails when training reports iteration `last`, and remembers what was reported."""

    def __init__(self, folder, last=None):
        super().__init__(folder, live=False)
        self.last, self.reported = last, []

    def update(self, done, message=""):
        super().update(done, message)
        if self._part == "training":
            self.reported.append(done)
            if done == self.last:
                raise PowerCut


@pytest.fixture(scope="module")
def stage(data_run, tmp_path_factory):
    """Runs a stage in a folder: `stage(name, folder, last=None, **changes)` gives the `FragileProgress`."""
    predecessor = str(tmp_path_factory.mktemp("runs") / "02_source")

    def run(name, folder, /, last=None, **changes):
        folder.mkdir(parents=True, exist_ok=True)
        progress = FragileProgress(folder, last)
        values = {"data": data_run, "run": str(folder), **SMALL, **changes}
        if name == "pretrain":
            pretrain(PretrainParameters(**values), progress)
        elif name == "adapt":
            adapt(AdaptParameters(**{"source_run": predecessor, **values}), progress)
        else:
            p = DistillParameters(**{"teacher_run": predecessor, "crop_scales": (0.8, 1.2), **values})
            label_target(p, progress)
            distill(p, progress)
        return progress

    run("pretrain", Path(predecessor))
    run.source = predecessor
    return run


@pytest.fixture(scope="module")
def whole(stage, tmp_path_factory):
    """The folder of an uninterrupted run of each stage."""
    folders = {name: tmp_path_factory.mktemp(name) for name in STAGES}
    for name, folder in folders.items():
        stage(name, folder)
    return folders


def weights(folder):
    return load_checkpoint(folder)[0].state_dict()


def same_weights(a, b):
    first, second = weights(a), weights(b)
    return all(torch.equal(first[name], second[name]) for name in first)


def history(folder):
    return (folder / "history.jsonl").read_bytes()


@pytest.mark.parametrize("name", STAGES)
def test_the_same_seed_gives_the_same_bytes(stage, whole, tmp_path, name):
    stage(name, tmp_path)
    assert history(tmp_path) == history(whole[name])
    assert same_weights(tmp_path, whole[name])


@pytest.mark.parametrize("name", STAGES)
def test_another_seed_gives_another_run(stage, whole, tmp_path, name):
    stage(name, tmp_path, seed=1)
    assert history(tmp_path) != history(whole[name])


@pytest.mark.parametrize("name", STAGES)
def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened(stage, whole, tmp_path, name):
    with pytest.raises(PowerCut):
        stage(name, tmp_path, last=5)
    assert not (tmp_path / "checkpoint.pt").exists()
    second = stage(name, tmp_path)
    assert second.reported == [4, 5, 6, 7], "it went on from the last multiple of checkpoint_every"
    assert history(tmp_path) == history(whole[name])
    assert same_weights(tmp_path, whole[name])


def test_a_run_may_be_interrupted_twice_and_in_the_middle_of_a_step(stage, whole, tmp_path, monkeypatch):
    calls = []
    real = adapt_module._discriminator_step

    def failing(*arguments):
        calls.append(None)
        if len(calls) == 4:
            raise PowerCut
        return real(*arguments)

    monkeypatch.setattr(adapt_module, "_discriminator_step", failing)
    with pytest.raises(PowerCut):
        stage("adapt", tmp_path)
    with pytest.raises(PowerCut):
        stage("adapt", tmp_path, last=6)
    assert stage("adapt", tmp_path).reported == [6, 7]
    assert history(tmp_path) == history(whole["adapt"])
    assert same_weights(tmp_path, whole["adapt"])


def test_a_resume_point_of_other_parameters_is_ignored(stage, tmp_path):
    with pytest.raises(PowerCut):
        stage("pretrain", tmp_path / "a", last=5)
    assert stage("pretrain", tmp_path / "a", seed=1).reported[0] == 0
    stage("pretrain", tmp_path / "b", seed=1)
    assert history(tmp_path / "a") == history(tmp_path / "b")


def test_every_parameter_tells_one_resume_point_from_another():
    p = PretrainParameters()
    others = [dataclasses.replace(p, **{field.name: "another"}) for field in dataclasses.fields(p)]
    assert len({loop._identity(one) for one in (p, *others)}) == len(others) + 1


def test_a_damaged_resume_point_is_named(stage, tmp_path):
    (tmp_path / "resume.pt").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"resume\.pt is damaged .* delete it"):
        stage("pretrain", tmp_path)


def test_a_trained_run_keeps_its_resume_point_until_it_is_evaluated(whole):
    for folder in whole.values():
        assert (folder / "checkpoint.pt").exists()
        assert (folder / "resume.pt").exists()


def test_history_has_a_row_a_log_and_a_row_an_evaluation(whole):
    rows = read_json_lines(whole["adapt"] / "history.jsonl")
    logged = [row for row in rows if "segmentation" in row]
    assert [row["iteration"] for row in logged] == [1, 2, 3, 4, 5, 6, 7]
    assert {"learning_rate", "adversarial", "discriminator_source", "discriminator_target"} < set(logged[0])
    assert [row["iteration"] for row in rows if "target_tune_miou" in row] == [3, 6]


def test_a_log_holds_the_mean_over_the_iterations_since_the_last(stage, whole, tmp_path):
    stage("pretrain", tmp_path, log_every=2, checkpoint_every=2, evaluate_every=0)
    every = [r["segmentation"] for r in read_json_lines(whole["pretrain"] / "history.jsonl") if "segmentation" in r]
    rows = read_json_lines(tmp_path / "history.jsonl")
    assert [row["iteration"] for row in rows] == [2, 4, 6, 7]
    means = [(every[0] + every[1]) / 2, (every[2] + every[3]) / 2, (every[4] + every[5]) / 2, every[6]]
    assert [row["segmentation"] for row in rows] == pytest.approx(means)


def test_the_logged_rate_follows_the_poly_policy(whole):
    rates = [r["learning_rate"] for r in read_json_lines(whole["adapt"] / "history.jsonl") if "learning_rate" in r]
    assert rates == pytest.approx([0.03 * (1 - i / 7) ** 0.9 for i in range(7)])


def test_training_learns_the_source(stage, tmp_path):
    stage("pretrain", tmp_path, iterations=40, evaluate_every=0, checkpoint_every=40)
    losses = [row["segmentation"] for row in read_json_lines(tmp_path / "history.jsonl")]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_logging_and_evaluating_more_often_do_not_change_the_weights(stage, whole, tmp_path):
    stage("pretrain", tmp_path, log_every=7, checkpoint_every=7, evaluate_every=0)
    assert same_weights(tmp_path, whole["pretrain"])


def test_a_checkpoint_counts_the_iterations_along_its_chain_and_names_its_method(stage, whole, tmp_path):
    stage("distill", tmp_path, teacher_run=str(whole["adapt"]), iterations=2, evaluate_every=0)
    totals = {name: load_checkpoint(whole[name])[1].total_iterations for name in ("pretrain", "adapt")}
    recipe = load_checkpoint(tmp_path)[1]
    assert totals == {"pretrain": 7, "adapt": 14}
    assert (recipe.total_iterations, recipe.method) == (16, "fada_soft")


def test_adaptation_starts_from_the_source_model(stage, tmp_path):
    stage("adapt", tmp_path, iterations=1, learning_rate=0.0, evaluate_every=0)
    assert same_weights(tmp_path, stage.source)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("adapt", {"segmentation_temperature": 1.8}),
        ("adapt", {"gradient_clip": 0.01}),
        ("adapt", {"options": {"lambda_adv": 0.5}}),
        ("adapt", {"classifier_learning_rate_factor": 10.0}),
        ("adapt", {"discriminator_learning_rate": 0.1}),
        ("adapt", {"weight_decay": 0.1}),
        ("adapt", {"flip_probability": 0.0}),
        ("adapt", {"jitter": (0.0, 0.0, 0.0, 0.0)}),
        ("adapt", {"poly_power": 2.0}),
        ("pretrain", {"gradient_clip": 0.01}),
        ("distill", {"gradient_clip": 0.01}),
    ],
)
def test_a_parameter_of_training_reaches_the_weights(stage, whole, tmp_path, name, change):
    stage(name, tmp_path, **change)
    assert not same_weights(tmp_path, whole[name])


SIZES = {"source_size": (48, 24), "target_size": (40, 20), "test_size": (64, 32)}


@pytest.fixture
def handed(monkeypatch):
    """Stream and size of the test on the way of every loop begun; nothing is trained."""
    found = []
    for module in (pretrain_module, distill_module):
        monkeypatch.setattr(module, "run_iterations", lambda *a: found.append((a[3][0][1], a[6]()["target_tune_miou"])))
        monkeypatch.setattr(module, "evaluate", lambda segmenter, dataset, size: {"miou": size})
    return found


@pytest.mark.parametrize(("domain", "size"), [("source", (48, 24)), ("target", (40, 20))])
def test_pretraining_reads_its_domain_at_that_domains_size(stage, handed, tmp_path, domain, size):
    stage("pretrain", tmp_path, domain=domain, flip_probability=0.25, **SIZES)
    ((stream, tested),) = handed
    assert (stream.name, stream.size, stream.flip_probability, stream.jitter) == (domain, size, 0.25, SMALL["jitter"])
    assert tested == (64, 32)


def test_a_student_reads_crops_of_scaled_target_images(stage, handed, tmp_path):
    stage("distill", tmp_path, crop_scales=(0.5, 1.5), crop_size=(32, 16), **SIZES)
    ((stream, tested),) = handed
    assert (stream.name, stream.size, stream.scales, stream.crop) == ("distill target", (40, 20), (0.5, 1.5), (32, 16))
    assert tested == (64, 32)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ((64, 32), (1.0,), False, 0.0)),
        (
            {"label_size": (40, 20), "teacher_multiscale": True, "confidence_threshold": 0.3},
            ((40, 20), (0.5, 1.0), True, 0.3),
        ),
    ],
)
def test_a_teacher_labels_at_the_size_scales_and_threshold_of_the_parameters(
    stage, data_run, tmp_path, monkeypatch, change, expected
):
    asked = []
    monkeypatch.setattr(distill_module, "write_pseudo_labels", lambda *a, **options: asked.append(options) or 1.0)
    values = {"teacher_run": stage.source, "device": "cpu", "test_size": (64, 32), "scales": (0.5, 1.0)}
    label_target(
        DistillParameters(data=data_run, run=str(tmp_path), **values, **change), Progress(tmp_path, live=False)
    )
    assert tuple(asked[0][name] for name in ("test_size", "scales", "flip", "threshold")) == expected


def statistics(folder):
    return {name: tensor for name, tensor in weights(folder).items() if "running" in name}


@pytest.mark.parametrize(("mode", "kept"), [("frozen", True), ("live", False), ("target", False)])
def test_batch_norm_keeps_the_sources_statistics_only_if_frozen(stage, tmp_path, mode, kept):
    stage("pretrain", tmp_path / "02", norm="batch")
    stage("adapt", tmp_path / "03", source_run=str(tmp_path / "02"), batch_norm=mode)
    before, after = statistics(tmp_path / "02"), statistics(tmp_path / "03")
    assert len(before) > 0
    assert all(torch.equal(before[name], after[name]) for name in before) is kept


def test_continued_source_training_never_opens_the_targets_training_images(stage, tmp_path, monkeypatch):
    opened = []
    real = adapt_module.open_part
    monkeypatch.setattr(adapt_module, "open_part", lambda run, *part: opened.append(part) or real(run, *part))
    stage("adapt", tmp_path / "a", method="source_continued", name="source_continued")
    assert ("target", "train") not in opened
    stage("adapt", tmp_path / "b", method="fada")
    assert ("target", "train") in opened


def test_the_oracle_trains_on_the_target(stage, whole, tmp_path):
    stage("pretrain", tmp_path, domain="target", method="oracle")
    assert not same_weights(tmp_path, whole["pretrain"])
    assert load_checkpoint(tmp_path)[1].method == "oracle"


def test_the_teacher_labels_every_training_image_of_the_target(whole):
    names = sorted(p.name for p in (whole["distill"] / "pseudo_labels").iterdir())
    assert len(names) == 6
    assert not any("tunewick" in name for name in names)


def test_a_fresh_student_has_new_weights_and_a_teachers_student_the_teachers(stage, tmp_path):
    fresh = DistillParameters(teacher_run=stage.source)
    start = {name: build_student(dataclasses.replace(fresh, student=name))[0] for name in ("fresh", "teacher")}
    key = "feature_extractor.backbone.conv1.weight"
    assert torch.equal(start["teacher"].state_dict()[key], weights(stage.source)[key])
    assert not torch.equal(start["fresh"].state_dict()[key], weights(stage.source)[key])


def test_class_balanced_sampling_changes_the_run_and_repeats(stage, whole, tmp_path):
    for folder in ("a", "b"):
        stage("pretrain", tmp_path / folder, sampling="class_balanced")
    assert history(tmp_path / "a") == history(tmp_path / "b") != history(whole["pretrain"])


def test_loader_processes_do_not_change_the_run(stage, whole, tmp_path):
    stage("pretrain", tmp_path, workers=1)
    assert same_weights(tmp_path, whole["pretrain"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("pretrain", {"iterations": 0}, "iterations is 0"),
        ("pretrain", {"batch_size": 0}, "batch_size is 0"),
        ("pretrain", {"log_every": 0}, "log_every is 0"),
        ("pretrain", {"log_every": 3}, "checkpoint_every is 2: it must be a multiple of log_every"),
        ("pretrain", {"poly_horizon": 5}, "poly_horizon is 5: it must be 0 or at least iterations"),
        ("pretrain", {"domain": "moon"}, "domain is 'moon': choose source or target"),
        ("pretrain", {"backbone": "resnet"}, "unknown backbone 'resnet'"),
        ("pretrain", {"norm": "layer"}, "unknown norm 'layer'"),
        ("pretrain", {"device": "abacus"}, "unknown device 'abacus'"),
        ("pretrain", {"precision": "int4"}, "unknown precision 'int4'"),
        ("pretrain", {"sampling": "sorted"}, "sampling is 'sorted'"),
        ("pretrain", {"weights": "/nowhere/weights.pth"}, r"/nowhere/weights\.pth is missing"),
        ("pretrain", {"weights": "imagenet"}, "no ImageNet weights for 'resnet_small'"),
        ("pretrain", {"data": "/nowhere/01_data"}, r"/nowhere/01_data/params\.yaml is missing"),
        ("adapt", {"batch_norm": "cold"}, "batch_norm is 'cold': choose frozen, live or target"),
        ("adapt", {"method": "fadda"}, "unknown method 'fadda'"),
        ("adapt", {"source_run": "/nowhere/02"}, r"/nowhere/02/checkpoint\.pt is missing"),
        ("distill", {"student": "lazy"}, "student is 'lazy': choose fresh or teacher"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_one_line(stage, tmp_path, name, change, message):
    with pytest.raises(UserError, match=message) as caught:
        stage(name, tmp_path, **change)
    assert "\n" not in str(caught.value)
