"""The diagnosis over training: counts by hand and against naive references, and that looking changes nothing."""

import numpy as np
import pytest
import torch

from fada_lib.data.classes import IGNORE
from fada_lib.data.domains import open_part
from fada_lib.inference.diagnose import class_knowledge, diagnose, frequency_distance
from fada_lib.inference.evaluate import evaluate
from fada_lib.inference.outputs import dataset_outputs, decision_logits
from fada_lib.losses.encodings import hard_labels, soft_labels
from fada_lib.methods.registry import build_method
from fada_lib.metrics.calibration import BINS, Calibration
from fada_lib.metrics.domains import DomainDecisions, target_probability

NARROW = {"discriminator_channels": [8, 8]}
NARROW_OUTPUT = {"output_discriminator_channels": [8, 8]}


def knowledge_of(rows):
    """(1, K, 1, P) knowledge from P rows of K entries."""
    return torch.tensor(rows, dtype=torch.float32).T[None, :, None]


def truth_of(channels):
    return torch.tensor(channels, dtype=torch.uint8)[None, None]


# Calibration


def test_accuracy_coverage_and_calibration_error_by_hand():
    # Confidences 0.62 (right) and 0.65 (wrong) share the bin 9/15..10/15, 0.90 (right) lies in 13/15..14/15.
    assert BINS == 15
    counts = Calibration()
    rows = [[0.62, 0.2], [0.65, 0.1], [0.1, 0.9], [0.0, 0.0], [1.0, 0.0]]
    counts.update(knowledge_of(rows), truth_of([0, 1, 1, 0, IGNORE]))
    found = counts.result()
    assert found["coverage"] == pytest.approx(3 / 4), "four are labelled, one of them without knowledge"
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["ece"] == pytest.approx((abs(1 - 0.62 - 0.65) + abs(1 - 0.90)) / 3)


def naive_error(knowledge, truth):
    confidence, decision = knowledge.max(axis=1), knowledge.argmax(axis=1)
    right, total = decision == truth, 0.0
    for b in range(BINS):
        chosen = (confidence >= b / BINS) & ((confidence < (b + 1) / BINS) | (b == BINS - 1))
        if chosen.any():
            total += chosen.mean() * abs(right[chosen].mean() - confidence[chosen].mean())
    return total


def test_streamed_counts_are_those_of_all_pixels_at_once():
    rng = np.random.default_rng(0)
    knowledge = rng.dirichlet(np.full(5, 0.3), size=600)
    truth = rng.integers(0, 5, 600)
    counts = Calibration()
    for part in np.split(np.arange(600), [100, 101, 350]):
        counts.update(knowledge_of(knowledge[part]), truth_of(truth[part]))
    found = counts.result()
    assert found["ece"] == pytest.approx(naive_error(knowledge.astype(np.float32), truth), abs=1e-6)
    assert found["accuracy"] == pytest.approx((knowledge.argmax(1) == truth).mean())


def test_certainty_that_is_always_right_is_calibrated_and_one_that_is_always_wrong_is_not():
    right, wrong = Calibration(), Calibration()
    right.update(knowledge_of(np.eye(3)), truth_of([0, 1, 2]))
    wrong.update(knowledge_of(np.eye(3)), truth_of([1, 2, 0]))
    assert right.result() == {"coverage": 1.0, "accuracy": 1.0, "ece": 0.0}
    assert wrong.result() == {"coverage": 1.0, "accuracy": 0.0, "ece": 1.0}


def test_no_knowledge_at_all_has_no_accuracy():
    counts = Calibration()
    counts.update(knowledge_of([[0.0, 0.0]]), truth_of([0]))
    assert counts.result() == {"coverage": 0.0, "accuracy": None, "ece": None}


# The discriminator's decisions


def logits_of(rows):
    """(1, 2k, 1, P) logits of P rows of probabilities."""
    return knowledge_of(rows).log()


def test_the_domain_is_decided_by_the_sum_over_its_channels_and_not_by_the_largest():
    # The largest channel is the source's second, the larger half the target's.
    logits = logits_of([[0.0, 0.4, 0.3, 0.3]])
    assert target_probability(logits).item() == pytest.approx(0.6)
    decisions = DomainDecisions(2)
    decisions.update(logits, truth_of([1]), 0)
    assert decisions.domain[0].tolist() == [[0, 0], [0, 1]]
    assert decisions.joint[0].tolist() == [[0, 0, 0, 0], [0, 1, 0, 0]]


def test_accuracies_are_means_over_the_domains_by_hand():
    decisions = DomainDecisions(2)
    source = [[0.7, 0.1, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7]]
    decisions.update(logits_of(source), truth_of([0, 1, 1]), 0)
    decisions.update(logits_of([[0.1, 0.1, 0.7, 0.1]]), truth_of([0]), 1)
    decisions.update(logits_of([[0.1, 0.1, 0.7, 0.1]]), truth_of([IGNORE]), 1)
    # Source: domains right, right, wrong; classes right, wrong, wrong. Target: all right.
    assert decisions.accuracies() == pytest.approx({"domain": (2 / 3 + 1) / 2, "domain_and_class": (1 / 3 + 1) / 2})


def test_a_discriminator_of_domains_alone_has_no_accuracy_of_classes():
    decisions = DomainDecisions(3)
    decisions.update(logits_of([[0.9, 0.1], [0.2, 0.8]]), truth_of([2, 0]), 0)
    assert decisions.joint[0].tolist() == [[0, 1], [0, 0], [1, 0]]
    assert set(decisions.accuracies()) == {"domain"}


def test_a_feature_pixel_has_the_class_at_its_centre():
    truth = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 2, 1], [0, 0, 0, 1, 1, 1]], dtype=torch.uint8)[None]
    decisions = DomainDecisions(3)
    decisions.update(torch.zeros(1, 2, 1, 2), truth, 0)
    assert decisions.joint[0].sum(1).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("name", "options", "channels"),
    [
        ("fada", NARROW, 24),
        ("binary", NARROW, 2),
        ("oracle_encodings", NARROW, 24),
        ("adaptsegnet", NARROW_OUTPUT, 2),
        ("adaptsegnet", {**NARROW_OUTPUT, "levels": 2}, 2),
        ("joint_global_local", {"global_options": NARROW_OUTPUT, "local_window": 2}, 2),
        ("source_continued", {}, None),
    ],
)
def test_every_discriminator_speaks_in_channels_of_the_source_and_then_of_the_target(
    make_segmenter, data_run, name, options, channels
):
    segmenter, tune = make_segmenter(), open_part(data_run, "target", "tune")
    method = build_method(name, options, segmenter.feature_extractor.channels, 12)
    segmenter.add_heads(method.heads)
    _, outputs, _ = next(dataset_outputs(segmenter, tune))
    said = decision_logits(method, outputs)
    assert (None if said is None else said.shape[1]) == channels


def test_one_logit_of_the_target_becomes_a_softmax_over_two(make_segmenter, data_run):
    segmenter, tune = make_segmenter(), open_part(data_run, "target", "tune")
    method = build_method("adaptsegnet", NARROW_OUTPUT, segmenter.feature_extractor.channels, 12)
    _, outputs, _ = next(dataset_outputs(segmenter, tune))
    with torch.no_grad():
        expected = torch.sigmoid(method.discriminator(method.seen_maps(outputs)))[:, 0]
        found = target_probability(decision_logits(method, outputs))
    assert torch.allclose(found, expected, atol=1e-6)


# The diagnosis


@pytest.fixture
def parts(data_run):
    return open_part(data_run, "source", "val"), open_part(data_run, "target", "tune")


def diagnosed(segmenter, parts, name="fada", options=NARROW):
    torch.manual_seed(1)
    method = build_method(name, options, segmenter.feature_extractor.channels, 12)
    return diagnose(segmenter, method, *parts)


def test_the_miou_is_what_evaluation_measures_to_the_last_digit(make_segmenter, parts):
    segmenter = make_segmenter()
    found = diagnosed(segmenter, parts)
    assert found["target_tune_miou"] == evaluate(segmenter, parts[1])["miou"]
    assert found["source_val_miou"] == evaluate(segmenter, parts[0])["miou"]


def test_looking_changes_neither_modes_nor_weights_nor_random_numbers(make_segmenter, parts):
    segmenter = make_segmenter().train()
    segmenter.feature_extractor.eval()
    before = [(m.training, {k: v.clone() for k, v in m.state_dict().items()}) for m in segmenter.modules()]
    torch.manual_seed(1)
    method = build_method("fada", NARROW, segmenter.feature_extractor.channels, 12)
    random = torch.get_rng_state()
    diagnose(segmenter, method, *parts)
    assert torch.equal(torch.get_rng_state(), random)
    for module, (training, state) in zip(segmenter.modules(), before, strict=True):
        assert module.training == training
        assert all(torch.equal(state[k], v) for k, v in module.state_dict().items())


def test_encodings_are_those_of_the_method_and_the_papers_soft_labels_where_it_has_none(make_segmenter):
    logits = 5 * torch.randn(1, 12, 3, 3, generator=torch.Generator().manual_seed(0))
    hard, binary, none = (
        build_method(name, options, 8, 12)
        for name, options in (("fada", NARROW | {"encoding": "hard"}), ("binary", NARROW), ("source_continued", {}))
    )
    assert torch.equal(class_knowledge(hard, logits), hard_labels(logits))
    assert torch.equal(class_knowledge(binary, logits), soft_labels(logits))
    assert torch.equal(class_knowledge(none, logits), soft_labels(logits))


def test_soft_encodings_cover_every_labelled_pixel_and_err_where_the_argmax_does(make_segmenter, parts):
    found = diagnosed(make_segmenter(), parts)
    right = total = 0
    for _, outputs, labels in dataset_outputs(make_segmenter(), parts[1]):
        logits = torch.nn.functional.interpolate(outputs.logits, labels.shape[-2:], mode="bilinear", align_corners=True)
        right += int((logits.argmax(1) == labels).sum())
        total += int((labels != IGNORE).sum())
    assert found["encoding_coverage"] == 1.0
    assert found["encoding_accuracy"] == pytest.approx(right / total, abs=1e-4)


def test_what_a_method_lacks_is_left_out(make_segmenter, parts):
    segmenter = make_segmenter()
    everything = set(diagnosed(segmenter, parts))
    assert everything - set(diagnosed(segmenter, parts, "binary")) == {"discriminator_class_accuracy"}
    assert everything - set(diagnosed(segmenter, parts, "source_continued", {})) == {
        "discriminator_domain_accuracy",
        "discriminator_class_accuracy",
    }


def test_frequency_distance_by_hand():
    counts = torch.tensor([[6, 2], [0, 2]])  # true 8 and 2, predicted 6 and 4 of 10
    assert frequency_distance(counts) == pytest.approx(0.2)
    assert frequency_distance(torch.tensor([[0, 4], [0, 0]])) == 1.0
    assert frequency_distance(torch.diag(torch.tensor([3, 1]))) == 0.0
