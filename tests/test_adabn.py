"""AdaBN: exactly the target's batch statistics, nothing else changed, the same after an interruption."""

import copy

import pytest
import torch
from torch import nn

from fada_lib.methods.registry import build_method
from fada_lib.models.batch_norm import measure_statistics, set_batch_norm
from fada_lib.models.segmenter import build_segmenter, network_input
from fada_lib.parameters import AdaptParameters, PretrainParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training import adapt as adapt_module
from fada_lib.training import images as images_module
from fada_lib.training.adapt import adapt
from fada_lib.training.checkpoint import load_checkpoint
from fada_lib.training.pretrain import pretrain

SMALL = {"iterations": 2, "batch_size": 2, "log_every": 1, "checkpoint_every": 1, "device": "cpu"}


@pytest.fixture
def segmenter():
    torch.manual_seed(0)
    return build_segmenter("resnet_small", 12, "batch").train()


@pytest.fixture
def method():
    return build_method("adabn", {}, 96, 12)


def batches(*sizes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 256, (n, 3, 16, 24), generator=generator, dtype=torch.uint8) for n in sizes]


def copied(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def layer_inputs(segmenter, images):
    """What each batch-norm layer receives when all of them normalise by the batch, in a copy of the network."""
    network, seen = copy.deepcopy(segmenter).train(), []
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].detach().double()))
    network(network_input(network, images))
    return seen


def test_statistics_are_the_means_over_the_batches_weighted_by_their_pixels(segmenter, method):
    target = batches(3, 3, 1)
    expected = None
    for images in target:
        seen = layer_inputs(segmenter, images)
        rows = [len(images) / 7 * torch.stack([x.mean((0, 2, 3)), x.var((0, 2, 3))]) for x in seen]
        expected = rows if expected is None else [a + b for a, b in zip(expected, rows, strict=True)]
    method.finish(segmenter, iter(target))
    layers = [layer for layer in segmenter.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(layers) == len(expected) > 5
    for layer, (mean, variance) in zip(layers, expected, strict=True):
        assert torch.allclose(layer.running_mean.double(), mean, rtol=1e-4, atol=1e-5)
        assert torch.allclose(layer.running_var.double(), variance, rtol=1e-4, atol=1e-6)


def test_a_batch_of_larger_images_weighs_by_its_pixels(segmenter, method):
    small, large = batches(1)[0], batches(1, seed=1)[0].repeat(1, 1, 2, 2)
    of_small, of_large = (layer_inputs(segmenter, images)[0].mean((0, 2, 3)) for images in (small, large))
    method.finish(segmenter, [small, large])
    first = next(layer for layer in segmenter.modules() if isinstance(layer, nn.BatchNorm2d))
    assert torch.allclose(first.running_mean.double(), (of_small + 4 * of_large) / 5, rtol=1e-4, atol=1e-6)


def test_with_one_batch_testing_normalises_as_training_does(segmenter, method):
    (images,) = batches(4)
    method.finish(segmenter, [images])
    pixels = network_input(segmenter, images)
    live, tested = segmenter.train()(pixels), segmenter.eval()(pixels)
    assert torch.allclose(live, tested, atol=0.05 * live.abs().max().item()), "up to n / (n - 1) in the variances"


def test_weights_modes_and_momentum_stay(segmenter, method):
    set_batch_norm(segmenter, "frozen")
    before, modes = copied(segmenter), [m.training for m in segmenter.modules()]
    method.finish(segmenter, batches(2, 2))
    after = copied(segmenter)
    changed = {name.rsplit(".", 1)[-1] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}
    assert [m.training for m in segmenter.modules()] == modes
    assert {m.momentum for m in segmenter.modules() if isinstance(m, nn.BatchNorm2d)} == {0.1}


def test_nothing_of_the_old_statistics_is_left_and_a_second_time_changes_nothing(segmenter, method):
    other = copy.deepcopy(segmenter)
    for layer in other.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.fill_(7.0)
    for network in (segmenter, other):
        method.finish(network, batches(2, 1))
    once = copied(segmenter)
    assert equal(once, copied(other))
    method.finish(segmenter, batches(2, 1))
    assert equal(once, copied(segmenter))


@pytest.mark.parametrize("norm", ["group", "frozen"])
def test_a_network_without_batch_statistics_is_refused_in_one_line(method, norm):
    with pytest.raises(UserError, match="norm: batch") as caught:
        method.check(build_segmenter("resnet_small", 12, norm))
    assert "\n" not in str(caught.value)


# The whole stage


@pytest.fixture(scope="module")
def run(data_run, tmp_path_factory):
    """Runs notebook 03's stage in a folder, on a source model with batch norm."""
    source = tmp_path_factory.mktemp("runs") / "02_source"

    def start(folder, **changes):
        folder.mkdir(exist_ok=True)
        values = {"data": data_run, "run": str(folder), "source_run": str(source), **SMALL, **changes}
        return adapt(AdaptParameters(**values), Progress(folder, live=False))

    source.mkdir()
    pretrain(PretrainParameters(data=data_run, run=str(source), norm="batch", **SMALL), Progress(source, live=False))
    start.source = source
    return start


def weights(folder):
    return load_checkpoint(folder)[0].state_dict()


def test_it_is_continued_source_training_but_for_the_statistics(run, tmp_path):
    for name in ("adabn", "source_continued"):
        run(tmp_path / name, method=name, name=name)
    ours, plain, source = (weights(f) for f in (tmp_path / "adabn", tmp_path / "source_continued", run.source))
    for name in ours:
        statistic = name.rsplit(".", 1)[-1] in ("running_mean", "running_var", "num_batches_tracked")
        assert torch.equal(ours[name], plain[name]) is not statistic, name
        assert torch.equal(plain[name], source[name]) is statistic, name
    recipe = load_checkpoint(tmp_path / "adabn")[1]
    assert (recipe.method, recipe.total_iterations) == ("adabn", 4)


def test_a_run_killed_after_its_last_iteration_ends_as_if_nothing_had_happened(run, tmp_path, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    run(tmp_path / "whole", method="adabn")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(adapt_module, "save_checkpoint", dies)
        run(tmp_path / "killed", method="adabn")
    assert not (tmp_path / "killed" / "checkpoint.pt").exists()
    run(tmp_path / "killed", method="adabn")
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_a_source_without_batch_norm_ends_the_run_before_it_starts(run, tmp_path, save_run):
    group = save_run(tmp_path / "02_group")
    with pytest.raises(UserError, match="norm: batch"):
        run(tmp_path / "03", method="adabn", source_run=group)
    assert not (tmp_path / "03" / "resume.pt").exists()


def test_any_method_may_end_with_the_targets_statistics(run, tmp_path, data_run):
    for mode in ("live", "target"):
        run(tmp_path / mode, method="binary", batch_norm=mode)
    live, ours = load_checkpoint(tmp_path / "live")[0], weights(tmp_path / "target")
    assert not equal(ours, live.state_dict())
    measure_statistics(live, images_module.target_images(AdaptParameters(data=data_run)))
    assert equal(ours, live.state_dict())


def test_the_targets_statistics_want_a_source_model_that_has_some(run, tmp_path, save_run):
    group = save_run(tmp_path / "02_group")
    with pytest.raises(UserError, match=r"^batch_norm: target re-estimates .* the source network has none"):
        run(tmp_path / "03", method="fada", batch_norm="target", source_run=group)


def test_only_a_method_that_finishes_on_the_target_opens_its_training_images(run, tmp_path, monkeypatch):
    opened = []
    real = images_module.open_part
    monkeypatch.setattr(images_module, "open_part", lambda *part: opened.append(part[1:]) or real(*part))
    run(tmp_path / "a", method="source_continued")
    assert ("target", "train") not in opened
    run(tmp_path / "b", method="adabn")
    assert opened.count(("target", "train")) == 1


def test_recoloured_source_images_reach_the_weights(run, tmp_path):
    own, matched = tmp_path / "own", tmp_path / "matched"
    run(own, method="fada")
    run(matched, method="fada", source_colours="target")
    assert not equal(weights(own), weights(matched))
    assert not (own / "colours.json").exists()
    assert '"target"' in (matched / "colours.json").read_text()


def test_the_images_that_a_run_is_judged_on_keep_their_colours(run, tmp_path, monkeypatch):
    judged, real = [], adapt_module.diagnose
    monkeypatch.setattr(adapt_module, "diagnose", lambda *a: judged.extend(d.recolour for d in a[2:4]) or real(*a))
    run(tmp_path / "03", method="fada", source_colours="target", evaluate_every=2)
    assert judged and set(judged) == {None}


def test_unknown_colours_are_refused(run, tmp_path):
    with pytest.raises(UserError, match="source_colours is 'theirs': choose own or target"):
        run(tmp_path / "x", source_colours="theirs")
