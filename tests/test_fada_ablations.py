"""FADA's ablations: the halves of its loss by hand and against plain loops, and a discriminator of the output."""

import math

import pytest
import torch

from fada_lib.losses.adversarial import SOURCE, TARGET, encoding_cross_entropy
from fada_lib.losses.encodings import binary_labels, hard_labels, soft_labels
from fada_lib.methods.interface import Outputs
from fada_lib.methods.registry import build_method
from fada_lib.parameters import UserError
from fada_lib.training.adapt import adapt_step, forward
from fada_lib.training.device import Compute

K, CHANNELS = 12, 96
CPU = Compute(torch.device("cpu"), None)
HALVES = ("domain", "class")
ENCODINGS = [("soft", {}), ("hard", {"threshold": 0.5}), ("hard", {"threshold": 0.5, "hard_mean": "kept"})]


def build(name="fada", **options):
    torch.manual_seed(3)
    return build_method(name, {"discriminator_channels": [8, 8], **options}, CHANNELS, K)


def random_maps(channels, seed, n=2, h=3, w=4):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(n, channels, h, w, generator=generator, dtype=torch.float64)


def outputs(seed):
    return Outputs(random_maps(CHANNELS, seed).requires_grad_(), random_maps(K, seed + 50).requires_grad_(), (12, 16))


def pixel(values):
    return torch.tensor(values, dtype=torch.float64)[None, :, None, None]


def naive_halves(domain_logits, knowledge, domain):
    """Sums over pixels of -m log P(d) and of -sum_k a_k log P(k | d), from probabilities as the definitions have it."""
    classes = knowledge.shape[1]
    first = 0 if domain == SOURCE else classes
    pixels = zip(*(maps.movedim(1, -1).flatten(0, 2).tolist() for maps in (domain_logits, knowledge)), strict=True)
    halves = {"domain": 0.0, "class": 0.0}
    for z, a in pixels:
        p = [math.exp(v) / sum(map(math.exp, z)) for v in z]
        of_domain = sum(p[first : first + classes])
        halves["domain"] -= sum(a) * math.log(of_domain)
        halves["class"] -= sum(a_k * math.log(p[first + k] / of_domain) for k, a_k in enumerate(a))
    return halves


# The halves of the loss


@pytest.mark.parametrize(
    ("domain", "terms", "expected"),
    [
        (SOURCE, "domain", -0.9 * math.log(0.8)),
        (TARGET, "domain", -0.9 * math.log(0.2)),
        (SOURCE, "class", -0.3 * math.log(5 / 8) - 0.6 * math.log(3 / 8)),
        (TARGET, "class", -0.3 * math.log(3 / 4) - 0.6 * math.log(1 / 4)),
    ],
)
def test_a_half_of_one_pixel_by_hand(domain, terms, expected):
    logits, knowledge = pixel([0.5, 0.3, 0.15, 0.05]).log(), pixel([0.3, 0.6])
    found = encoding_cross_entropy(logits, knowledge, domain, terms)
    assert (found.total.item(), found.count.item()) == (pytest.approx(expected, rel=1e-12), 1)


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
@pytest.mark.parametrize("encode", [soft_labels, hard_labels])
def test_the_halves_are_those_of_plain_loops_and_add_up_to_the_whole(encode, domain):
    logits, knowledge = random_maps(2 * K, 4).requires_grad_(), encode(random_maps(K, 5))
    whole = encoding_cross_entropy(logits, knowledge, domain).total
    halves = {name: encoding_cross_entropy(logits, knowledge, domain, name).total for name in HALVES}
    expected = naive_halves(logits.detach(), knowledge, domain)
    assert {name: half.item() for name, half in halves.items()} == pytest.approx(expected, rel=1e-12)
    assert sum(halves.values()).item() == pytest.approx(whole.item(), rel=1e-12)
    of_whole, of_sum = (torch.autograd.grad(value, logits)[0] for value in (whole, sum(halves.values())))
    assert torch.allclose(of_sum, of_whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_with_one_class_the_domain_is_the_binary_loss_and_the_class_is_nothing(domain):
    logits, ones = random_maps(2, 6), binary_labels(random_maps(K, 7))
    binary, by_domain, by_class = (
        encoding_cross_entropy(logits, ones, domain, terms).total.item() for terms in ("both", *HALVES)
    )
    assert by_domain == binary
    assert by_class == 0.0


def test_the_class_half_does_not_know_the_other_domains_channels():
    logits, knowledge = random_maps(2 * K, 8).requires_grad_(), soft_labels(random_maps(K, 9))
    encoding_cross_entropy(logits, knowledge, SOURCE, "class").total.backward()
    assert logits.grad[:, :K].any()
    assert not logits.grad[:, K:].any()


# The terms of the method


@pytest.mark.parametrize("resolution", ["feature", "input"])
@pytest.mark.parametrize(("encoding", "options"), ENCODINGS)
def test_the_halves_adversarial_losses_and_their_gradients_on_the_features_add_up(encoding, options, resolution):
    target = outputs(1)
    terms = {}
    for name in ("both", *HALVES):
        method = build(encoding=encoding, terms=name, discriminator_resolution=resolution, **options).double()
        loss = method.generator_terms(None, target, 0.0)["adversarial"]
        terms[name] = (loss.detach(), *torch.autograd.grad(loss, target.features))
    for whole, by_domain, by_class in zip(terms["both"], terms["domain"], terms["class"], strict=True):
        assert by_domain.any()
        assert by_class.any()
        assert torch.allclose(by_domain + by_class, whole, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("terms", HALVES)
def test_the_discriminator_learns_all_of_equation_5_whatever_the_generator_is_asked_for(terms):
    source, target = outputs(1), outputs(2)
    whole, half = (build(terms=name).double().discriminator_terms(source, target, 0.0) for name in ("both", terms))
    assert whole == half


# Where the discriminator looks


@pytest.mark.parametrize(("name", "predicted"), [("fada", 2 * K), ("binary", 2)])
def test_the_discriminator_sees_features_or_probabilities(name, predicted):
    seen = outputs(1)
    of_features, of_output = (build(name, discriminator_input=i).double() for i in ("features", "output"))
    assert of_features.seen_maps(seen) is seen.features
    assert torch.equal(of_output.seen_maps(seen), torch.softmax(seen.logits, dim=1))
    for method in (of_features, of_output):
        assert method.discriminator(method.seen_maps(seen)).shape == (2, predicted, 3, 4)


@pytest.mark.parametrize("name", ["fada", "binary"])
def test_on_the_output_the_loss_is_that_of_the_discriminators_view_of_probabilities(name):
    method, target = build(name, discriminator_input="output", lambda_adv=0.25).double(), outputs(1)
    knowledge = method.knowledge(target.logits)
    logits = method.discriminator(torch.softmax(target.logits, dim=1))
    expected = 0.25 * sum(naive_halves(logits.detach(), knowledge, SOURCE).values()) / 24
    assert method.generator_terms(None, target, 0.0)["adversarial"].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["fada", "binary"])
@pytest.mark.parametrize(("seen", "reached"), [("features", False), ("output", True)])
def test_the_adversarial_gradient_reaches_the_classifier_only_from_its_output(
    make_segmenter, batch, name, seen, reached
):
    segmenter, method = make_segmenter(), build(name, discriminator_input=seen)
    method.generator_terms(None, forward(segmenter, batch[1], CPU), 0.0)["adversarial"].backward()
    of_f, of_c = (
        any(p.grad is not None and p.grad.any() for p in part.parameters())
        for part in (segmenter.feature_extractor, segmenter.classifier)
    )
    assert of_f
    assert of_c is reached


def test_an_iteration_on_the_output_trains_both_networks(make_segmenter, batch):
    segmenter, method = make_segmenter(), build(discriminator_input="output")
    optimisers = {
        "segmenter": torch.optim.SGD(segmenter.parameters(), lr=0.1),
        "discriminator": torch.optim.Adam(method.parameters(), lr=0.01),
    }
    scalars = adapt_step(segmenter, method, optimisers, *batch, CPU)
    assert all(torch.isfinite(value) for value in scalars.values())
    assert all(p.grad is not None for p in (*segmenter.parameters(), *method.parameters()))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fada", {"terms": "classes"}, r"'terms' is 'classes': choose one of both, domain, class"),
        ("fada", {"discriminator_input": "feature"}, r"'discriminator_input' is 'feature': .*features, output"),
        ("binary", {"terms": "domain"}, "unknown parameter 'terms'"),
    ],
)
def test_what_the_ablations_do_not_know_is_refused_in_one_line(name, options, message):
    with pytest.raises(UserError, match=message) as caught:
        build(name, **options)
    assert "\n" not in str(caught.value)
