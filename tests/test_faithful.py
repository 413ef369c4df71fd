"""Faithful to the last digit: one to three iterations of every stage in float64 against the release's arithmetic.

`release_reference.py` holds that arithmetic, written from its description. Networks are whole; images are small and of
odd size.
"""

import copy

import pytest
import release_reference as reference
import torch

from fada_lib import api

CLOSE = 1e-8
RATE, RATE_D, HORIZON = 5e-4, 1e-4, 31_250
RATE_CONFIDENT = 1e-6
"""Of confident networks, whose loss is so steep that a larger rate would throw them far away at once."""


def randomised(network, seed):
    """In float64 and without the ones and zeros that batch norm starts with, which would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    network.double()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator, dtype=torch.float64))
        elif name.endswith("running_mean"):
            tensor.copy_(0.1 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64))
        elif ("bn3" in name or "downsample.1" in name) and name.endswith("weight"):
            tensor.fill_(0.1)
        elif tensor.ndim == 1:
            tensor.add_(0.02 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64))
    return network


def networks(backbone, norm, num_classes):
    """Live batch norm is chaotic where the loss is steep, so that rounding grows; only confident networks are."""
    torch.manual_seed(0)
    segmenter = randomised(api.build_segmenter(backbone, num_classes, norm), 1)
    if norm == "frozen":
        with torch.no_grad():  # logits that vary from pixel to pixel, so that some are clipped and others are not
            logits = segmenter(batch(3, num_classes)[0])
            mean = logits.mean((0, 2, 3))
            segmenter.classifier.conv2d_list[0].bias -= mean
            factor = 16 / (logits - mean.view(1, -1, 1, 1)).std()
            for p in segmenter.classifier.parameters():
                p.mul_(factor)
    return segmenter.train(), randomised(api.build_discriminator(backbone, num_classes), 2)


def leaves(state, trained):
    """A part's tensors under the release's names, those of `trained` with a gradient."""
    return {name: tensor.clone().requires_grad_(name in trained) for name, tensor in state.items()}


def as_reference(segmenter, discriminator):
    """F, C and D as dictionaries for the reference, from what `release_state` writes."""
    state = api.release_state(segmenter, discriminator)
    parts = ("feature_extractor", "classifier", "model_D")
    modules = (segmenter.feature_extractor, segmenter.classifier, discriminator)
    return tuple(leaves(state[p], dict(m.named_parameters())) for p, m in zip(parts, modules, strict=True))


def batch(seed, num_classes, n=2, height=17, width=25):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, height, width, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, num_classes, (n, height, width), generator=generator)
    labels[:, :5, :7] = 255
    return images, labels


def assert_same(module, start, expected, what):
    """What is trained equals the reference's, and has moved; running statistics are the module's own affair."""
    names = [name for name, tensor in expected.items() if tensor.requires_grad]
    found = module.state_dict()
    assert max(float((found[name] - start[name].detach()).abs().max()) for name in names) > 100 * CLOSE, what
    worst = max(float((found[name] - expected[name].detach()).abs().max()) for name in names)
    assert worst < CLOSE, f"{what}: off by {worst}"


def assert_same_gradients(module, expected):
    for name, p in module.named_parameters():
        scale = max(1.0, float(expected[name].abs().max()))
        assert float((p.grad - expected[name]).abs().max()) < CLOSE * scale, name


def check_source(backbone, norm, num_classes, iterations, size=(2, 17, 25)):
    """Stage 1, and stage 3, whose iteration is the same on pseudo labels."""
    segmenter, discriminator = networks(backbone, norm, num_classes)
    start = as_reference(segmenter, discriminator)
    f, c, _ = as_reference(segmenter, discriminator)
    ours, theirs = api.segmenter_optimiser(segmenter), reference.Sgd((f, c))
    base = RATE_CONFIDENT if norm == "frozen" else RATE
    for iteration in range(iterations):
        images, labels = batch(10 + iteration, num_classes, *size)
        rate = base * api.poly_factor(iteration, HORIZON)
        api.set_learning_rate(ours, rate)
        found = api.source_step(segmenter, ours, images, labels)
        rate = reference.poly(base, iteration, HORIZON)
        expected = reference.source_iteration(f, c, theirs, images, labels, rate, backbone, norm == "batch")
        assert found["segmentation"].item() == pytest.approx(expected["segmentation"], abs=CLOSE)
        gradients = {name: w.grad for part in (f, c) for name, w in part.items()}
        assert_same_gradients(segmenter.feature_extractor, gradients)
        assert_same_gradients(segmenter.classifier, gradients)
    assert_same(segmenter.feature_extractor, start[0], f, "F")
    assert_same(segmenter.classifier, start[1], c, "C")


def check_adversarial(backbone, norm, num_classes, iterations, size=(1, 17, 25)):
    n, height, width = size
    segmenter, discriminator = networks(backbone, norm, num_classes)
    start = as_reference(segmenter, discriminator)
    f, c, d = as_reference(segmenter, discriminator)
    optimisers = {
        "segmenter": api.segmenter_optimiser(segmenter),
        "discriminator": api.discriminator_optimiser(discriminator),
    }
    theirs = (reference.Sgd((f, c)), reference.Adam(d))
    bases = (RATE_CONFIDENT if norm == "frozen" else RATE, RATE_D)
    for iteration in range(iterations):
        source, labels = batch(20 + iteration, num_classes, n, height, width)
        target, _ = batch(30 + iteration, num_classes, n, height + 6, width - 4)
        for name, base in zip(("segmenter", "discriminator"), bases, strict=True):
            api.set_learning_rate(optimisers[name], base * api.poly_factor(iteration, HORIZON))
        found = api.adversarial_step(segmenter, discriminator, optimisers, source, labels, target)
        rates = [reference.poly(base, iteration, HORIZON) for base in bases]
        expected, gradients = reference.adversarial_iteration(
            f, c, d, theirs, source, labels, target, *rates, backbone, norm == "batch"
        )
        clipped = expected.pop("clipped")
        assert iteration > 0 or norm == "batch" or 0 < clipped < 1, "this test clips nothing, or everything"
        for name, value in expected.items():
            assert found[name].item() == pytest.approx(value, abs=CLOSE), name
        assert_same_gradients(segmenter.feature_extractor, gradients)
        assert_same_gradients(segmenter.classifier, gradients)
        assert_same_gradients(discriminator, {name: w.grad for name, w in d.items()})
    assert_same(segmenter.feature_extractor, start[0], f, "F")
    assert_same(segmenter.classifier, start[1], c, "C")
    assert_same(discriminator, start[2], d, "D")


@pytest.mark.parametrize(("backbone", "num_classes", "iterations"), [("resnet50", 19, 2), ("vgg16", 16, 1)])
def test_the_source_stage_is_the_releases(backbone, num_classes, iterations):
    check_source(backbone, "frozen", num_classes, iterations, size=(1, 17, 25))


def test_the_students_stage_with_live_batch_norm_is_the_releases():
    check_source("resnet50", "batch", 19, iterations=1)


@pytest.mark.parametrize(("norm", "size"), [("frozen", (1, 17, 25)), ("batch", (2, 17, 25))])
def test_the_adversarial_stage_is_the_releases(norm, size):
    check_adversarial("resnet50", norm, 16, iterations=1, size=size)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["frozen", "batch"])
def test_three_iterations_of_a_resnet_101_are_the_releases(norm):
    check_source("resnet101", norm, 19, iterations=3, size=(2, 33, 49))


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "size"), [("vgg16", (1, 17, 25)), ("resnet101", (1, 65, 97))])
def test_three_adversarial_iterations_are_the_releases(backbone, size):
    check_adversarial(backbone, "frozen", 19, iterations=3, size=size)


def test_soft_labels_are_in_single_precision_as_the_releases(make_segmenter):
    """Where every pixel is clipped the labels of a whole class are rounded alike, and the losses show it."""
    segmenter, discriminator = make_segmenter().double(), api.build_discriminator("resnet_small", 12).double()
    with torch.no_grad():
        segmenter.classifier.conv2d_list[0].bias[3] += 1000.0
    optimisers = {
        "segmenter": api.segmenter_optimiser(segmenter),
        "discriminator": api.discriminator_optimiser(discriminator),
    }
    images, labels = batch(0, 12)
    with torch.no_grad():
        features = segmenter.feature_extractor(images)
        log_p = reference.enlarge(discriminator(features), labels.shape[-2:]).log_softmax(dim=1)
    found = api.adversarial_step(segmenter, discriminator, optimisers, images, labels, images)
    rounded = torch.tensor(0.9, dtype=torch.float32).double().item()
    assert found["discriminator_source"].item() == pytest.approx(-0.5 * rounded * log_p[:, 3].mean().item(), rel=1e-12)


# Details that a whole iteration would hide


def test_a_step_on_bytes_is_the_step_on_the_images_normalised_before(make_segmenter):
    first = make_segmenter()
    second = copy.deepcopy(first)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 3, 17, 25), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 12, (2, 17, 25), generator=generator)
    losses = [
        api.source_step(segmenter, api.segmenter_optimiser(segmenter), given, labels)["segmentation"]
        for segmenter, given in ((first, images), (second, api.normalise(images)))
    ]
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_the_discriminators_adam_has_the_papers_betas():
    assert api.discriminator_optimiser(torch.nn.Linear(1, 1)).defaults["betas"] == (0.9, 0.99)


def test_bytes_reach_a_network_in_float64(make_segmenter):
    segmenter = make_segmenter().double()
    images = torch.zeros(1, 3, 17, 25, dtype=torch.uint8)
    assert api.network_input(segmenter, images).dtype == torch.float64
    assert api.predict(segmenter, images, (17, 25)).dtype == torch.float64


def test_the_adversarial_loss_leaves_the_classifiers_gradient_at_exactly_zero(make_segmenter):
    segmenter, discriminator = make_segmenter().double(), api.build_discriminator("resnet_small", 12).double()
    optimisers = {
        "segmenter": api.segmenter_optimiser(segmenter),
        "discriminator": api.discriminator_optimiser(discriminator),
    }
    images, labels = batch(0, 12)
    api.adversarial_step(segmenter, discriminator, optimisers, images, torch.full_like(labels, 255), images)
    assert all(p.grad.abs().max() == 0 for p in segmenter.classifier.parameters())
    assert any(p.grad.abs().max() > 0 for p in segmenter.feature_extractor.parameters())


def test_the_paper_doubles_the_terms_of_the_discriminator(make_segmenter):
    losses = []
    for options in (api.RELEASE, api.PAPER):
        torch.manual_seed(0)
        segmenter, discriminator = make_segmenter().double(), api.build_discriminator("resnet_small", 12).double()
        optimisers = {
            "segmenter": api.segmenter_optimiser(segmenter),
            "discriminator": api.discriminator_optimiser(discriminator),
        }
        images, labels = batch(0, 12)
        losses.append(
            api.adversarial_step(segmenter, discriminator, optimisers, images, labels, images, options=options)
        )
    assert losses[1]["discriminator_source"].item() == pytest.approx(2 * losses[0]["discriminator_source"].item())
    assert losses[1]["adversarial"] == losses[0]["adversarial"]


@pytest.mark.parametrize("backbone", ["resnet50", "vgg16"])
def test_multi_scale_prediction_is_the_releases(backbone):
    segmenter, discriminator = networks(backbone, "frozen", 19)
    f, c, _ = as_reference(segmenter, discriminator)
    images, _ = batch(3, 19, n=1)
    total = 0
    with torch.no_grad():
        for scale in (0.7, 1.0, 1.3):
            scaled = reference.enlarge(images, (int(17 * scale), int(25 * scale)))
            for mirrored in (False, True):
                given = torch.flip(scaled, [3]) if mirrored else scaled
                logits = reference.classify(reference.features_of(given, f, backbone, False), c)
                p = torch.softmax(reference.enlarge(logits, (35, 51)), dim=1)
                total = total + (torch.flip(p, [3]) if mirrored else p)
    found = api.predict(segmenter, images, (35, 51), (0.7, 1.0, 1.3), flip=True)
    assert torch.allclose(found, total / 6, rtol=0, atol=CLOSE)
