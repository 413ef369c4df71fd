"""Further classifiers of a segmenter: what they see and add to the prediction, and their way through the files."""

import pytest
import torch

from fada_lib.data.domains import open_part
from fada_lib.inference.export import export_segmenter
from fada_lib.inference.predict import predict_dataset, probabilities
from fada_lib.methods.interface import forward_pass
from fada_lib.methods.registry import METHODS, build_method
from fada_lib.models.release import load_release, read_release, release_state, write_release
from fada_lib.models.segmenter import build_segmenter, heads_in, network_input
from fada_lib.models.tensor_files import read_tensors
from fada_lib.parameters import AdaptParameters, DistillParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training.adapt import adapt
from fada_lib.training.checkpoint import Recipe, load_checkpoint, save_checkpoint
from fada_lib.training.distill import build_student, distill, label_target

RECIPE = Recipe("resnet_small", "group", "world12", "none", "clan", 14, {})
NORMS = ("group", "batch", "frozen")
SMALL = {"iterations": 4, "batch_size": 2, "log_every": 1, "checkpoint_every": 2, "device": "cpu"}
CHANNELS = {"output_discriminator_channels": [4, 8]}
METHODS_WITH_HEADS = {
    "clan": ("clan", {**CHANNELS, "lambda_adv": 0.5}, ["second"]),
    "two levels": ("adaptsegnet", {**CHANNELS, "levels": 2, "auxiliary_lambda_adv": 0.5}, ["auxiliary"]),
    "minent at two levels": ("minent", {"levels": 2, "auxiliary_lambda_adv": 0.5}, ["auxiliary"]),
    "joint on clan": ("joint_global_local", {"global_method": "clan", "global_options": CHANNELS}, ["second"]),
}


class PowerCut(Exception):
    """What ends a run in the middle."""


class CutProgress(Progress):
    """A `Progress` that fails once training reports iteration `last`."""

    last = None

    def update(self, done, message=""):
        super().update(done, message)
        if self._part == "training" and done == self.last:
            raise PowerCut


def network(*heads, norm="group", seed=0, num_classes=12):
    torch.manual_seed(seed)
    segmenter = build_segmenter("resnet_small", num_classes, norm)
    segmenter.add_heads(heads)
    return segmenter.eval()


def images(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 3, 24, 40), generator=generator, dtype=torch.uint8)


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# The network


@pytest.mark.parametrize(
    ("backbone", "middle"),
    [("resnet_small", (64, 16, 32)), ("resnet101", (1024, 8, 16)), ("vgg16", (512, 8, 16))],
)
def test_the_auxiliary_sees_the_last_but_one_stage_at_the_resolution_of_the_features(backbone, middle):
    with torch.device("meta"):
        segmenter = build_segmenter(backbone, 19, "frozen")
        segmenter.add_heads(["auxiliary", "second"])
    given = torch.empty(2, 3, 64, 128, device="meta")
    features, seen = segmenter.feature_extractor.with_middle(given)
    assert seen.shape == (2, *middle)
    assert features.shape == segmenter.feature_extractor(given).shape
    shapes = {name: tuple(logits.shape) for name, logits in segmenter.logits(features, seen).items()}
    assert shapes == dict.fromkeys(("main", "auxiliary", "second"), (2, 19, *middle[1:]))


@pytest.mark.parametrize("norm", NORMS)
def test_the_middle_and_the_features_are_what_the_backbone_computes(norm):
    extractor = network(norm=norm).feature_extractor
    x = torch.randn(2, 3, 24, 40, generator=torch.Generator().manual_seed(2))
    features, middle = extractor.with_middle(x)
    assert torch.equal(features, extractor(x))
    assert torch.equal(extractor.backbone.layer3(middle), features)


def test_the_middle_of_vgg_ends_with_a_relu_before_conv5():
    with torch.device("meta"):
        layers = build_segmenter("vgg16", 2, "frozen").feature_extractor.backbone
    assert isinstance(layers[22], torch.nn.ReLU)
    assert (layers[23].in_channels, layers[23].dilation) == (512, (2, 2))


def test_heads_are_the_same_for_the_same_seed_and_differ_from_the_classifier():
    assert same(network("second"), network("second"))
    pair = network("second")
    assert not torch.equal(pair.classifier.conv2d_list[0].weight, pair.heads["second"].conv2d_list[0].weight)


def test_a_head_that_exists_stays_and_an_unknown_one_is_refused():
    segmenter = network("second")
    kept = segmenter.heads["second"]
    segmenter.add_heads(["second", "auxiliary"])
    assert segmenter.heads["second"] is kept
    with pytest.raises(KeyError):
        segmenter.add_heads(["third"])


def test_adding_heads_changes_nothing_of_the_rest():
    plain, extended = network(), network("auxiliary", "second")
    ours = {name: t for name, t in extended.state_dict().items() if not name.startswith("heads.")}
    assert ours.keys() == plain.state_dict().keys()
    assert all(torch.equal(t, ours[name]) for name, t in plain.state_dict().items())
    assert heads_in(plain.state_dict()) == []
    assert heads_in(extended.state_dict()) == ["auxiliary", "second"]


def test_heads_learn_at_the_classifiers_rate():
    segmenter = network("auxiliary", "second")
    extractor, classifiers = segmenter.parameter_groups(10.0)
    assert (extractor["factor"], classifiers["factor"]) == (1.0, 10.0)
    assert [id(p) for p in extractor["params"] + classifiers["params"]] == [id(p) for p in segmenter.parameters()]


# The prediction


@pytest.mark.parametrize("norm", NORMS)
def test_two_classifiers_predict_by_the_sum_of_their_logits_everywhere(norm):
    segmenter = network("second", norm=norm)
    with torch.no_grad():
        outputs = forward_pass(segmenter, images())
        features = outputs.features
        expected = segmenter.classifier(features) + segmenter.heads["second"](features)
        assert torch.equal(outputs.logits, expected)
        enlarged = torch.nn.functional.interpolate(expected, size=(24, 40), mode="bilinear", align_corners=True)
        found = probabilities(segmenter, images(), (24, 40))
    assert torch.allclose(found, torch.softmax(enlarged, dim=1), atol=1e-6)


def test_the_auxiliary_has_no_say_in_the_prediction():
    plain, extended = network(), network("auxiliary")
    with torch.no_grad():
        assert torch.equal(forward_pass(plain, images()).logits, forward_pass(extended, images()).logits)
        assert torch.equal(probabilities(plain, images(), (24, 40)), probabilities(extended, images(), (24, 40)))


def test_evaluation_sees_the_sum(data_run):
    segmenter, tune = network("second"), open_part(data_run, "target", "tune")
    alone = network()
    with torch.no_grad():
        for total, other in zip(alone.classifier.parameters(), segmenter.heads["second"].parameters(), strict=True):
            total += other
    for (_, p, _), (_, q, _) in zip(predict_dataset(segmenter, tune), predict_dataset(alone, tune), strict=True):
        assert torch.allclose(p, q, atol=1e-5)


def test_outputs_can_be_cut_and_looked_at_by_classifier():
    outputs = forward_pass(network("auxiliary", "second"), images())
    assert list(outputs.classifiers) == ["main", "auxiliary", "second"]
    assert outputs.predicted_by("auxiliary").logits is outputs.classifiers["auxiliary"]
    cut = outputs.detach()
    assert not any(maps.requires_grad for maps in (cut.features, cut.logits, *cut.classifiers.values()))
    assert all(torch.equal(cut.classifiers[name], maps) for name, maps in outputs.classifiers.items())


# Files


@pytest.mark.parametrize("heads", [(), ("second",), ("auxiliary",), ("auxiliary", "second")])
def test_a_checkpoint_gives_back_the_heads_and_a_plain_one_has_none(tmp_path, heads):
    segmenter = network(*heads, seed=7)
    save_checkpoint(tmp_path / "checkpoint.pt", segmenter, RECIPE)
    found, recipe = load_checkpoint(tmp_path)
    assert same(found, segmenter)
    assert recipe == RECIPE
    names = read_tensors(tmp_path / "checkpoint.pt")["segmenter"]
    assert {name.split(".")[0] for name in names} - {"heads"} == {"feature_extractor", "classifier"}


def test_a_checkpoint_with_a_head_that_nobody_knows_is_refused_in_one_line(tmp_path):
    segmenter = network()
    segmenter.heads["third"] = torch.nn.Linear(1, 1)
    save_checkpoint(tmp_path / "checkpoint.pt", segmenter, RECIPE)
    with pytest.raises(UserError, match="no checkpoint of this project") as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_released_checkpoint_has_one_classifier_with_the_prediction_of_both():
    segmenter, alone = network("second"), network()
    content = release_state(segmenter)
    alone.classifier.load_state_dict(content["classifier"])
    with torch.no_grad():
        given = torch.randn(1, 3, 24, 40, generator=torch.Generator().manual_seed(2))
        assert torch.allclose(alone(given), segmenter(given), atol=1e-5)
    assert list(content) == ["iteration", "feature_extractor", "classifier"]


def test_a_released_checkpoint_read_into_a_network_of_two_classifiers_leaves_it_one(tmp_path):
    segmenter, given = network("second"), images()
    with torch.no_grad():
        before = segmenter.eval()(network_input(segmenter, given))
        write_release(tmp_path / "released.pth", segmenter)
        load_release(read_release(tmp_path / "released.pth"), segmenter)
        assert torch.allclose(segmenter(network_input(segmenter, given)), before, atol=1e-5)


def test_an_exported_program_predicts_by_the_sum(tmp_path):
    segmenter = network("auxiliary", "second")
    assert export_segmenter(segmenter, tmp_path / "network.pt2", (40, 24)) < 1e-5
    program = torch.export.load(tmp_path / "network.pt2").module()
    assert torch.allclose(program(images()[:1]), probabilities(segmenter, images()[:1], (24, 40)), atol=1e-5)


# Runs


@pytest.fixture
def adapted(data_run, save_run, tmp_path):
    """Adapts an untrained network: `adapted(folder, what, last=None, **changes)` gives the run's folder."""
    source = save_run(tmp_path / "02_source")

    def run(folder, what, last=None, **changes):
        method, options, _ = METHODS_WITH_HEADS[what]
        values = {"source_run": source, "method": method, "options": options, "name": "x", **SMALL, **changes}
        (tmp_path / folder).mkdir(exist_ok=True)
        progress = CutProgress(tmp_path / folder, live=False)
        progress.last = last
        adapt(AdaptParameters(data=data_run, run=str(tmp_path / folder), **values), progress)
        return tmp_path / folder

    return run


@pytest.mark.parametrize("what", METHODS_WITH_HEADS)
def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened(adapted, tmp_path, what):
    whole = adapted("whole", what, evaluate_every=2)
    with pytest.raises(PowerCut):
        adapted("cut", what, last=3, evaluate_every=2)
    cut = adapted("cut", what, evaluate_every=2)
    assert (cut / "history.jsonl").read_bytes() == (whole / "history.jsonl").read_bytes()
    assert same(load_checkpoint(cut)[0], load_checkpoint(whole)[0])
    assert list(load_checkpoint(whole)[0].heads) == METHODS_WITH_HEADS[what][2]


def test_another_seed_gives_other_heads(adapted):
    first, second = (load_checkpoint(adapted(f"seed {s}", "clan", seed=s))[0].heads["second"] for s in (0, 1))
    assert not same(first, second)


def test_the_adapted_network_can_be_adapted_again_by_a_method_without_heads(adapted):
    first = adapted("first", "clan")
    second = adapted("again", "clan", source_run=str(first), method="source_continued", options={})
    before, after = (load_checkpoint(run)[0] for run in (first, second))
    for classifier in ("classifier", "heads.second"):
        assert not same(before.get_submodule(classifier), after.get_submodule(classifier))


def test_the_student_of_a_network_with_heads_is_plain_or_goes_on_with_them(adapted, data_run, tmp_path):
    teacher = adapted("teacher", "clan")
    values = {"data": data_run, "teacher_run": str(teacher), **SMALL}
    students = [DistillParameters(run=str(tmp_path / "student"), student=s, **values) for s in ("fresh", "teacher")]
    assert [list(build_student(p)[0].heads) for p in students] == [[], ["second"]]
    before = build_student(students[1])[0]
    folder = tmp_path / "student"
    folder.mkdir()
    label_target(students[1], Progress(folder, live=False))
    after = distill(students[1], Progress(folder, live=False))
    assert not same(before.heads["second"], after.heads["second"])


def test_only_methods_that_name_heads_get_any():
    small = {"clan": CHANNELS, "adaptsegnet": CHANNELS, "advent": CHANNELS}
    found = {name: build_method(name, small.get(name, {}), 96, 12).heads for name in METHODS}
    assert {name for name, heads in found.items() if heads} == {"clan"}
