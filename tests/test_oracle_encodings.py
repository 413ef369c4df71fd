"""FADA with true encodings: by hand, against a loop over pixels, and alone in seeing the target's labels."""

import dataclasses
import math

import pytest
import torch

from fada_lib.data.domains import open_part
from fada_lib.files import read_json_lines
from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.encodings import true_labels
from fada_lib.methods.interface import Outputs
from fada_lib.methods.options import method_options
from fada_lib.methods.registry import METHODS, build_method
from fada_lib.parameters import AdaptParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training import adapt as adapt_module
from fada_lib.training.adapt import adapt, adapt_step
from fada_lib.training.device import Compute
from fada_lib.training.gradient_ratio import gradient_ratio

K, CHANNELS = 12, 96
CPU = Compute(torch.device("cpu"), None)
SMALL = {"discriminator_channels": [8, 8]}


def build(name="oracle_encodings", **options):
    torch.manual_seed(3)
    return build_method(name, {**SMALL, **options}, CHANNELS, K)


def outputs(labels, h=3, w=4):
    generator = torch.Generator().manual_seed(0)
    features, logits = (torch.randn(2, channels, h, w, generator=generator) for channels in (CHANNELS, K))
    return Outputs(features, logits, (4 * h, 4 * w), labels=labels)


def random_labels(h=12, w=16, seed=1):
    labels = torch.randint(0, K + 1, (2, h, w), generator=torch.Generator().manual_seed(seed))
    return torch.where(labels == K, 255, labels).to(torch.uint8)


# The encodings


def test_a_cell_has_the_class_of_the_pixel_in_its_middle_and_none_where_that_has_none():
    labels = torch.full((1, 4, 8), 255, dtype=torch.uint8)
    labels[0, 1::2, 1::2] = torch.tensor([[0, 1, 2, 255], [2, 1, 1, 0]], dtype=torch.uint8)
    found = true_labels(labels, (2, 4), 3)
    assert found.shape == (1, 3, 2, 4)
    assert found.sum(dim=1).tolist() == [[[1, 1, 1, 0], [1, 1, 1, 1]]]
    assert found.argmax(dim=1)[0].tolist() == [[0, 1, 2, 0], [2, 1, 1, 0]]


def test_labels_of_an_odd_size_are_taken_where_nearest_is():
    labels = torch.arange(5, dtype=torch.uint8)[None, None].expand(1, 3, 5)
    assert true_labels(labels, (1, 2), 5).argmax(dim=1).tolist() == [[[1, 3]]], "1.25 and 3.75, rounded down"


# The loss


@pytest.mark.parametrize("domain", [SOURCE, TARGET])
def test_the_loss_is_that_of_a_loop_over_cells(domain):
    method, seen = build(), outputs(random_labels())
    said = method.discriminator(seen.features).log_softmax(dim=1)
    total = 0.0
    for n in range(2):
        for row in range(3):
            for column in range(4):
                channel = int(seen.labels[n, 4 * row + 2, 4 * column + 2])
                if channel != 255:
                    total -= said[n, domain * K + channel, row, column].item()
    assert method.domain_loss(seen, domain).item() == pytest.approx(total / 24, rel=1e-5)


def test_a_discriminator_that_knows_nothing_loses_the_logarithm_of_its_channels_on_every_labelled_cell():
    method = build(discriminator_weight=1.0, lambda_adv=0.1)
    for p in method.parameters():
        torch.nn.init.zeros_(p)
    labels = torch.zeros(2, 12, 16, dtype=torch.uint8)
    labels[1] = 255
    of_target = method.generator_terms(outputs(labels), outputs(labels), 0.0)["adversarial"]
    assert of_target.item() == pytest.approx(0.1 * math.log(2 * K) / 2, rel=1e-5)


def test_predictions_do_not_matter_and_labels_do():
    method, seen = build(), outputs(random_labels())
    other = seen._replace(logits=-seen.logits)
    assert method.domain_loss(other, TARGET) == method.domain_loss(seen, TARGET)
    assert method.domain_loss(seen._replace(labels=random_labels(seed=2)), TARGET) != method.domain_loss(seen, TARGET)


def test_where_predictions_are_right_and_sure_it_is_fada_with_hard_labels():
    labels = random_labels().clamp(max=K - 1)
    seen = outputs(labels)._replace(logits=50 * true_labels(labels, (3, 4), K))
    told, own = build(), build("fada", encoding="hard")
    own.load_state_dict(told.state_dict())
    for domain in (SOURCE, TARGET):
        assert torch.equal(told.domain_loss(seen, domain), own.domain_loss(seen, domain))


# Who sees the target's labels


def test_no_method_of_adaptation_reads_them():
    assert [name for name, method in METHODS.items() if getattr(method, "reads_target_labels", False)] == [
        "oracle_encodings"
    ]
    assert not any(build_method(name, {}, CHANNELS, K).reads_target_labels for name in METHODS if "oracle" not in name)


def test_joint_global_local_wraps_methods_only():
    with pytest.raises(UserError, match="'global_method' is 'oracle_encodings': choose one of"):
        method_options("joint_global_local", {"global_method": "oracle_encodings"})


def test_an_iteration_and_its_ratio_of_gradients_follow_the_labels_of_both_domains(make_segmenter, batch):
    (source, labels), target = batch
    found, ratios = set(), set()
    for source_labels, target_labels in ((labels, labels), (labels, labels.flip(0)), (labels.flip(0), labels)):
        segmenter, method = make_segmenter(), build(lambda_adv=0.5)
        ratio = gradient_ratio(segmenter, method, (source, source_labels), target, CPU, target_labels=target_labels)
        optimisers = {"segmenter": torch.optim.SGD(segmenter.parameters(), lr=0.1)}
        optimisers["discriminator"] = torch.optim.SGD(method.parameters(), lr=0.1)
        given = (segmenter, method, optimisers, (source, source_labels), target, CPU)
        losses = adapt_step(*given, target_labels=target_labels)
        found.add(tuple(losses[name].item() for name in ("discriminator_source", "discriminator_target")))
        ratios.add(ratio["gradient_adversarial"])
    assert len(found) == 3
    assert len(ratios) == 2, "L_adv is a loss of the target alone"


@pytest.fixture
def adapted(data_run, save_run, tmp_path):
    """Runs an adaptation of two iterations with one diagnosis, and gives its history."""
    source = save_run(tmp_path / "02")

    def run(method, folder):
        folder.mkdir()
        values = {"data": data_run, "run": str(folder), "source_run": source, "device": "cpu", "batch_size": 2}
        often = {"iterations": 2, "log_every": 1, "checkpoint_every": 2, "evaluate_every": 2, "options": SMALL}
        adapt(AdaptParameters(method=method, **values, **often), Progress(folder, live=False))
        return read_json_lines(folder / "history.jsonl")

    return run


def test_a_run_reads_them_for_this_alone_each_beside_its_image(adapted, data_run, tmp_path, monkeypatch):
    seen = []
    real = adapt_module.adapt_step

    def recording(*arguments, **options):
        seen.append((arguments[4], options["target_labels"]))
        return real(*arguments, **options)

    monkeypatch.setattr(adapt_module, "adapt_step", recording)
    adapted("fada", tmp_path / "fada")
    assert [labels for _, labels in seen] == [None, None]
    history = adapted("oracle_encodings", tmp_path / "oracle")
    assert {"encoding_accuracy", "gradient_ratio", "discriminator_class_accuracy"} <= set(history[-1])
    target = open_part(data_run, "target", "train")
    pairs = [target.test_example(index, ()) for index in range(len(target))]
    pairs += [(image.flip(-1), label.flip(-1)) for image, label in pairs]
    for image, label in ((i, lab) for images, labels in seen[2:] for i, lab in zip(images, labels, strict=True)):
        assert [torch.equal(label, true) for known, true in pairs if torch.equal(image, known)] == [True]


def test_a_target_without_labels_is_refused_before_the_first_iteration(adapted, tmp_path, monkeypatch):
    real = adapt_module.open_part

    def unlabelled(run, domain, part):
        dataset = real(run, domain, part)
        if (domain, part) == ("target", "train"):
            dataset.items = [dataclasses.replace(item, label=None) for item in dataset.items]
        return dataset

    monkeypatch.setattr(adapt_module, "open_part", unlabelled)
    message = "has no labels for method 'oracle_encodings', which needs them: choose another"
    with pytest.raises(UserError, match=message):
        adapted("oracle_encodings", tmp_path / "oracle")
