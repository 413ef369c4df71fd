"""What survives an adaptation beside its network: discriminator and snapshots, and what is drawn from them."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from fada_lib.analysis.discriminator import Judged, decision_shares, decisions_over_training, judged_images
from fada_lib.analysis.trajectory import Trajectory, embed_snapshots
from fada_lib.data.classes import class_set
from fada_lib.data.domains import open_part
from fada_lib.files import read_json_lines
from fada_lib.methods.registry import build_method
from fada_lib.models.segmenter import build_segmenter
from fada_lib.parameters import AdaptParameters, UserError
from fada_lib.plots.curves import training_curves
from fada_lib.plots.diagnosis import diagnosis_by_method, diagnosis_figure
from fada_lib.plots.discriminator import decisions_figure, decisions_strip, judged_figure
from fada_lib.plots.domain_distance import domain_distance_figure
from fada_lib.plots.relation import relation_figure
from fada_lib.plots.trajectory import trajectory_strip, write_animation
from fada_lib.progress import Progress
from fada_lib.training.adapt import adapt
from fada_lib.training.adversary import load_adversary, save_adversary
from fada_lib.training.checkpoint import Recipe, load_checkpoint, save_checkpoint
from fada_lib.training.snapshots import load_snapshot_adversaries, load_snapshots

CLASSES = class_set("world12")
K = len(CLASSES)
NARROW = {"discriminator_channels": [8, 8]}


@pytest.fixture(scope="module")
def adapted(data_run, tmp_path_factory):
    """The parameters of a finished adaptation of four iterations that kept two snapshots."""
    folder = tmp_path_factory.mktemp("runs")
    torch.manual_seed(0)
    recipe = Recipe("resnet_small", "group", "world12", "none", "source_only", 5, {})
    save_checkpoint(folder / "02" / "checkpoint.pt", build_segmenter("resnet_small", K, "group"), recipe)
    p = AdaptParameters(
        run=str(folder / "03"),
        data=data_run,
        source_run=str(folder / "02"),
        options=NARROW,
        iterations=4,
        batch_size=2,
        log_every=2,
        checkpoint_every=2,
        evaluate_every=2,
        snapshot_every=2,
        device="cpu",
    )
    adapt(p, Progress(folder / "03", live=False))
    return p


# What is kept


def test_the_discriminator_that_is_kept_is_the_one_that_training_ended_with(adapted):
    kept = load_adversary(adapted.run)
    resume = torch.load(f"{adapted.run}/resume.pt", weights_only=True)["modules"]["method"]
    assert kept.state_dict().keys() == resume.keys()
    assert all(torch.equal(tensor, resume[name]) for name, tensor in kept.state_dict().items())


@pytest.mark.parametrize(
    ("name", "options"),
    [("source_continued", {}), ("joint_global_local", {"global_method": "minent", "local_window": 2})],
)
def test_a_method_that_judges_no_whole_maps_leaves_none_behind_not_even_an_earlier_ones(
    tmp_path, make_segmenter, name, options
):
    p, segmenter = AdaptParameters(run=str(tmp_path), options=NARROW), make_segmenter()
    channels, path = segmenter.feature_extractor.channels, tmp_path / "discriminator.pt"
    save_adversary(path, p, build_method("fada", NARROW, channels, K), segmenter)
    assert load_adversary(tmp_path).judges()
    other = dataclasses.replace(p, method=name, options=options)
    save_adversary(path, other, build_method(name, options, channels, K), segmenter)
    assert load_adversary(tmp_path) is None


@pytest.mark.parametrize("content", [{"weights": 1}, {"method": "fada", "options": {}, "channels": 8}])
def test_a_foreign_discriminator_is_named(tmp_path, content):
    torch.save(content, tmp_path / "discriminator.pt")
    with pytest.raises(UserError, match=r"discriminator\.pt is no discriminator of this project"):
        load_adversary(tmp_path)


def test_snapshots_begin_with_the_source_model_and_end_with_the_network_that_was_trained(adapted):
    networks = load_snapshots(adapted)
    assert list(networks) == [0, 2, 4]
    first, last = load_checkpoint(adapted.source_run)[0], load_checkpoint(adapted.run)[0]
    for network, expected in ((networks[0], first), (networks[4], last)):
        assert all(torch.equal(t, expected.state_dict()[name]) for name, t in network.state_dict().items())


def test_every_snapshot_has_the_discriminator_of_its_moment_and_the_last_is_the_one_that_is_kept(adapted):
    found, last = load_snapshot_adversaries(adapted), load_adversary(adapted.run)
    assert list(found) == [2, 4]
    weights = [torch.cat([p.flatten() for p in method.parameters()]) for method in (*found.values(), last)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_a_method_without_discriminator_has_snapshots_without_one(adapted, tmp_path):
    plain = dataclasses.replace(adapted, run=str(tmp_path), method="source_continued", options={}, evaluate_every=0)
    adapt(plain, Progress(tmp_path, live=False))
    assert list(load_snapshots(plain)) == [0, 2, 4]
    assert load_snapshot_adversaries(plain) == {}


def test_keeping_snapshots_and_looking_on_the_way_changes_nothing(adapted, tmp_path):
    plain = dataclasses.replace(adapted, run=str(tmp_path), snapshot_every=0, evaluate_every=0)
    adapt(plain, Progress(tmp_path, live=False))
    assert not (tmp_path / "snapshots").exists()
    first, second = (load_checkpoint(p.run)[0].state_dict() for p in (adapted, plain))
    assert all(torch.equal(first[name], tensor) for name, tensor in second.items())
    kept = [row for row in read_json_lines(Path(adapted.run) / "history.jsonl") if "segmentation" in row]
    assert read_json_lines(tmp_path / "history.jsonl") == kept


def test_the_snapshots_of_a_run_that_was_taken_over_begin_with_its_own_studys_source_model(adapted, tmp_path):
    for name in ("02", "03"):
        shutil.copytree(Path(adapted.run).parent / name, tmp_path / name)
    own = build_segmenter("resnet_small", K, "group")
    recipe = load_checkpoint(adapted.source_run)[1]
    save_checkpoint(tmp_path / "02" / "checkpoint.pt", own, recipe)
    taken = dataclasses.replace(adapted, run=str(tmp_path / "03"), source_run=str(tmp_path / "02"))
    weight = load_snapshots(taken)[0].classifier.conv2d_list[0].weight
    assert torch.equal(weight, own.classifier.conv2d_list[0].weight)


def test_a_run_without_snapshots_says_how_to_keep_them(adapted):
    with pytest.raises(UserError, match="snapshot_every above 0"):
        load_snapshots(dataclasses.replace(adapted, snapshot_every=0))


# What the discriminator learned


class Stub:
    """A discriminator of domain x class that says the target's last class everywhere."""

    def __init__(self, channels):
        self.channels = channels

    def domain_logits(self, outputs):
        logits = torch.zeros(len(outputs.features), self.channels, *outputs.features.shape[-2:])
        logits[:, -1] = 9.0
        return logits


def test_every_row_of_the_decisions_is_shared_out_and_absent_classes_have_none(data_run, make_segmenter):
    source, target = (open_part(data_run, domain, "val") for domain in ("source", "target"))
    shares = decision_shares(make_segmenter(), Stub(2 * K), source, target)
    assert shares.shape == (2 * K, 2 * K)
    present = ~np.isnan(shares).any(axis=1)
    assert 0 < present.sum() <= 2 * K
    assert (shares[present][:, -1] == 1).all() and (shares[present][:, :-1] == 0).all()


def test_a_discriminator_of_domains_alone_decides_between_two(data_run, make_segmenter):
    source, target = (open_part(data_run, domain, "val") for domain in ("source", "target"))
    assert decision_shares(make_segmenter(), Stub(2), source, target).shape == (2 * K, 2)
    (judged,) = judged_images(make_segmenter(), Stub(2), target, 1, [0])
    assert judged.channels is None
    assert judged.target_probability.min() > 0.99


def test_decisions_over_training_end_with_those_of_the_networks_that_were_kept(adapted):
    source, target = (open_part(adapted.data, domain, "val") for domain in ("source", "target"))
    found = decisions_over_training(adapted, source, target)
    last = decision_shares(load_checkpoint(adapted.run)[0], load_adversary(adapted.run), source, target)
    assert list(found) == [2, 4]
    assert np.array_equal(found[4], last, equal_nan=True)
    assert not np.array_equal(found[2], last, equal_nan=True)


@pytest.mark.parametrize("channels", [2, 2 * K])
def test_the_strip_of_decisions_has_a_matrix_an_iteration(channels):
    shares = np.full((2 * K, channels), 1 / channels)
    figure = decisions_strip({100: shares, 200: shares}, CLASSES)
    matrices = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in matrices] == ["iteration 100", "iteration 200"]
    assert all(axes.get_images()[0].get_array().shape == (2 * K, channels) for axes in matrices)


def test_maps_name_the_class_whichever_domain_is_decided_for(data_run, make_segmenter):
    target = open_part(data_run, "target", "val")
    first, again = judged_images(make_segmenter(), Stub(2 * K), target, 1, [0, len(target)])
    assert (first.channels == K - 1).all()
    assert np.array_equal(first.image, again.image), "indices wrap around"
    assert first.image.shape == (48, 96, 3) and first.truth.shape == (48, 96)


# Features over training


def test_all_snapshots_share_one_embedding_of_the_same_pixels(adapted):
    found = embed_snapshots(adapted, samples_per_domain=24, perplexity=5.0, iterations=250)
    assert found.iterations == (0, 2, 4)
    assert found.points.shape == (3, len(found.classes), 2)
    assert found.domains.sum() == (found.domains == 0).sum() == 24
    again = embed_snapshots(adapted, samples_per_domain=24, perplexity=5.0, iterations=250)
    assert np.array_equal(found.points, again.points)


def trajectory():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, 6, 2)).astype(np.float32)
    return Trajectory((0, 50), points, np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 1]))


def test_the_strip_has_a_column_an_iteration_in_the_same_limits():
    axes = trajectory_strip(trajectory(), CLASSES).axes
    assert [a.get_title() for a in axes[:2]] == ["iteration 0", "iteration 50"]
    assert len({a.get_xlim() + a.get_ylim() for a in axes}) == 1


def test_the_animation_moves_and_leaves_no_figure_open(tmp_path):
    with Image.open(write_animation(trajectory(), CLASSES, tmp_path / "a.gif")) as animation:
        assert animation.is_animated
        assert animation.n_frames > 2
    assert plt.get_fignums() == []


# Figures


def test_no_mark_of_the_diagnosis_is_cut_off():
    history = [{"iteration": i, "frequency_distance": 0.20 - 0.01 * i, "target_tune_miou": 0.0} for i in range(3)]
    for axes in diagnosis_figure(history).axes[:2]:
        highest = max(line.get_ydata().max() for line in axes.lines)
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 1.04 * highest


def test_the_diagnosis_has_a_panel_a_question_and_losses_leave_it_out(adapted):
    history = read_json_lines(Path(adapted.run) / "history.jsonl")
    titles = [axes.get_title() for axes in diagnosis_figure(history).axes if axes.get_visible()]
    assert titles[:4] == [
        "both domains",
        "encodings on target tune",
        "predicted against true classes",
        "discriminator",
    ]
    drawn = {line.get_label() for line in training_curves(history).axes[0].lines}
    assert drawn == {"adversarial", "discriminator source", "discriminator target", "segmentation"}


def test_the_diagnosis_of_several_methods_has_a_line_each_where_they_measured_something():
    rows = [{"iteration": i, "encoding_accuracy": 0.7, "source_val_miou": 0.6} for i in (2, 4)]
    plain = [{name: value for name, value in row.items() if name != "encoding_accuracy"} for row in rows]
    figure = diagnosis_by_method({"fada_soft": [rows, rows], "source_continued": [plain]})
    lines = {axes.get_title(): len(axes.get_lines()) for axes in figure.axes}
    assert lines["encodings, of pixels with knowledge"] == 1
    assert lines["source, after adapting to the target"] == 2
    assert lines["discriminator: domain"] == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["FADA, soft labels", "Source, continued"]


def test_the_diagnosis_of_many_methods_names_all_of_them_within_the_figure():
    names = [f"fada_hard_threshold_0.{digit}" for digit in range(12)]
    figure = diagnosis_by_method({name: [[{"iteration": 2, "source_val_miou": 0.6}]] for name in names})
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert len(figure.legends[0].get_texts()) == 12
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width and box.y0 >= 0


def test_a_history_without_diagnosis_is_refused():
    with pytest.raises(UserError, match="evaluate_every above 0"):
        diagnosis_figure([{"iteration": 1, "segmentation": 1.0}])


def judged(channels):
    image, truth = np.full((24, 48, 3), 90, np.uint8), np.zeros((24, 48), np.uint8)
    return Judged(0, image, truth, np.full((6, 12), 0.3), channels)


def test_maps_have_a_column_of_classes_only_where_there_are_classes():
    fine = judged_figure([judged(np.ones((6, 12), int))], CLASSES)
    binary = judged_figure([judged(None)], CLASSES)
    assert [axes.get_title() for axes in fine.axes[:4]] == ["Image", "Truth", "P(target | f)", "Class of its decision"]
    assert "Class of its decision" not in {axes.get_title() for axes in binary.axes}


def test_decisions_name_rows_by_class_and_domain_and_say_where_there_are_no_pixels():
    shares = np.full((2 * K, 2), 0.5)
    shares[3] = np.nan
    axes = decisions_figure(shares, CLASSES).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()][K] == f"{CLASSES.names[0]}, target"
    assert [text.get_text() for text in axes.texts] == ["no pixels"]


def test_distances_end_with_mean_and_median_and_leave_absent_classes_out():
    entry = {"per_class": [1.0, None, 0.5], "mean": 0.75, "median": 0.75}
    axes = domain_distance_figure({"binary": {"0": entry, "1": entry}, "binary+sd": {"0": entry}}, list("abc")).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "c", "mean", "median"]


def test_the_oracle_is_no_dot_among_the_domain_distances():
    entry = {"per_class": [1.0], "mean": 1.0, "median": 1.0}
    axes = domain_distance_figure({"fada_soft": {"0": entry}, "oracle": {"0": entry}}, ["a"]).axes[0]
    assert {bars.get_label(): bars.lines[0].get_marker() for bars in axes.containers} == {
        "FADA, soft labels": "o",
        "Oracle (target labels)": "X",
    }


def test_the_relation_says_of_what_there_are_too_few_pairs():
    measure = {name: np.arange(K) + 1.0 for name in ("binary", "fada_soft")}
    entry = {"rho": -0.5, "n": 5}
    found = {
        "within_class": {"all": [None] * (K - 2) + [None, entry], "with the oracle": [None] * (K - 2) + [entry, None]},
        "within_method": {"binary": entry, "fada_soft": None},
    }
    figure = relation_figure(measure, measure, found, CLASSES, "CCD")
    written = [text.get_text() for text in figure.axes[1].texts]
    assert written.count("too few") == K - 2 + 1, "all classes but two, and a method"
    assert figure.axes[0].get_xlabel() == "CCD (mean over seeds)"


def test_the_relation_of_a_measure_that_no_class_has_says_so():
    nothing = {"binary": np.full(K, np.nan)}
    found = {"within_class": {"all": [None] * K}, "within_method": {"binary": None}}
    figure = relation_figure(nothing, nothing, found, CLASSES, "CCD")
    assert [text.get_text() for text in figure.axes[0].texts] == ["no class has both"]
