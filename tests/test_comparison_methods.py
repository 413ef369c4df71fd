"""AdaptSegNet, AdvEnt and MinEnt: their losses by hand and against plain loops, and what one iteration does to whom."""

import math

import pytest
import torch
from one_step import copies, equal, optimisers_of
from torch.nn import functional

from fada_lib import files
from fada_lib.losses import strips
from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.output_space import domain_cross_entropy, entropy, self_information
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import loss_weights, method_options
from fada_lib.methods.registry import build_method
from fada_lib.models.output_discriminator import OutputDiscriminator
from fada_lib.parameters import UserError
from fada_lib.plots.curves import training_curves
from fada_lib.plots.style import method_colour, method_label, method_order
from fada_lib.study.expand import expand
from fada_lib.training.adapt import adapt_step, forward
from fada_lib.training.device import Compute

K = 12
CPU = Compute(torch.device("cpu"), None)
ALL = ("adaptsegnet", "minent", "advent")
ADVERSARIAL = ("adaptsegnet", "advent")
ROWS = ("adaptsegnet", "minent", "advent", "clan")


def build(name, **options):
    torch.manual_seed(3)
    small = {"output_discriminator_channels": [4, 8]} if name in ADVERSARIAL else {}
    return build_method(name, {**small, **options}, 96, K)


def random_maps(channels, seed, n=2, h=3, w=4):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(n, channels, h, w, generator=generator, dtype=torch.float64)


def pixel(*probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()[None, :, None, None]


def outputs(seed, h=3, w=4):
    return Outputs(torch.zeros(2, 96, h, w), random_maps(K, seed, h=h, w=w), (4 * h, 4 * w))


def two_outputs(seed):
    """Outputs whose prediction and whose auxiliary classifier say different things."""
    seen, other = outputs(seed), outputs(seed + 10)
    return seen._replace(classifiers={"main": seen.logits, "auxiliary": other.logits}), other


def at_input_size(seen):
    """Probabilities at the input's size as nested lists, by PyTorch's own resizing and a softmax in Python."""
    logits = functional.interpolate(seen.logits, size=seen.size, mode="bilinear", align_corners=True)
    rows = logits.permute(0, 2, 3, 1).reshape(-1, K).tolist()
    powers = [[math.exp(v - max(row)) for v in row] for row in rows]
    return [[p / sum(row) for p in row] for row in powers]


def naive_information(rows):
    return [[-p * math.log2(p) / math.log2(len(row)) for p in row] for row in rows]


def as_maps(rows, size, n=2):
    return torch.tensor(rows, dtype=torch.float64).reshape(n, *size, K).permute(0, 3, 1, 2)


def naive_domain_loss(logits, domain):
    """The mean of -log sigmoid for the target and -log(1 - sigmoid) for the source."""
    p_target = [1 / (1 + math.exp(-z)) for z in logits.flatten().tolist()]
    losses = [-math.log(p if domain == TARGET else 1 - p) for p in p_target]
    return sum(losses) / len(losses)


# The losses


@pytest.mark.parametrize(
    ("logit", "domain", "expected"),
    [
        (0.0, SOURCE, math.log(2)),
        (0.0, TARGET, math.log(2)),
        (-math.log(3), SOURCE, math.log(4 / 3)),  # P(source) = 3/4
        (-math.log(3), TARGET, math.log(4)),
        (-100.0, SOURCE, 0.0),
        (-100.0, TARGET, 100.0),
    ],
)
def test_a_negative_logit_means_source(logit, domain, expected):
    term = domain_cross_entropy(torch.full((1, 1, 2, 3), logit, dtype=torch.float64), domain)
    assert term.mean().item() == pytest.approx(expected, rel=1e-12, abs=1e-40)
    assert (term.total.item(), term.count.item()) == (pytest.approx(6 * expected, rel=1e-12, abs=1e-40), 6)


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_the_domain_loss_is_that_of_plain_loops(domain):
    logits = random_maps(1, seed=5)
    expected = naive_domain_loss(logits, domain)
    assert domain_cross_entropy(logits, domain).mean().item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("probabilities", "information"),
    [
        ((0.5, 0.25, 0.125, 0.125), (0.25, 0.25, 0.1875, 0.1875)),
        ((0.25, 0.25, 0.25, 0.25), (0.25, 0.25, 0.25, 0.25)),
        ((1.0, 1e-300, 1e-300, 1e-300), (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_self_information_and_entropy_of_one_pixel_by_hand(probabilities, information):
    logits = pixel(*probabilities)
    assert self_information(logits).flatten().tolist() == pytest.approx(information, abs=1e-12)
    assert entropy(logits).mean().item() == pytest.approx(sum(information), abs=1e-12)


def test_self_information_and_entropy_are_those_of_plain_loops():
    logits = random_maps(K, seed=6)
    seen = Outputs(None, logits, tuple(logits.shape[-2:]))
    information = naive_information(at_input_size(seen))
    expected = as_maps(information, seen.size)
    assert torch.allclose(self_information(logits), expected, rtol=1e-12, atol=1e-15)
    mean = sum(map(sum, information)) / len(information)
    assert entropy(logits).mean().item() == pytest.approx(mean, rel=1e-12)


def test_the_gradients_of_the_losses_are_those_of_finite_differences():
    maps, logits = random_maps(3, 7, n=1, h=2, w=2).requires_grad_(), random_maps(1, 8, n=1).requires_grad_()
    assert torch.autograd.gradcheck(self_information, maps)
    assert torch.autograd.gradcheck(lambda x: entropy(x).mean(), maps)
    assert torch.autograd.gradcheck(lambda x: domain_cross_entropy(x, SOURCE).mean(), logits)


def test_a_sure_prediction_has_a_finite_gradient_even_in_half_precision():
    logits = torch.tensor([500.0, -500.0, 0.0], dtype=torch.bfloat16)[None, :, None, None].requires_grad_()
    mean = entropy(logits).mean()
    mean.backward()
    assert mean.dtype == torch.float32
    assert torch.isfinite(logits.grad).all()


# The discriminator


@pytest.mark.parametrize(("size", "positions"), [((96, 192), (3, 6)), ((32, 32), (1, 1)), ((100, 70), (3, 2))])
def test_five_layers_of_stride_two_leave_one_logit_in_32_pixels(size, positions):
    assert OutputDiscriminator(K)(torch.zeros(1, K, *size)).shape == (1, 1, *positions)


def test_by_default_the_layers_are_those_of_the_papers():
    layers = build_method("advent", {}, 96, 19).discriminator.layers
    convolutions, others = layers[::2], layers[1::2]
    assert [c.in_channels for c in convolutions] == [19, 64, 128, 256, 512]
    assert convolutions[-1].out_channels == 1
    assert {(c.kernel_size, c.stride, c.padding) for c in convolutions} == {((4, 4), (2, 2), (1, 1))}
    assert [other.negative_slope for other in others] == [0.2] * 4


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_an_image_that_would_vanish_is_refused_in_one_line_and_fewer_channels_take_it(name):
    tiny = Outputs(torch.zeros(1, 96, 6, 12), torch.zeros(1, K, 6, 12), (24, 48))
    with pytest.raises(UserError, match=r"output_discriminator_channels: images of 48x24 pixels.* 32 pixels") as caught:
        build_method(name, {}, 96, K).generator_terms(None, tiny, 0.0)
    assert "\n" not in str(caught.value)
    assert build(name).generator_terms(None, tiny, 0.0)["adversarial"] > 0


# The terms


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_both_games_are_those_of_plain_loops_on_maps_at_the_size_of_the_input(name):
    method = build(name, lambda_adv=0.25).double()
    source, target = outputs(1), outputs(2)
    seen = {}
    for domain, given in (("source", source), ("target", target)):
        rows = at_input_size(given)
        seen[domain] = method.discriminator(as_maps(naive_information(rows) if name == "advent" else rows, given.size))
    terms = {**method.generator_terms(source, target, 0.0), **method.discriminator_terms(source, target, 0.0)}
    expected = {
        "adversarial": 0.25 * naive_domain_loss(seen["target"], SOURCE),
        "discriminator_source": 0.5 * naive_domain_loss(seen["source"], SOURCE),
        "discriminator_target": 0.5 * naive_domain_loss(seen["target"], TARGET),
    }
    assert {key: term.item() for key, term in terms.items()} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("strip", [1, 2**24], ids=["a row at a time", "all rows at once"])
def test_minent_is_the_mean_entropy_over_the_pixels_of_the_input(monkeypatch, strip):
    monkeypatch.setitem(strips.STRIP_ELEMENTS, "cpu", strip)
    target = outputs(2)
    information = naive_information(at_input_size(target))
    (term,) = build("minent", lambda_adv=0.25).generator_terms(None, target, 0.0).values()
    assert term.item() == pytest.approx(0.25 * sum(map(sum, information)) / len(information), rel=1e-12)


def test_minent_has_nothing_to_train_of_its_own():
    assert list(build("minent").parameters()) == []
    assert build("minent").discriminator_terms(outputs(1), outputs(2), 0.0) == {}


# Two levels


@pytest.mark.parametrize("name", ALL)
def test_two_levels_are_two_methods_of_one_level_each_with_its_own_logits_lambda_and_discriminator(name):
    method = build(name, levels=2, lambda_adv=0.25, auxiliary_lambda_adv=0.125).double()
    (source, of_source), (target, of_target) = two_outputs(1), two_outputs(2)
    found = method.generator_terms(source, target, 0.5) | method.discriminator_terms(source, target, 0.5)
    expected = {}
    for part, weight, s, t, suffix in [
        (method.main, 0.25, source, target, ""),
        (method.auxiliary, 0.125, of_source, of_target, "_auxiliary"),
    ]:
        single = build(name, lambda_adv=weight).double()
        single.load_state_dict(part.state_dict())
        terms = single.generator_terms(s, t, 0.5) | single.discriminator_terms(s, t, 0.5)
        expected |= {f"{key}{suffix}": term.item() for key, term in terms.items()}
    assert {key: term.item() for key, term in found.items()} == pytest.approx(expected, rel=1e-12)
    weights = {key: weight for key, (weight, _) in method.supervised(source).items()}
    assert weights == {"segmentation": 1.0, "segmentation_auxiliary": 0.1}
    assert method.supervised(source)["segmentation_auxiliary"][1] is source.classifiers["auxiliary"]


def test_by_default_there_is_one_level_and_the_second_has_the_papers_weights():
    assert not build("adaptsegnet").heads
    assert build("adaptsegnet", levels=2).auxiliary.options.lambda_adv == 0.0002
    main, auxiliary = (part.discriminator for part in build("advent", levels=2).children())
    assert not torch.equal(main.layers[0].weight, auxiliary.layers[0].weight)


@pytest.mark.parametrize("name", ALL)
def test_the_auxiliary_game_moves_its_classifier_and_f_below_it_and_nothing_above(make_segmenter, batch, name):
    segmenter, method = make_segmenter(), build(name, levels=2, lambda_adv=0.0, auxiliary_lambda_adv=0.5)
    segmenter.add_heads(method.heads)
    target = forward(segmenter, batch[1], CPU)
    sum(method.generator_terms(target, target, 0.0).values()).backward()
    above_and_below = {name: segmenter.feature_extractor.backbone.get_submodule(name) for name in ("layer2", "layer3")}
    parts = {"auxiliary": segmenter.heads["auxiliary"], "classifier": segmenter.classifier, **above_and_below}
    moved = {name: any(p.grad is not None and p.grad.any() for p in m.parameters()) for name, m in parts.items()}
    assert moved == {"auxiliary": True, "layer2": True, "layer3": False, "classifier": False}


def test_an_iteration_at_two_levels_names_every_loss(make_segmenter, batch):
    segmenter, method = make_segmenter(), build("advent", levels=2)
    segmenter.add_heads(method.heads)
    before = copies(method)
    scalars = adapt_step(segmenter, method, optimisers_of(segmenter, method), *batch, CPU)
    games = ["discriminator_source", "discriminator_target"]
    adversarial = ["adversarial", "adversarial_auxiliary"]
    segmentation = ["segmentation", "segmentation_auxiliary"]
    assert list(scalars) == [*segmentation, *adversarial, *games, *(f"{game}_auxiliary" for game in games)]
    assert not any(torch.equal(before[name], tensor) for name, tensor in method.state_dict().items())


@pytest.mark.parametrize("name", ALL)
def test_the_loss_on_the_target_moves_f_and_unlike_fadas_also_the_classifier(make_segmenter, batch, name):
    segmenter, method = make_segmenter(), build(name)
    target = forward(segmenter, batch[1], CPU)
    (term,) = method.generator_terms(None, target, 0.0).values()
    term.backward()
    for part in (segmenter.feature_extractor, segmenter.classifier):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())


# One iteration


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_each_of_the_two_steps_moves_its_own_network_only(make_segmenter, batch, name):
    segmenter, method = make_segmenter(), build(name, lambda_adv=0.5)
    optimisers = optimisers_of(segmenter, method)
    before, between = (copies(segmenter), copies(method)), []
    optimisers["segmenter"].register_step_post_hook(lambda *_: between.extend((copies(segmenter), copies(method))))
    scalars = adapt_step(segmenter, method, optimisers, *batch, CPU)
    assert list(scalars) == ["segmentation", "adversarial", "discriminator_source", "discriminator_target"]
    assert not equal(before[0], between[0])
    assert equal(before[1], between[1])
    assert equal(between[0], copies(segmenter))
    assert not equal(between[1], copies(method))


@pytest.mark.parametrize("name", ALL)
def test_two_runs_of_the_same_iterations_end_at_the_same_digits(make_segmenter, batch, name):
    ends = []
    for _ in range(2):
        segmenter, method = make_segmenter(), build(name, lambda_adv=0.5)
        optimisers = optimisers_of(segmenter, method)
        for _ in range(2):
            scalars = adapt_step(segmenter, method, optimisers, *batch, CPU)
        ends.append({**copies(segmenter), **copies(method), **scalars})
    assert equal(*ends)
    assert all(torch.isfinite(value).all() for value in ends[0].values())


def test_iterations_of_minent_make_predictions_on_the_target_surer(make_segmenter, batch):
    segmenter, method = make_segmenter(), build("minent", lambda_adv=1.0)
    optimisers = optimisers_of(segmenter, method)
    course = [adapt_step(segmenter, method, optimisers, *batch, CPU)["entropy"].item() for _ in range(4)]
    assert 0 < course[-1] < course[0] <= 1


# Options, and their way through a study


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("adaptsegnt", {}, "unknown method 'adaptsegnt': choose one of .*adaptsegnet, minent, advent"),
        ("adaptsegnet", {"lamda_adv": 0.1}, "unknown parameter 'lamda_adv'; did you mean 'lambda_adv'"),
        ("advent", {"lambda_adv": -1}, "'lambda_adv' must be at least 0, not -1"),
        ("minent", {"lambda_adv": "1e-3"}, "'lambda_adv' must be of type float.* write 1.0e-4"),
        ("minent", {"discriminator_weight": 0.5}, "unknown parameter 'discriminator_weight'"),
        ("minent", {"levels": 3}, "'levels' must be at least 1 and at most 2, not 3"),
        ("advent", {"auxiliary_lambda_adv": -1.0}, "'auxiliary_lambda_adv' must be at least 0"),
        ("advent", {"output_discriminator_channels": []}, "'output_discriminator_channels' must not be empty"),
        ("advent", {"output_discriminator_channels": [64, 0]}, "'output_discriminator_channels' must be at least 1"),
        ("adaptsegnet", {"discriminator_channels": [64, 32]}, "did you mean 'output_discriminator_channels'"),
    ],
)
def test_wrong_options_are_refused_in_one_line(name, options, message):
    with pytest.raises(UserError, match=message) as caught:
        build_method(name, options, 96, K)
    assert "\n" not in str(caught.value)


def test_the_main_table_takes_over_every_run_of_the_default_study_and_teaches_a_student_by_every_method(tmp_path):
    default, whole = (
        {run.id: run for run in expand(files.PROJECT_ROOT / "params" / f"{name}.yaml", tmp_path, [1]).runs}
        for name in ("default", "comparison_sd")
    )
    assert {key for key in default if not key.startswith("05")} < whole.keys()
    adapted = [run.parameters["name"] for run in whole.values() if run.stage == "adapt"]
    ours = ["source_continued", "binary", "fada_hard", "fada_soft", "fada_soft_temperature_1.0"]
    controls = ["adabn", "source_continued_recoloured"]
    assert adapted == [*ours, *controls, "adaptsegnet", "minent", "advent", "clan", "joint_global_local"]
    assert sum(run.stage == "distill" for run in whole.values()) == 1 + len(adapted), "self-training is the one more"


def test_each_has_a_name_and_a_colour_of_its_own_and_its_place_before_the_binary_discriminator():
    known = ("source_only", "source_continued", *ROWS, "binary", "fada_hard", "fada_soft", "oracle")
    assert [method_label(name) for name in ROWS] == ["AdaptSegNet", "MinEnt", "AdvEnt", "CLAN"]
    assert len({method_colour(name) for name in known}) == len(known)
    assert sorted(reversed(known), key=method_order) == list(known)


TWO_GAMES = {"adversarial": 0.02, "adversarial_auxiliary": 0.003, "segmentation_auxiliary": 0.1}


@pytest.mark.parametrize(
    ("method", "options", "weights"),
    [
        ("source_continued", {}, {}),
        ("binary", {"lambda_adv": 0.02}, {"adversarial": 0.02}),
        ("minent", {"lambda_adv": 0.02}, {"entropy": 0.02}),
        ("adaptsegnet", {"levels": 2, "lambda_adv": 0.02, "auxiliary_lambda_adv": 0.003}, TWO_GAMES),
        ("clan", {"lambda_adv": 0.02}, {"adversarial": 0.02, "weight_discrepancy": 0.01}),
        (
            "joint_global_local",
            {"global_method": "minent", "global_options": {"lambda_adv": 0.5}, "lambda_adv": 0.02},
            {"entropy": 0.5, "local_adversarial": 0.02},
        ),
    ],
)
def test_curves_show_every_loss_without_its_weight(method, options, weights):
    known = loss_weights(method_options(method, options))
    losses = {"segmentation": 0.7, **{loss: 0.5 * weight for loss, weight in weights.items()}}
    history = [{"iteration": i, "learning_rate": 0.1, **losses} for i in (1, 2)]
    drawn = {line.get_label(): line.get_ydata().tolist() for line in training_curves(history, known).axes[0].lines}
    assert drawn.pop("segmentation") == [0.7, 0.7]
    assert len(drawn) == len(weights) and all(values == pytest.approx([0.5, 0.5]) for values in drawn.values())
