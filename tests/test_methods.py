"""Methods of adaptation: what they can be asked for, and what one iteration does to whom."""

import copy

import pytest
import torch
from one_step import copies, equal, optimisers_of

from fada_lib.losses import strips
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import OPTIONS
from fada_lib.methods.registry import METHODS, build_method
from fada_lib.models.segmenter import upsample
from fada_lib.parameters import UserError
from fada_lib.training.adapt import adapt_step, forward
from fada_lib.training.device import Compute
from fada_lib.training.supervised import supervised_step

K = 12
CPU = Compute(torch.device("cpu"), None)
CHANNELS = 96


def build(name="fada", **options):
    torch.manual_seed(3)
    return build_method(name, {"discriminator_channels": [8, 8], **options}, CHANNELS, K)


def outputs(seed, h=3, w=4):
    generator = torch.Generator().manual_seed(seed)
    features, logits = torch.randn(2, CHANNELS, h, w, generator=generator), torch.randn(2, K, h, w, generator=generator)
    return Outputs(features, 4 * logits, (4 * h, 4 * w))


def doubled(seen):
    return Outputs(seen.features.double(), seen.logits.double(), seen.size)


# The registry


def test_every_method_has_options_and_every_options_a_method():
    assert METHODS.keys() == OPTIONS.keys()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fadda", {}, "unknown method 'fadda': choose one of source_continued, binary, fada"),
        ("fada", {"lamda_adv": 0.1}, "unknown parameter 'lamda_adv'; did you mean 'lambda_adv'"),
        ("fada", {"lambda_adv": "1e-3"}, "'lambda_adv' must be of type float.* write 1.0e-4"),
        ("fada", {"encoding": "medium"}, "'encoding' is 'medium': choose one of soft, hard"),
        ("fada", {"hard_mean": "some"}, "'hard_mean' is 'some': choose one of all, kept"),
        ("binary", {"discriminator_resolution": "8k"}, "'discriminator_resolution' is '8k'"),
        ("binary", {"encoding": "hard"}, "unknown parameter 'encoding'"),
        ("source_continued", {"lambda_adv": 0.1}, "unknown parameter 'lambda_adv'"),
    ],
)
def test_what_a_method_does_not_know_is_refused_in_one_line(name, options, message):
    with pytest.raises(UserError, match=message) as caught:
        build_method(name, options, CHANNELS, K)
    assert "\n" not in str(caught.value)


def test_fada_discriminates_two_k_channels_and_binary_two():
    features = outputs(0).features
    assert build("fada").discriminator(features).shape == (2, 2 * K, 3, 4)
    assert build("binary").discriminator(features).shape == (2, 2, 3, 4)


def test_continued_source_training_has_nothing_to_train_and_asks_for_no_target():
    method = build_method("source_continued", {}, CHANNELS, K)
    assert list(method.parameters()) == []
    assert not method.uses_target
    assert method.generator_terms(outputs(0), None, 0.0) == {}


# The terms


def test_the_adversarial_term_is_weighed_by_lambda():
    one, ten = (build(lambda_adv=v).generator_terms(outputs(0), outputs(1), 0.0)["adversarial"] for v in (0.01, 0.1))
    assert ten.item() == pytest.approx(10 * one.item())


def test_both_terms_of_the_discriminator_are_weighed_alike():
    half, whole = (build(discriminator_weight=v).discriminator_terms(outputs(0), outputs(1), 0.0) for v in (0.5, 1.0))
    assert half.keys() == {"discriminator_source", "discriminator_target"}
    for name in half:
        assert whole[name].item() == pytest.approx(2 * half[name].item())


def test_an_undecided_discriminator_of_domains_loses_log_two():
    method = build("binary", discriminator_weight=1.0)
    for p in method.parameters():
        torch.nn.init.zeros_(p)
    for term in method.discriminator_terms(outputs(0), outputs(1), 0.0).values():
        assert term.item() == pytest.approx(0.693147, abs=1e-5)


def test_the_options_choose_the_encoding():
    logits = outputs(0).logits
    soft = build(encoding="soft", temperature=3.0, clip=0.5, hard_temperature=2.0)
    hard = build(encoding="hard", threshold=0.4, hard_temperature=2.0, temperature=3.0)
    assert torch.equal(soft.knowledge(logits), soft_labels(logits, 3.0, 0.5))
    assert torch.equal(hard.knowledge(logits), hard_labels(logits, 0.4, 2.0))
    assert not torch.equal(hard.knowledge(logits), hard_labels(logits, 0.4, 1.0))
    assert torch.equal(build("binary").knowledge(logits), torch.ones(2, 1, 3, 4))


@pytest.mark.parametrize("strip", [1, 200, 2**24], ids=["a row at a time", "strips of few rows", "all rows at once"])
@pytest.mark.parametrize(
    ("name", "options"), [("binary", {}), ("fada", {}), ("fada", {"encoding": "hard", "hard_mean": "kept"})]
)
def test_at_input_resolution_logits_and_encodings_are_upsampled_before_the_softmax(monkeypatch, name, options, strip):
    monkeypatch.setitem(strips.STRIP_ELEMENTS, "cpu", strip)
    method, seen = build(name, discriminator_resolution="input", **options).double(), doubled(outputs(1))
    seen.features.requires_grad_()
    found = method.generator_terms(None, seen, 0.0)["adversarial"]
    (found_gradient,) = torch.autograd.grad(found, seen.features)
    logits = upsample(method.discriminator(seen.features), seen.size)
    knowledge = method.knowledge(upsample(seen.logits, seen.size))
    loss = -(knowledge * torch.log_softmax(logits, dim=1)[:, : knowledge.shape[1]]).sum(dim=1)
    kept = knowledge.sum(dim=1) > 0
    expected = method.options.lambda_adv * (loss[kept].mean() if options else loss.mean())
    (expected_gradient,) = torch.autograd.grad(expected, seen.features)
    assert 0 < kept.sum()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert torch.allclose(found_gradient, expected_gradient, rtol=1e-9, atol=1e-15)


def test_hard_labels_mean_over_all_pixels_or_over_the_kept():
    seen = outputs(1)
    knowledge = build(encoding="hard").knowledge(seen.logits)
    share = float(knowledge.sum() / knowledge[:, 0].numel())
    every, kept = (build(encoding="hard", hard_mean=m).generator_terms(seen, seen, 0.0) for m in ("all", "kept"))
    assert 0 < share < 1
    assert every["adversarial"].item() == pytest.approx(share * kept["adversarial"].item(), rel=1e-5)


@pytest.mark.parametrize("resolution", ["feature", "input"])
@pytest.mark.parametrize(("name", "options"), [("binary", {}), ("fada", {}), ("fada", {"encoding": "hard"})])
def test_the_adversarial_loss_moves_f_and_never_the_classifier(make_segmenter, batch, name, options, resolution):
    segmenter, method = make_segmenter(), build(name, discriminator_resolution=resolution, **options)
    with torch.no_grad():
        for p in segmenter.classifier.parameters():
            p.mul_(300)  # confident, so that hard labels are not empty
    target = forward(segmenter, batch[1], CPU)
    method.generator_terms(None, target, 0.0)["adversarial"].backward()
    assert all(p.grad is None or not p.grad.any() for p in segmenter.classifier.parameters())
    assert any(p.grad.any() for p in segmenter.feature_extractor.parameters())


# One iteration


@pytest.fixture
def observed(make_segmenter, batch):
    """An iteration of FADA, and what its networks were before, between and after its two steps."""
    segmenter, method = make_segmenter(), build(lambda_adv=0.5)
    optimisers = optimisers_of(segmenter, method)
    seen = {"before": (copies(segmenter), copies(method)), "untouched": copy.deepcopy(segmenter), "inputs": []}

    def after_the_generators_step(*_):
        seen["between"] = (copies(segmenter), copies(method))
        seen["gradients_of_d"] = [p.grad for p in method.parameters()]
        seen["gradients_of_g"] = [p.grad.clone() for p in segmenter.parameters()]

    optimisers["segmenter"].register_step_post_hook(after_the_generators_step)
    method.discriminator.register_forward_hook(lambda _, given, result: seen["inputs"].append((given[0], result)))
    seen["scalars"] = adapt_step(segmenter, method, optimisers, *batch, CPU)
    seen["after"] = (copies(segmenter), copies(method))
    seen["segmenter"] = segmenter
    return seen


def test_the_generators_step_moves_g_and_leaves_d(observed):
    (g_before, d_before), (g_between, d_between) = observed["before"], observed["between"]
    assert not equal(g_before, g_between)
    assert equal(d_before, d_between)
    assert observed["gradients_of_d"] == [None] * len(observed["gradients_of_d"])


def test_the_discriminators_step_moves_d_and_leaves_g(observed):
    (g_between, d_between), (g_after, d_after) = observed["between"], observed["after"]
    assert equal(g_between, g_after)
    assert not equal(d_between, d_after)
    for kept, now in zip(observed["gradients_of_g"], observed["segmenter"].parameters(), strict=True):
        assert torch.equal(kept, now.grad)


def test_d_learns_from_the_features_of_before_the_update(observed, batch):
    (fooling, logits), (source, _), (target, logits_again) = observed["inputs"]
    untouched = observed["untouched"]
    assert torch.equal(target, fooling)
    assert torch.equal(logits, logits_again)
    assert torch.equal(source, forward(untouched, batch[0][0], CPU).features)
    assert not source.requires_grad
    assert not target.requires_grad


def test_every_loss_is_reported_as_a_scalar_without_graph(observed):
    names = ["segmentation", "adversarial", "discriminator_source", "discriminator_target"]
    assert list(observed["scalars"]) == names
    assert all(v.shape == () and not v.requires_grad for v in observed["scalars"].values())


def test_with_a_lambda_of_zero_fada_trains_g_as_continued_source_training_does(make_segmenter, batch):
    states = []
    for method, target in ((build(lambda_adv=0.0), batch[1]), (build_method("source_continued", {}, 96, K), None)):
        segmenter = make_segmenter()
        for _ in range(2):
            adapt_step(segmenter, method, optimisers_of(segmenter, method), batch[0], target, CPU)
        states.append(segmenter.state_dict())
    assert equal(*states)


def test_the_gradient_of_one_iteration_is_that_of_the_sum_of_its_losses(make_segmenter, batch):
    segmenter, method = make_segmenter(), build(lambda_adv=0.5)
    adapt_step(segmenter, method, optimisers_of(segmenter, method), *batch, CPU)
    again = make_segmenter()
    (images, labels), target = batch
    logits = torch.nn.functional.interpolate(
        forward(again, images, CPU).logits, size=(16, 24), mode="bilinear", align_corners=True
    )
    segmentation = torch.nn.functional.cross_entropy(logits, labels.long())
    adversarial = build(lambda_adv=0.5).generator_terms(None, forward(again, target, CPU), 0.0)["adversarial"]
    (segmentation + adversarial).backward()
    for found, expected in zip(segmenter.parameters(), again.parameters(), strict=True):
        assert torch.allclose(found.grad, expected.grad, atol=1e-6)


def test_the_gradient_is_clipped_to_its_norm(make_segmenter, batch):
    segmenter, method = make_segmenter(), build()
    adapt_step(segmenter, method, optimisers_of(segmenter, method), *batch, CPU, gradient_clip=0.01)
    norm = torch.cat([p.grad.flatten() for p in segmenter.parameters()]).norm()
    assert norm.item() == pytest.approx(0.01, rel=1e-3)


def test_the_segmentation_temperature_reaches_the_segmentation_loss_only(make_segmenter, batch):
    losses = []
    for temperature in (1.0, 1.8):
        segmenter, method = make_segmenter(), build()
        optimisers = optimisers_of(segmenter, method)
        losses.append(adapt_step(segmenter, method, optimisers, *batch, CPU, segmentation_temperature=temperature))
    assert losses[0]["segmentation"] != losses[1]["segmentation"]
    assert losses[0]["adversarial"] == losses[1]["adversarial"]


def test_repeated_iterations_teach_the_discriminator_the_domains(make_segmenter, batch):
    segmenter, method = make_segmenter(), build(lambda_adv=0.0)
    optimisers = optimisers_of(segmenter, method)
    optimisers["segmenter"].param_groups[0]["lr"] = optimisers["segmenter"].param_groups[1]["lr"] = 0.0
    losses = [adapt_step(segmenter, method, optimisers, *batch, CPU)["discriminator_target"] for _ in range(30)]
    assert losses[-1] < 0.9 * losses[0]


def test_in_bfloat16_the_convolutions_compute_in_it_and_discriminator_and_losses_in_float32(make_segmenter, batch):
    segmenter, method, seen = make_segmenter(), build_method("fada", {}, 96, 12), {}
    watched = {"network": segmenter.feature_extractor.backbone.layer2.conv1, "discriminator": method.discriminator.cls1}
    for name, module in watched.items():
        module.register_forward_hook(lambda module, given, out, name=name: seen.update({name: out.dtype}))
    compute = Compute(torch.device("cpu"), torch.bfloat16)
    optimisers = optimisers_of(segmenter, method)
    losses = adapt_step(segmenter, method, optimisers, *batch, compute)
    assert seen == {"network": torch.bfloat16, "discriminator": torch.float32}
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    seen.clear()
    loss = supervised_step(segmenter, optimisers["segmenter"], *batch[0], compute)["segmentation"]
    assert (seen["network"], loss.dtype) == (torch.bfloat16, torch.float32)
