"""Joint global-local alignment: the mixture of windows, the local game, and what it leaves to the global method."""

import copy
import math

import numpy as np
import pytest
import torch
from one_step import optimisers_of

from fada_lib.methods.interface import Outputs
from fada_lib.methods.joint_global_local import exchange
from fada_lib.methods.options import method_options
from fada_lib.methods.registry import build_method
from fada_lib.models.local_discriminator import LocalDiscriminator
from fada_lib.parameters import UserError
from fada_lib.training.adapt import adapt_step, forward
from fada_lib.training.device import Compute

K, CHANNELS = 12, 96
CPU = Compute(torch.device("cpu"), None)
SMALL_D = {"output_discriminator_channels": [4, 8]}
LOCAL = ("local_adversarial", "local_discriminator_source", "local_discriminator_target")


def build(seed=3, **options):
    torch.manual_seed(seed)
    small = {"global_options": SMALL_D, "local_window": 2, "local_discriminator_channels": [8, 4]}
    return build_method("joint_global_local", {**small, **options}, CHANNELS, K)


def random_maps(seed, n=2, h=6, w=8):
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(n, K, h, w, generator=generator, dtype=torch.float64)


def outputs(seed, h=6, w=8):
    return Outputs(torch.zeros(2, CHANNELS, h, w), random_maps(seed, h=h, w=w), (4 * h, 4 * w))


def local_terms(method, source, target, progress=0.0):
    terms = {**method.generator_terms(source, target, progress), **method.discriminator_terms(source, target, progress)}
    return {name: terms[name].item() for name in LOCAL}


def mosaics_seen(method, source, target, progress=0.0):
    """What the local discriminator is given in the generator's step, (2N, K, H, W)."""
    seen = []
    hook = method.local_discriminator.register_forward_hook(lambda _, given, result: seen.append(given[0].detach()))
    method.generator_terms(source, target, progress)
    hook.remove()
    return seen[0]


def constant(value, h=6, w=8):
    """Outputs whose class of `value` is certain in every cell."""
    logits = torch.full((2, K, h, w), -1e9, dtype=torch.float64)
    logits[:, value] = 0.0
    return Outputs(torch.zeros(2, CHANNELS, h, w), logits, (4 * h, 4 * w))


# The mixture module


def test_exchange_swaps_where_it_is_told_and_twice_undoes_it():
    first, second, where = torch.tensor([1, 2, 3]), torch.tensor([7, 8, 9]), torch.tensor([True, False, True])
    mixed = exchange(first, second, where)
    assert [m.tolist() for m in mixed] == [[7, 2, 9], [1, 8, 3]]
    assert [m.tolist() for m in exchange(*mixed, where)] == [[1, 2, 3], [7, 8, 9]]


def test_mosaics_hold_whole_windows_of_either_domain_and_each_place_once_of_both():
    method = build(local_window=2).double()
    seen = mosaics_seen(method, constant(0), constant(1))
    of_source, of_target = seen[:, 0], seen[:, 1]
    assert torch.equal(of_source + of_target, torch.ones(4, 6, 8, dtype=torch.float64))
    assert torch.equal(of_source[:2], of_target[2:])
    windows = of_source.reshape(4, 3, 2, 4, 2)
    assert torch.equal(windows, windows[:, :, :1, :, :1].expand_as(windows))
    assert 0 < of_source[:2].mean() < 1


@pytest.mark.parametrize(("mixture", "low", "high"), [(0.0, 0.0, 0.0), (0.25, 0.2, 0.3), (0.5, 0.45, 0.55)])
def test_the_mixture_is_the_share_of_windows_exchanged(mixture, low, high):
    method = build(local_window=1, local_mixture=mixture).double()
    seen = mosaics_seen(method, constant(0, 40, 40), constant(1, 40, 40))
    assert low <= seen[:2, 1].mean().item() <= high


def test_without_mixture_the_discriminator_sees_the_two_domains_as_they_are():
    method, source, target = build(local_mixture=0.0).double(), outputs(1), outputs(2)
    seen = mosaics_seen(method, source, target)
    assert torch.allclose(seen, torch.softmax(torch.cat((source.logits, target.logits)), dim=1))


def test_maps_of_different_sizes_are_cropped_to_the_windows_that_fit_both():
    method = build(local_window=2).double()
    assert mosaics_seen(method, outputs(1, 7, 13), outputs(2, 9, 11)).shape == (4, K, 6, 10)


def test_the_windows_are_a_function_of_seed_and_progress_and_of_nothing_else():
    source, target = outputs(1, 9, 9), outputs(2, 9, 9)
    first = mosaics_seen(build().double(), source, target, 0.25)
    method = build().double()
    for progress in (0.0, 0.5, 0.25):
        torch.rand(3)
        again = mosaics_seen(method, source, target, progress)
        assert torch.equal(again, first) is (progress == 0.25)
    assert not torch.equal(mosaics_seen(build(seed=4).double(), source, target, 0.25), first)


def test_drawing_windows_leaves_the_random_state_of_the_run_alone():
    method, before = build(), (torch.get_rng_state(), np.random.get_state()[1].tolist())
    method.float().generator_terms(outputs_float(1), outputs_float(2), 0.3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]


def outputs_float(seed):
    made = outputs(seed)
    return made._replace(logits=made.logits.float())


# The local discriminator


def test_a_window_is_one_logit_and_depends_on_itself_and_its_neighbours_only():
    torch.manual_seed(0)
    discriminator = LocalDiscriminator(K, window=3, hidden=(8, 4))
    maps = torch.rand(1, K, 15, 15).requires_grad_()
    logits = discriminator(maps)
    assert logits.shape == (1, 1, 5, 5)
    logits[0, 0, 2, 2].backward()
    reached = maps.grad.abs().sum(dim=(0, 1)) > 0
    assert reached[3:12, 3:12].all()
    assert reached.sum() == 81


# The terms


def naive_local_terms(method, source, target, seen):
    """The three local losses by a loop over the windows of the mosaics, told apart by where their cells come from."""
    window, own = method.options.local_window, torch.softmax(target.logits, dim=1)
    logits = method.local_discriminator(seen)[:, 0]
    sums = dict.fromkeys(LOCAL, 0.0)
    windows = {"source": 0, "target": 0}
    for mosaic in range(len(seen)):
        for y in range(logits.shape[1]):
            for x in range(logits.shape[2]):
                cut = (slice(window * y, window * (y + 1)), slice(window * x, window * (x + 1)))
                image = mosaic % 2
                domain = "target" if torch.equal(seen[mosaic][:, *cut], own[image][:, *cut]) else "source"
                p_target = 1 / (1 + math.exp(-logits[mosaic, y, x].item()))
                windows[domain] += 1
                if domain == "source":
                    sums["local_discriminator_source"] -= math.log(1 - p_target)
                else:
                    sums["local_discriminator_target"] -= math.log(p_target)
                    sums["local_adversarial"] -= math.log(1 - p_target)
    o = method.options
    weights = (o.lambda_adv, o.discriminator_weight, o.discriminator_weight)
    assert windows["source"] == windows["target"]
    return {name: w * sums[name] / windows["target"] for name, w in zip(LOCAL, weights, strict=True)}


def test_the_local_game_is_that_of_a_loop_over_windows():
    method, source, target = build(lambda_adv=0.25).double(), outputs(1), outputs(2)
    expected = naive_local_terms(method, source, target, mosaics_seen(method, source, target))
    assert local_terms(method, source, target) == pytest.approx(expected, rel=1e-12)


def test_an_undecided_local_discriminator_loses_log_two():
    method = build(lambda_adv=0.25, discriminator_weight=0.5).double()
    for p in method.local_discriminator.parameters():
        torch.nn.init.zeros_(p)
    found = local_terms(method, outputs(1), outputs(2))
    assert found == pytest.approx(dict(zip(LOCAL, (w * math.log(2) for w in (0.25, 0.5, 0.5)), strict=True)))


@pytest.mark.parametrize("name", ["source_continued", "binary", "fada", "adaptsegnet", "minent", "advent", "clan"])
def test_any_other_method_keeps_its_own_terms_and_gains_the_local_ones(name):
    maps = [torch.randn(2, c, 8, 8, generator=torch.Generator().manual_seed(c)) for c in (CHANNELS, K)]
    source = Outputs(*maps, (32, 32), {"main": maps[1], "second": maps[1] + 1})
    target = source._replace(features=source.features.flip(0), logits=source.logits.flip(0))
    alone, joint = (
        (torch.manual_seed(3), build_method(*call, CHANNELS, K))[1]
        for call in ((name, {}), ("joint_global_local", {"global_method": name}))
    )
    assert joint.heads == alone.heads
    for kind in ("generator_terms", "discriminator_terms"):
        own, both = (getattr(m, kind)(source, target, 0.5) for m in (alone, joint))
        assert {key: both[key].item() for key in own} == {key: value.item() for key, value in own.items()}
        assert set(both) - set(own) == {key for key in LOCAL if ("discriminator" in key) == kind.startswith("d")}


def test_one_lambda_weighs_both_unless_the_global_options_say_otherwise():
    options = method_options("joint_global_local", {"lambda_adv": 0.5, "global_method": "binary"})
    assert options.global_options["lambda_adv"] == 0.5
    options = method_options("joint_global_local", {"lambda_adv": 0.5, "global_options": {"lambda_adv": 0.1}})
    assert (options.lambda_adv, options.global_options["lambda_adv"]) == (0.5, 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"global_method": "joint_global_local"}, "'global_method' is 'joint_global_local': choose one of source_cont"),
        ({"global_method": "fadda"}, "'global_method' is 'fadda': choose one of source_continued, binary"),
        ({"global_method": "fada", "global_options": {"lamda_adv": 1.0}}, "'global_options' of 'fada': .*'lambda_adv'"),
        ({"global_options": {"lambda_adv": -1.0}}, "'global_options' of 'adaptsegnet': 'lambda_adv' must be at least"),
        ({"local_window": 0}, "'local_window' must be at least 1, not 0"),
        ({"local_mixture": 0.6}, "'local_mixture' must be at least 0 and at most 0.5"),
        ({"local_discriminator_channels": [8]}, "'local_discriminator_channels' must have 2 elements"),
    ],
)
def test_nonsense_is_refused_in_one_line(options, message):
    with pytest.raises(UserError, match=message) as caught:
        build(**options)
    assert "\n" not in str(caught.value)


def test_a_window_larger_than_the_map_is_refused_by_name():
    with pytest.raises(UserError, match=r"local_window is 7: the output maps have only 8x6 cells"):
        build(local_window=7).double().generator_terms(outputs(1), outputs(2), 0.0)


# Iterations


def test_the_local_loss_moves_f_and_c_and_asks_nothing_of_the_source(make_segmenter, batch):
    segmenter, method = make_segmenter(), build(global_method="source_continued", global_options={})
    source, target = (forward(segmenter, images, CPU) for images in (batch[0][0], batch[1]))
    (term,) = method.generator_terms(source, target, 0.0).values()
    seen = (source.logits, target.logits)
    of_source, of_target = torch.autograd.grad(term, seen, allow_unused=True, retain_graph=True)
    assert of_source is None
    assert of_target.any()
    term.backward()
    for part in (segmenter.feature_extractor, segmenter.classifier):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())


def test_both_discriminators_learn_and_a_run_stopped_between_iterations_ends_at_the_same_digits(make_segmenter, batch):
    on_binary = {"lambda_adv": 0.5, "global_method": "binary", "global_options": {}}
    start, ends = copy.deepcopy(build(**on_binary).state_dict()), []
    for stopped in (False, True):
        segmenter, method = make_segmenter(), build(**on_binary)
        optimisers = optimisers_of(segmenter, method)
        for iteration in range(3):
            if stopped and iteration == 2:
                saved = [copy.deepcopy(m.state_dict()) for m in (segmenter, method, *optimisers.values())]
                segmenter, method = make_segmenter(seed=9), build(**on_binary)
                optimisers = optimisers_of(segmenter, method)
                for module, state in zip((segmenter, method, *optimisers.values()), saved, strict=True):
                    module.load_state_dict(state)
            adapt_step(segmenter, method, optimisers, *batch, CPU, progress=iteration / 3)
        ends.append({**segmenter.state_dict(), **method.state_dict()})
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert all(not torch.equal(start[name], method.state_dict()[name]) for name in start)
