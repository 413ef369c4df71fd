"""CLAN: its weights by hand and against plain loops, its schedule, and the exact gradients of its terms."""

import math

import pytest
import torch
from one_step import optimisers_of
from torch.nn import functional

from fada_lib.losses import strips
from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.disagreement import disagreement, weight_similarity
from fada_lib.losses.output_space import domain_cross_entropy
from fada_lib.methods.interface import Outputs
from fada_lib.methods.registry import build_method
from fada_lib.models.segmenter import combine
from fada_lib.parameters import UserError
from fada_lib.training.adapt import adapt_step, forward
from fada_lib.training.device import Compute

K = 12
CPU = Compute(torch.device("cpu"), None)
AFTER = 0.25
"""A progress after the warm-up; damping is 3/4 there."""


def build(**options):
    torch.manual_seed(3)
    return build_method("clan", {"output_discriminator_channels": [4, 8], **options}, 96, K)


def pixel(*probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()[None, :, None, None]


def outputs(seed, h=3, w=4):
    generator = torch.Generator().manual_seed(seed)
    logits = {n: torch.randn(2, K, h, w, generator=generator, dtype=torch.float64) for n in ("main", "second")}
    return Outputs(torch.zeros(2, 96, h, w), combine(logits), (4 * h, 4 * w), logits)


def trainable(seen):
    """The same outputs with a graph from the two classifiers' logits to their sum."""
    logits = {name: maps.clone().requires_grad_() for name, maps in seen.classifiers.items()}
    return Outputs(seen.features, combine(logits), seen.size, logits)


def enlarged(maps, size):
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)


def naive_loss(method, seen, domain, weighted):
    """The mean over the input's pixels, straight from the formulas and at full size at once."""
    first, second = (enlarged(seen.classifiers[name], seen.size) for name in ("main", "second"))
    judged = enlarged(method.discriminator(torch.softmax(first + second, dim=1)), seen.size)
    p_target = 1 / (1 + torch.exp(-judged))
    loss = -torch.log(p_target if domain == TARGET else 1 - p_target)
    if weighted:
        p, q = (torch.exp(z) / torch.exp(z).sum(dim=1, keepdim=True) for z in (first, second))
        cosine = (p * q).sum(dim=1) / ((p**2).sum(dim=1).sqrt() * (q**2).sum(dim=1).sqrt())
        loss = (method.options.epsilon + method.options.lambda_local * (1 - cosine[:, None])) * loss
    return loss.mean()


@pytest.fixture
def segmenter(make_segmenter):
    network = make_segmenter()
    network.add_heads(["second"])
    return network


# The losses


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.2, 0.3, 0.5), (0.2, 0.3, 0.5), 0.0),
        ((1.0, 1e-300, 1e-300), (1e-300, 1.0, 1e-300), 1.0),
        ((0.6, 0.4, 1e-300), (0.4, 0.6, 1e-300), 1 - 0.48 / 0.52),
        ((0.5, 0.25, 0.25), (1.0, 1e-300, 1e-300), 1 - math.sqrt(2 / 3)),
    ],
)
def test_the_weight_map_is_one_less_the_cosine_of_the_two_predictions(first, second, expected):
    assert disagreement(pixel(*first), pixel(*second)).item() == pytest.approx(expected, abs=1e-12)


def test_the_weight_map_is_that_of_plain_loops():
    first, second = (outputs(5).classifiers[name] for name in ("main", "second"))
    found = disagreement(first, second)
    assert found.shape == (2, 1, 3, 4)
    for n, y, x in [(0, 0, 0), (1, 2, 3), (0, 1, 2)]:
        p, q = ([math.exp(z) for z in logits[n, :, y, x].tolist()] for logits in (first, second))
        dot = sum(a * b for a, b in zip(p, q, strict=True))
        norms = math.sqrt(sum(a * a for a in p)) * math.sqrt(sum(b * b for b in q))
        assert found[n, 0, y, x].item() == pytest.approx(1 - dot / norms, rel=1e-12)


@pytest.mark.parametrize(
    ("second", "expected"),
    [([[3.0, 0.0], [4.0]], 2.0), ([[-6.0, 0.0], [-8.0]], 0.0), ([[0.0, 7.0], [0.0]], 1.0), ([[3.0, 0.0], [0.0]], 1.6)],
)
def test_the_discrepancy_loss_is_the_cosine_of_all_weights_plus_one(second, expected):
    w1, w2 = ([torch.tensor(values) for values in weights] for weights in ([[3.0, 0.0], [4.0]], second))
    assert weight_similarity(w1, w2).item() == pytest.approx(expected)


def test_equal_weights_get_no_gradient_from_it_so_a_copy_of_the_classifier_would_stay_one():
    w = torch.tensor([1.0, -2.0, 2.0], dtype=torch.float64, requires_grad=True)
    weight_similarity([w], [w.detach().clone()]).backward()
    assert w.grad.abs().max() < 1e-12


def test_the_gradients_of_the_losses_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(1)
    a, b, w = (torch.randn(1, c, 2, 2, generator=generator, dtype=torch.float64).requires_grad_() for c in (3, 3, 1))
    assert torch.autograd.gradcheck(disagreement, (a, b))
    assert torch.autograd.gradcheck(lambda x, y: weight_similarity([x, w], [y, 2 - w]), (a, b))
    assert torch.autograd.gradcheck(lambda z, x: domain_cross_entropy(z, SOURCE, x.square()).mean(), (w, a[:, :1]))


# The terms


@pytest.mark.parametrize("strip", [1, 2**24], ids=["a row at a time", "all rows at once"])
@pytest.mark.parametrize("progress", [0.0, 0.05, 0.06, AFTER])
def test_all_terms_are_those_of_the_formulas_with_weights_on_the_target_after_the_warm_up(monkeypatch, strip, progress):
    monkeypatch.setitem(strips.STRIP_ELEMENTS, "cpu", strip)
    method = build(lambda_adv=0.5, discriminator_weight=0.7).double()
    source, target, weighted = outputs(1), outputs(2), progress > 0.05
    terms = method.generator_terms(source, target, progress) | method.discriminator_terms(source, target, progress)
    expected = {
        "adversarial": (1 - progress) * 0.5 * naive_loss(method, target, SOURCE, weighted),
        "discriminator_source": 0.7 * naive_loss(method, source, SOURCE, weighted=False),
        "discriminator_target": 0.7 * naive_loss(method, target, TARGET, weighted),
    }
    assert {n: t.item() for n, t in terms.items()} == pytest.approx(
        {n: t.item() for n, t in expected.items()}, rel=1e-9
    )


def test_the_gradient_on_both_classifiers_is_exact_and_flows_through_the_weights_too():
    method, target = build(lambda_adv=0.5).double(), outputs(2)
    seen, again = trainable(target), trainable(target)
    method.generator_terms(None, seen, AFTER)["adversarial"].backward()
    (0.75 * 0.5 * naive_loss(method, again, SOURCE, weighted=True)).backward()
    for name in ("main", "second"):
        assert torch.allclose(seen.classifiers[name].grad, again.classifiers[name].grad, rtol=1e-9, atol=1e-15)
    assert not torch.allclose(seen.classifiers["main"].grad, seen.classifiers["second"].grad)


def test_the_gradient_on_the_discriminator_is_exact():
    method, source, target = build().double(), outputs(1), outputs(2)
    losses = [
        sum(method.discriminator_terms(source, target, AFTER).values()),
        naive_loss(method, source, SOURCE, weighted=False) + naive_loss(method, target, TARGET, weighted=True),
    ]
    found, expected = (torch.autograd.grad(loss, list(method.parameters())) for loss in losses)
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-15)


def test_each_classifier_learns_from_the_labels_by_itself():
    source = outputs(1)
    supervised = build().supervised(source)
    assert {name: weight for name, (weight, _) in supervised.items()} == {"segmentation": 1, "segmentation_second": 1}
    assert supervised["segmentation"][1] is source.classifiers["main"]
    assert supervised["segmentation_second"][1] is source.classifiers["second"]


@pytest.mark.parametrize("progress", [0.0, AFTER, 1.0])
def test_the_discrepancy_term_is_damped_and_moves_the_two_classifiers_only(segmenter, progress):
    (term,) = build(lambda_weight=0.2).weight_terms(segmenter, progress).values()
    w1, w2 = (
        torch.cat([p.detach().double().flatten() for p in c.parameters()])
        for c in (segmenter.classifier, segmenter.heads["second"])
    )
    cosine = (w1 @ w2 / (w1.norm() * w2.norm())).item()
    assert term.item() == pytest.approx((1 - progress) * 0.2 * (cosine + 1), rel=1e-5)
    term.backward()
    assert all(p.grad is None for p in segmenter.feature_extractor.parameters())
    assert all(p.grad is not None for c in (segmenter.classifier, segmenter.heads["second"]) for p in c.parameters())


def test_the_discrepancy_term_alone_drives_the_weights_apart(segmenter):
    segmenter.heads["second"].load_state_dict(segmenter.classifier.state_dict())
    with torch.no_grad():
        segmenter.heads["second"].conv2d_list[0].weight.mul_(0.5)
    optimiser = torch.optim.SGD(segmenter.parameter_groups(1.0), lr=1.0)
    course = []
    for _ in range(5):
        (term,) = build(lambda_weight=1.0).weight_terms(segmenter, 0.0).values()
        optimiser.zero_grad()
        term.backward()
        optimiser.step()
        course.append(term.item())
    assert course == sorted(course, reverse=True)
    assert course[-1] < 1.5 < course[0] < 2


# One iteration


def test_the_gradient_of_one_iteration_is_that_of_the_sum_of_its_losses(segmenter, batch, make_segmenter):
    method = build(lambda_adv=0.5, lambda_weight=0.3)
    again = make_segmenter()
    again.add_heads(["second"])
    again.load_state_dict(segmenter.state_dict())
    adapt_step(segmenter, method, optimisers_of(segmenter, method), *batch, CPU, progress=AFTER)
    (images, labels), target = batch
    seen = forward(again, images, CPU)
    losses = [functional.cross_entropy(enlarged(z, (16, 24)), labels.long()) for z in seen.classifiers.values()]
    losses.append(0.75 * 0.5 * naive_loss(build(), forward(again, target, CPU), SOURCE, weighted=True))
    losses += build(lambda_weight=0.3).weight_terms(again, AFTER).values()
    sum(losses).backward()
    for found, expected in zip(segmenter.parameters(), again.parameters(), strict=True):
        assert torch.allclose(found.grad, expected.grad, rtol=1e-4, atol=1e-6)


def test_every_loss_has_its_name_and_both_networks_move(segmenter, batch):
    method = build(lambda_adv=0.5)
    before = {n: t.clone() for n, t in (*segmenter.state_dict().items(), *method.state_dict().items())}
    scalars = adapt_step(segmenter, method, optimisers_of(segmenter, method), *batch, CPU, progress=AFTER)
    names = ["segmentation", "segmentation_second", "adversarial", "weight_discrepancy"]
    assert list(scalars) == [*names, "discriminator_source", "discriminator_target"]
    assert all(v.isfinite() and not v.requires_grad for v in scalars.values())
    after = {**segmenter.state_dict(), **method.state_dict()}
    assert not any(torch.equal(before[n], after[n]) for n in before if n.endswith("weight"))


# Options


def test_by_default_the_numbers_are_the_authors_for_gta5():
    options = build_method("clan", {}, 96, 19).options
    assert (options.lambda_adv, options.lambda_local, options.epsilon) == (0.001, 40.0, 0.4)
    assert (options.lambda_weight, options.warm_up, options.discriminator_weight) == (0.01, 0.05, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lambda_locl": 1.0}, "unknown parameter 'lambda_locl'; did you mean 'lambda_local'"),
        ({"epsilon": -0.1}, "'epsilon' must be at least 0, not -0.1"),
        ({"lambda_weight": -1}, "'lambda_weight' must be at least 0"),
        ({"warm_up": 1.5}, "'warm_up' must be at least 0 and at most 1, not 1.5"),
        ({"levels": 2}, "unknown parameter 'levels'"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options, message):
    with pytest.raises(UserError, match=message) as caught:
        build_method("clan", options, 96, K)
    assert "\n" not in str(caught.value)
