"""The ratio of the gradients' norms on F: by hand on a toy, against plain backward passes, and without a trace."""

import copy
import math

import pytest
import torch
from torch import nn

from fada_lib.files import read_json_lines
from fada_lib.methods.interface import Method
from fada_lib.methods.registry import build_method
from fada_lib.models.batch_norm import set_batch_norm
from fada_lib.models.segmenter import build_segmenter
from fada_lib.parameters import AdaptParameters
from fada_lib.progress import Progress
from fada_lib.training import adapt as adapt_module
from fada_lib.training import gradient_ratio as ratio_module
from fada_lib.training.adapt import adapt, adapt_step
from fada_lib.training.checkpoint import load_checkpoint
from fada_lib.training.device import Compute
from fada_lib.training.gradient_ratio import gradient_norm, gradient_ratio

K = 12
CPU = Compute(torch.device("cpu"), None)
KEYS = ["gradient_segmentation", "gradient_adversarial", "gradient_ratio"]


class ToyFeatures(nn.Module):
    """F of three weights: a pixel's feature is w . x."""

    def __init__(self, weights):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(weights, dtype=torch.float64))

    def with_middle(self, images):
        return torch.einsum("nchw,c->nhw", images, self.w)[:, None], None


class ToySegmenter(nn.Module):
    """C without parameters: the logits of two classes are the feature and 0."""

    def __init__(self, weights):
        super().__init__()
        self.feature_extractor = ToyFeatures(weights)

    def logits(self, features, middle):
        return {"main": torch.cat((features, torch.zeros_like(features)), dim=1)}


class ToyMethod(Method):
    """Pulls at the mean feature of the target, with a lambda of 0.1."""

    def generator_terms(self, source, target, progress):
        return {"adversarial": 0.1 * target.features.mean()}


def pixel(*values):
    return torch.tensor(values, dtype=torch.float64)[None, :, None, None]


def build(name="fada", **options):
    torch.manual_seed(3)
    return build_method(name, {"discriminator_channels": [8, 8], **options}, 96, K)


def test_the_norm_is_over_all_parameters_together_and_leaves_no_gradient():
    a, b, unused = (torch.tensor(v, requires_grad=True) for v in (3.0, 4.0, 5.0))
    assert gradient_norm(a * 6 + b * 8, [a, b, unused]).item() == 10.0
    assert a.grad is b.grad is None


def test_the_ratio_of_a_toy_by_hand():
    # the feature of the source's pixel is log 3, so P(class 0) = 3/4, and |x| = 3
    segmenter = ToySegmenter([math.log(3), 0.0, 0.0])
    source, target = pixel(1.0, 2.0, 2.0), pixel(0.0, 6.0, 8.0)
    found = gradient_ratio(segmenter, ToyMethod(), (source, torch.tensor([[[0]]])), target, CPU)
    expected = {"gradient_segmentation": 3 / 4, "gradient_adversarial": 1.0, "gradient_ratio": 4 / 3}
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_temperature_of_the_segmentation_loss_is_that_of_the_run():
    segmenter, source = ToySegmenter([2 * math.log(3), 0.0, 0.0]), pixel(1.0, 2.0, 2.0)
    labelled = (source, torch.tensor([[[0]]]))
    found = gradient_ratio(segmenter, ToyMethod(), labelled, source, CPU, segmentation_temperature=2.0)
    assert found["gradient_segmentation"] == pytest.approx(3 / 8, rel=1e-12)


class Damped(Method):
    """Pulls at the mean feature of the target, less and less."""

    def generator_terms(self, source, target, progress):
        return {"adversarial": 0.1 * (1 - progress) * target.features.mean()}


def test_the_terms_are_those_of_the_progress():
    segmenter, source = ToySegmenter([math.log(3), 0.0, 0.0]), pixel(1.0, 2.0, 2.0)
    labelled = (source, torch.tensor([[[0]]]))
    found = gradient_ratio(segmenter, Damped(), labelled, pixel(0.0, 6.0, 8.0), CPU, progress=0.75)
    assert found["gradient_adversarial"] == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("name", ["fada", "binary"])
def test_the_norms_are_those_of_backward_passes_of_an_iteration(make_segmenter, batch, name):
    norms = {}
    for part, lambda_adv in (("segmentation", 0.0), ("both", 0.5)):
        segmenter, method = make_segmenter(), build(name, lambda_adv=lambda_adv)
        optimisers = {"segmenter": torch.optim.SGD(segmenter.parameters(), lr=0.0)}
        adapt_step(segmenter, method, optimisers, *batch, CPU)
        norms[part] = torch.cat([p.grad.double().flatten() for p in segmenter.feature_extractor.parameters()])
    segmentation, adversarial = norms["segmentation"].norm(), (norms["both"] - norms["segmentation"]).norm()
    found = gradient_ratio(make_segmenter(), build(name, lambda_adv=0.5), *batch, CPU)
    expected = dict(zip(KEYS, (v.item() for v in (segmentation, adversarial, adversarial / segmentation)), strict=True))
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_ratio_is_in_proportion_to_lambda(make_segmenter, batch):
    low, high = (gradient_ratio(make_segmenter(), build(lambda_adv=v), *batch, CPU) for v in (0.001, 0.1))
    assert high["gradient_ratio"] == pytest.approx(100 * low["gradient_ratio"], rel=1e-5)
    assert high["gradient_segmentation"] == low["gradient_segmentation"]


def test_the_classifiers_gradient_does_not_count(make_segmenter, batch):
    of_features, of_output = (
        gradient_ratio(make_segmenter(), build(discriminator_input=i), *batch, CPU) for i in ("features", "output")
    )
    assert of_features["gradient_segmentation"] == of_output["gradient_segmentation"]
    segmenter = make_segmenter()
    for p in segmenter.classifier.parameters():
        p.requires_grad_(False)
    assert gradient_ratio(segmenter, build(), *batch, CPU) == of_features


def test_a_method_without_terms_has_no_ratio(make_segmenter, batch):
    method = build_method("source_continued", {}, 96, K)
    assert gradient_ratio(make_segmenter(), method, *batch, CPU) == {}


class Drawing(ToyMethod):
    """Draws random numbers for its loss."""

    def generator_terms(self, source, target, progress):
        return {"adversarial": (target.features * torch.rand_like(target.features)).mean()}


def test_measuring_leaves_gradients_statistics_and_random_states_as_they_were(batch):
    torch.manual_seed(0)
    segmenter = build_segmenter("resnet_small", K, "batch")
    set_batch_norm(segmenter.train(), "live")
    for p in segmenter.parameters():
        p.grad = torch.ones_like(p)
    before, random = copy.deepcopy(segmenter.state_dict()), torch.get_rng_state()
    assert gradient_ratio(segmenter, Drawing(), *batch, CPU)["gradient_ratio"] > 0
    assert all(torch.equal(value, before[name]) for name, value in segmenter.state_dict().items())
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in segmenter.parameters())
    assert torch.equal(torch.get_rng_state(), random)


# In a run


@pytest.fixture
def adapted(data_run, save_run, tmp_path):
    """Runs an adaptation of four iterations; `adapted(name, ...)` gives its history and its weights."""
    source = save_run(tmp_path / "02")

    def run(name, **changes):
        folder = tmp_path / name
        folder.mkdir()
        shared = {"data": data_run, "run": str(folder), "source_run": source, "device": "cpu", "batch_size": 2}
        often = {"iterations": 4, "log_every": 1, "checkpoint_every": 4, "options": {"discriminator_channels": [8, 8]}}
        adapt(AdaptParameters(**{**shared, **often, **changes}), Progress(folder, live=False))
        return read_json_lines(folder / "history.jsonl"), load_checkpoint(folder)[0].state_dict()

    return run


def test_a_run_logs_the_ratio_where_it_evaluates_and_trains_to_the_same_digits(adapted):
    (rows, measured), (unmeasured_rows, unmeasured) = adapted("a", evaluate_every=2), adapted("b", evaluate_every=0)
    assert [row["iteration"] for row in rows if "target_tune_miou" in row] == [2, 4]
    assert [row["iteration"] for row in rows if set(KEYS) <= set(row)] == [2, 4]
    assert not any(key in row for row in unmeasured_rows for key in KEYS)
    assert [row for row in rows if "segmentation" in row] == unmeasured_rows
    assert all(torch.equal(measured[name], unmeasured[name]) for name in measured)


def test_the_ratio_is_measured_on_the_same_batch_every_time(adapted):
    rows, _ = adapted("a", evaluate_every=2, learning_rate=1e-12, discriminator_learning_rate=1e-12)
    first, second = (row["gradient_ratio"] for row in rows if "gradient_ratio" in row)
    assert first == pytest.approx(second, rel=1e-5)


def test_a_run_steps_and_measures_at_its_progress_and_temperature(adapted, monkeypatch):
    seen = {"adapt_step": [], "gradient_ratio": []}

    def recording(name, real):
        def call(*arguments, **options):
            seen[name].append((options["progress"], options["segmentation_temperature"]))
            return real(*arguments, **options)

        return call

    for module, name in ((adapt_module, "adapt_step"), (ratio_module, "gradient_ratio")):
        monkeypatch.setattr(module, name, recording(name, getattr(module, name)))
    adapted("a", evaluate_every=2, segmentation_temperature=1.8)
    assert seen["adapt_step"] == [(0.0, 1.8), (0.25, 1.8), (0.5, 1.8), (0.75, 1.8)]
    assert seen["gradient_ratio"] == [(0.25, 1.8), (0.75, 1.8)], "those of the iteration before"


def test_each_domain_has_its_size_both_are_mirrored_alike_and_diagnosed_at_the_size_of_testing(adapted, monkeypatch):
    streams, tested = [], []
    monkeypatch.setattr(adapt_module, "measured_ratio", lambda s, m, given, *_, **__: streams.extend(given) or {})
    monkeypatch.setattr(adapt_module, "diagnose", lambda *given: tested.append(given[4]) or {})
    sizes = {"source_size": (48, 24), "target_size": (40, 20), "test_size": (64, 32)}
    adapted("a", evaluate_every=4, flip_probability=0.25, **sizes)
    assert [(stream.size, stream.flip_probability) for _, stream in streams] == [((48, 24), 0.25), ((40, 20), 0.25)]
    assert tested == [(64, 32)]


def test_continued_source_training_has_no_ratio(adapted):
    rows, _ = adapted("a", evaluate_every=2, method="source_continued", options={})
    assert any("target_tune_miou" in row for row in rows)
    assert not any(key in row for row in rows for key in KEYS)
