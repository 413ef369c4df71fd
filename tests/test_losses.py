"""Equations 1 and 3-8 of the paper: by hand on single pixels, and against plain loops on random tensors."""

import math

import pytest
import torch
from torch.nn import functional

from fada_lib.losses import strips
from fada_lib.losses.adversarial import (
    SOURCE,
    TARGET,
    encoding_cross_entropy,
    kept_pixels,
)
from fada_lib.losses.encodings import binary_labels, hard_labels, soft_labels
from fada_lib.losses.segmentation import segmentation_loss
from fada_lib.losses.terms import Term
from fada_lib.models.segmenter import upsample

K = 3


def pixels(*vectors):
    """One row of pixels with these channel vectors, (1, channels, 1, len(vectors))."""
    return torch.tensor(vectors, dtype=torch.float32).T[None, :, None, :]


def logits_of(*probabilities):
    """Logits whose softmax is `probabilities`."""
    return pixels([math.log(p) for p in probabilities])


def random_maps(channels, seed, n=2, h=3, w=4):
    return 3 * torch.randn(n, channels, h, w, generator=torch.Generator().manual_seed(seed))


def loop_over_pixels(maps):
    """Every pixel's channels as a list of Python floats, so as doubles."""
    n, _, h, w = maps.shape
    return [maps[i, :, y, x].double().tolist() for i in range(n) for y in range(h) for x in range(w)]


def softmax(values, temperature=1.0):
    powers = [math.exp(v / temperature) for v in values]
    return [p / sum(powers) for p in powers]


def naive_encoding_loss(domain_logits, knowledge, domain):
    """The sum over pixels of -sum_k a_k log P(domain, k), as the equations are written."""
    total = 0.0
    for z, a in zip(loop_over_pixels(domain_logits), loop_over_pixels(knowledge), strict=True):
        p = softmax(z)
        offset = 0 if domain == SOURCE else len(a)
        total -= sum(a_k * math.log(p[offset + k]) for k, a_k in enumerate(a))
    return total


# Equation 3: segmentation


def test_segmentation_loss_is_minus_the_log_of_the_true_class_probability():
    loss = segmentation_loss(logits_of(0.75, 0.25), torch.tensor([[[0]]])).mean()
    assert loss.item() == pytest.approx(-math.log(0.75))


def test_segmentation_loss_agrees_with_a_loop_over_pixels():
    logits = random_maps(K, 0)
    labels = torch.randint(0, K, (2, 3, 4), generator=torch.Generator().manual_seed(1))
    losses = [-math.log(softmax(z)[y]) for z, y in zip(loop_over_pixels(logits), labels.flatten(), strict=True)]
    term = segmentation_loss(logits, labels)
    assert term.total.item() == pytest.approx(sum(losses), rel=1e-5)
    assert term.mean().item() == pytest.approx(sum(losses) / 24, rel=1e-5)


def test_segmentation_loss_neither_sums_nor_counts_ignored_pixels():
    logits = torch.cat([logits_of(0.75, 0.25), logits_of(0.01, 0.99)], dim=3)
    term = segmentation_loss(logits, torch.tensor([[[0, 255]]], dtype=torch.uint8))
    assert term.count.item() == 1
    assert term.mean().item() == pytest.approx(-math.log(0.75))


def test_segmentation_loss_of_an_unlabelled_image_is_zero_and_has_no_gradient():
    logits = random_maps(K, 0).requires_grad_()
    loss = segmentation_loss(logits, torch.full((2, 3, 4), 255)).mean()
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad.abs().max().item() == 0.0


def test_segmentation_temperature_divides_the_logits():
    loss = segmentation_loss(1.8 * logits_of(0.75, 0.25), torch.tensor([[[0]]]), temperature=1.8).mean()
    assert loss.item() == pytest.approx(-math.log(0.75))


# Equations 7 and 8: the class knowledge


def test_soft_labels_are_the_softmax_of_the_logits_over_t():
    a = soft_labels(1.8 * logits_of(0.6, 0.3, 0.1), temperature=1.8)
    assert a.flatten().tolist() == pytest.approx([0.6, 0.3, 0.1])


def test_one_temperature_in_both_losses_is_none_for_a_classifier_that_much_flatter():
    """The release's T in the segmentation loss and in the encodings: labels as sure as what the network is trained to.

    With the weights W of a classifier divided by T in place of the logits, the loss and its gradient on the features
    are the same, and so are the encodings. The gradient on W is T times smaller, and W is T times larger than W / T, so
    a step of gradient descent moves the function T * T times less.
    """
    weights, labels = random_maps(K, 3, n=1, h=1, w=4)[0, :, 0], torch.tensor([[[0, 1, 2, 2]] * 3] * 2)
    found, steps = [], []
    for start, temperature in ((weights, 1.8), (weights / 1.8, 1.0)):
        features, classifier = random_maps(4, 4).requires_grad_(), start.clone().requires_grad_()
        logits = torch.einsum("kc,nchw->nkhw", classifier, features)
        loss = segmentation_loss(logits, labels, temperature=temperature).mean()
        loss.backward()
        found.append((loss.detach(), features.grad, soft_labels(logits, temperature=temperature)))
        steps.append(classifier.grad / temperature)
    torch.testing.assert_close(*found)
    torch.testing.assert_close(1.8**2 * steps[0], steps[1])
    assert not torch.allclose(found[0][2], soft_labels(logits, temperature=1.8)), "as with T in one place alone"


def test_clipping_caps_entries_and_does_not_renormalise():
    a = soft_labels(logits_of(0.95, 0.04, 0.01), temperature=1.0, clip=0.9)
    assert a.flatten().tolist() == pytest.approx([0.9, 0.04, 0.01])
    assert a.sum().item() == pytest.approx(0.95)


def test_a_clip_of_one_leaves_probabilities_whole():
    a = soft_labels(random_maps(K, 0) * 10, temperature=1.0, clip=1.0)
    assert torch.allclose(a.sum(dim=1), torch.ones(2, 3, 4))


def test_soft_labels_default_to_the_papers_temperature_and_clipping():
    logits = random_maps(K, 2) * 4
    expected = [[min(p, 0.9) for p in softmax(z, 1.8)] for z in loop_over_pixels(logits)]
    found = loop_over_pixels(soft_labels(logits))
    assert [v for pixel in found for v in pixel] == pytest.approx([v for pixel in expected for v in pixel], abs=1e-6)
    assert max(v for pixel in found for v in pixel) == pytest.approx(0.9), "no pixel of this test is clipped"


def test_hard_labels_are_one_for_the_most_likely_class_and_zero_elsewhere():
    assert hard_labels(logits_of(0.05, 0.92, 0.03)).flatten().tolist() == [0.0, 1.0, 0.0]


def test_hard_labels_below_the_threshold_are_empty():
    assert hard_labels(logits_of(0.89, 0.11)).sum().item() == 0.0
    assert hard_labels(logits_of(0.89, 0.11), threshold=0.88).flatten().tolist() == [1.0, 0.0]


def test_a_confidence_equal_to_the_threshold_is_kept():
    assert hard_labels(torch.zeros(1, 2, 1, 1), threshold=0.5).sum().item() == 1.0


def test_the_temperature_of_hard_labels_lowers_their_confidence():
    logits = logits_of(0.92, 0.08)
    assert hard_labels(logits, temperature=1.0).sum().item() == 1.0
    assert hard_labels(logits, temperature=1.8).sum().item() == 0.0


def test_hard_labels_agree_with_a_loop_over_pixels():
    logits = random_maps(K, 3)
    for z, a in zip(loop_over_pixels(logits), loop_over_pixels(hard_labels(logits)), strict=True):
        p = softmax(z)
        assert a == [1.0 if v == max(p) and v >= 0.9 else 0.0 for v in p]


@pytest.mark.parametrize("encode", [soft_labels, hard_labels, binary_labels])
def test_encodings_are_labels_without_gradient(encode):
    assert not encode(random_maps(K, 0).requires_grad_()).requires_grad


def test_binary_labels_are_a_single_channel_of_ones():
    assert torch.equal(binary_labels(random_maps(K, 0)), torch.ones(2, 1, 3, 4))


# Equations 1, 4, 5 and 6: the discriminator and its adversary


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_an_undecided_discriminator_loses_log_of_two_k(domain):
    loss = encoding_cross_entropy(torch.zeros(1, 2 * K, 1, 1), pixels([0.0, 1.0, 0.0]), domain).mean()
    assert loss.item() == pytest.approx(math.log(2 * K))


def test_the_first_half_of_the_channels_is_the_source():
    logits = logits_of(0.5, 0.3, 0.15, 0.05)
    knowledge = pixels([0.2, 0.8])
    source = encoding_cross_entropy(logits, knowledge, SOURCE).mean().item()
    target = encoding_cross_entropy(logits, knowledge, TARGET).mean().item()
    assert source == pytest.approx(-0.2 * math.log(0.5) - 0.8 * math.log(0.3))
    assert target == pytest.approx(-0.2 * math.log(0.15) - 0.8 * math.log(0.05))


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
@pytest.mark.parametrize("encode", [soft_labels, hard_labels])
def test_the_encoding_loss_agrees_with_a_loop_over_pixels(encode, domain):
    logits, knowledge = random_maps(2 * K, 4), encode(random_maps(K, 5))
    expected = naive_encoding_loss(logits, knowledge, domain)
    assert encoding_cross_entropy(logits, knowledge, domain).total.item() == pytest.approx(expected, rel=1e-5)


def test_adversarial_loss_is_small_when_target_features_pass_for_the_source():
    knowledge = pixels([1.0, 0.0])
    fooled, caught = logits_of(0.97, 0.01, 0.01, 0.01), logits_of(0.01, 0.01, 0.97, 0.01)
    assert encoding_cross_entropy(fooled, knowledge, SOURCE).mean().item() == pytest.approx(-math.log(0.97), rel=1e-4)
    assert encoding_cross_entropy(caught, knowledge, SOURCE).mean().item() == pytest.approx(-math.log(0.01), rel=1e-5)


def test_with_one_class_the_losses_are_the_binary_cross_entropies_of_equations_1_and_4():
    z_s, z_t = random_maps(2, 10), random_maps(2, 11)
    ones = binary_labels(random_maps(K, 12))
    is_source, is_target = torch.zeros(2, 3, 4).long(), torch.ones(2, 3, 4).long()
    source, target = encoding_cross_entropy(z_s, ones, SOURCE), encoding_cross_entropy(z_t, ones, TARGET)
    assert torch.isclose(source.mean(), functional.cross_entropy(z_s, is_source))
    assert torch.isclose(target.mean(), functional.cross_entropy(z_t, is_target))
    assert torch.isclose(encoding_cross_entropy(z_t, ones, SOURCE).mean(), functional.cross_entropy(z_t, is_source))


def test_pixels_without_class_knowledge_cost_nothing_but_count():
    logits, knowledge = random_maps(2 * K, 13), torch.zeros(2, K, 3, 4)
    knowledge[0, 1, 0, 0] = 1.0
    term = encoding_cross_entropy(logits, knowledge, SOURCE)
    assert term.count.item() == 24
    assert term.total.item() == pytest.approx(-math.log(softmax(logits[0, :, 0, 0].tolist())[1]), rel=1e-5)


def test_kept_pixels_are_those_with_any_class_knowledge():
    knowledge = torch.zeros(2, K, 3, 4)
    knowledge[0, 1, 0, 0] = knowledge[1, 2, 2, 3] = 1.0
    assert kept_pixels(knowledge).item() == 2


def test_the_adversarial_gradient_is_the_mass_times_the_distribution_minus_the_encoding():
    logits = random_maps(2 * K, 14, n=1, h=1, w=1).requires_grad_()
    knowledge = pixels([0.9, 0.04, 0.01])
    encoding_cross_entropy(logits, knowledge, SOURCE).total.backward()
    encoding = torch.cat([knowledge, torch.zeros_like(knowledge)], dim=1)
    assert torch.allclose(logits.grad, 0.95 * torch.softmax(logits, dim=1) - encoding, atol=1e-6)


def test_a_mean_over_nothing_is_zero():
    assert Term(torch.tensor(0.0), torch.tensor(0)).mean().item() == 0.0


# Precision


def test_half_precision_is_raised_and_double_precision_is_kept():
    logits = random_maps(2 * K, 0)
    halves = [(half, torch.float32) for half in (torch.bfloat16, torch.float16)]
    for given, wanted in (*halves, (torch.float32,) * 2, (torch.float64,) * 2):
        z = logits.to(given)
        assert soft_labels(z).dtype == hard_labels(z).dtype == binary_labels(z).dtype == wanted
        assert segmentation_loss(z, torch.zeros(2, 3, 4)).total.dtype == wanted
        assert encoding_cross_entropy(z, soft_labels(z[:, :K]), SOURCE).total.dtype == wanted


# Input resolution, a strip of rows at a time


def test_a_sum_over_strips_is_taken_on_any_device():
    maps = torch.empty(2, 3, 4, 5, device="meta")
    total, _ = strips.sum_over_strips(lambda enlarged: Term(enlarged.sum(), enlarged[:, 0].sum()), [maps], (8, 10))
    assert total.device.type == "meta" and total.shape == ()


@pytest.mark.parametrize("size", [(23, 17), (3, 4), (2, 9), (1, 1)])
@pytest.mark.parametrize("elements", [1, 300, 2**24])
def test_a_sum_over_strips_is_the_sum_over_the_upsampled_maps(monkeypatch, size, elements):
    monkeypatch.setitem(strips.STRIP_ELEMENTS, "cpu", elements)
    first, second = random_maps(4, 0).double().requires_grad_(), random_maps(3, 1).double()

    def term(a, b):
        return Term((torch.logsumexp(a, dim=1) * b.sum(dim=1)).sum(), torch.tensor(a[:, 0].numel()))

    total, count = strips.sum_over_strips(term, (first, second), size)
    expected, pixels = term(upsample(first, size), upsample(second, size))
    assert total.item() == pytest.approx(expected.item(), rel=1e-12)
    assert count == pixels
    gradients = (torch.autograd.grad(value, first)[0] for value in (total, expected))
    assert torch.allclose(*gradients, rtol=1e-10, atol=1e-12)
