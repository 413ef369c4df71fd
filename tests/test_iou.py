"""Intersection over union on label maps of a few pixels."""

import numpy as np
import pytest
import torch
from PIL import Image
from refusals import refused

from fada_lib import api
from fada_lib.metrics.iou import ConfusionMatrix, mean_iou
from fada_lib.parameters import UserError


def iou(prediction, truth, num_classes=2, absent="truth"):
    matrix = ConfusionMatrix(num_classes)
    matrix.update(torch.tensor(prediction), torch.tensor(truth, dtype=torch.uint8))
    return matrix.iou(absent)


def as_cityscapesscripts(prediction, truth, num_classes):
    """The evaluator's formula, pixel by pixel: ignored truth counts nowhere, void predictions are misses."""
    confusion = [[0] * 256 for _ in range(256)]
    for p, t in zip(prediction.flatten().tolist(), truth.flatten().tolist(), strict=True):
        confusion[t][p] += 1
    scores = []
    for label in range(num_classes):
        hits = confusion[label][label]
        misses = sum(confusion[label]) - hits
        false_alarms = sum(confusion[other][label] for other in range(num_classes) if other != label)
        union = hits + misses + false_alarms
        scores.append(hits / union if union else None)
    return scores


def test_a_perfect_prediction_scores_one():
    assert iou([[0, 1], [1, 1]], [[0, 1], [1, 1]]) == [1.0, 1.0]


def test_a_disjoint_prediction_scores_zero():
    assert iou([[0, 1], [0, 1]], [[1, 0], [1, 0]]) == [0.0, 0.0]


def test_a_half_is_intersection_over_union_not_accuracy():
    assert iou([[0, 0, 0, 1]], [[0, 0, 1, 1]]) == pytest.approx([2 / 3, 1 / 2])


def test_ignored_pixels_count_nowhere():
    assert iou([[0, 1, 0]], [[0, 1, 255]]) == [1.0, 1.0]


def test_a_class_absent_from_truth_and_prediction_has_no_score():
    assert iou([[0, 1]], [[0, 1]], num_classes=3) == [1.0, 1.0, None]


def test_a_class_that_is_only_predicted_has_no_iou_but_costs_the_class_it_was():
    assert iou([[0, 2]], [[0, 0]], num_classes=3) == [0.5, None, None]


@pytest.mark.parametrize(
    ("absent", "expected"), [("truth", [0.5, None, None]), ("both", [0.5, 0.0, None]), ("zero", [0.5, 0.0, 0.0])]
)
def test_absent_classes_are_left_out_or_zero_as_asked(absent, expected):
    assert iou([[0, 1]], [[0, 0]], 3, absent) == pytest.approx(expected)


def test_an_unknown_treatment_of_absent_classes_is_refused():
    with pytest.raises(UserError, match="absent is 'all': choose one of truth, both, zero"):
        iou([[0]], [[0]], absent="all")


def test_a_void_prediction_is_a_miss_and_no_false_alarm():
    assert iou([[0, 255, 1]], [[0, 0, 1]]) == [0.5, 1.0]


def test_a_prediction_below_zero_is_void_too():
    """Some evaluators ignore -1; no other class may get its pixels."""
    truth = [[0, 0, 1, 1]]
    assert iou([[0, -1, 1, -1]], truth) == iou([[0, 255, 1, 255]], truth) == [0.5, 0.5]


@pytest.mark.parametrize("value", [-1, 3, 254, 256])
def test_truth_that_is_no_class_is_refused_in_one_line(value):
    truth = torch.tensor([[0, value, 255]])
    expected = f"truth holds {value}: use 0 to 2, and 255 where to ignore"
    assert refused(api.iou, torch.tensor([[0, 1, 2]]), truth, 3) == expected


def test_scores_agree_with_the_evaluator_of_cityscapes():
    generator = torch.Generator().manual_seed(2)
    prediction, truth = torch.randint(0, 8, (2, 20, 30), generator=generator)
    prediction[prediction >= 6] = 255
    truth[truth == 3] = 255
    truth[truth >= 6] = 255
    prediction[prediction == 4], truth[truth == 4] = 0, 0
    found = iou(prediction.tolist(), truth.tolist(), 6, "both")
    assert found == as_cityscapesscripts(prediction, truth, 6)
    assert (found[3], found[4]) == (0.0, None)


def test_scores_of_files_are_those_of_the_package_of_cityscapes(tmp_path):
    """Where `pip install cityscapesscripts` was given: it is no dependency, for what it wants would come along."""
    package = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    package.args.evalInstLevelScore, package.args.JSONOutput, package.args.quiet = False, False, True
    rng = np.random.default_rng(0)
    matrix, names = ConfusionMatrix(19), ([], [])
    for image in range(3):
        truth, guess = rng.integers(0, 34, (2, 40, 60), dtype=np.uint8)
        guess = np.where(rng.random(truth.shape) < 0.6, truth, guess)
        guess[guess == 26], truth[truth == 27], guess[guess == 27] = 1, 0, 0  # no car is found, no truck is there
        for kind, values, files in zip(("truth", "guess"), (truth, guess), names, strict=True):
            files.append(str(tmp_path / f"{kind}{image}.png"))
            Image.fromarray(values).save(files[-1])
        channels = [torch.from_numpy(api.channels(v, "cityscapes", "cityscapes19")) for v in (guess, truth)]
        matrix.update(*channels)
    scores = package.evaluateImgLists(names[1], names[0], package.args)["classScores"]
    expected = [None if np.isnan(scores[name]) else scores[name] for name in api.class_set("cityscapes19").names]
    found = matrix.iou("both")
    assert found == expected
    assert 0.0 in found and None in found


def test_a_class_that_is_never_found_scores_zero():
    assert iou([[0, 0]], [[0, 2]], num_classes=3) == [0.5, None, 0.0]


def test_images_are_pooled_before_the_division():
    matrix = ConfusionMatrix(2)
    matrix.update(torch.tensor([[0, 0, 0, 0]]), torch.tensor([[0, 0, 0, 0]]))
    matrix.update(torch.tensor([[0]]), torch.tensor([[1]]))
    assert matrix.iou() == pytest.approx([4 / 5, 0.0])


def test_a_batch_counts_as_its_images():
    generator = torch.Generator().manual_seed(0)
    prediction, truth = torch.randint(0, 5, (2, 3, 8, 9), generator=generator)
    together, apart = ConfusionMatrix(5), ConfusionMatrix(5)
    together.update(prediction, truth)
    for p, t in zip(prediction, truth, strict=True):
        apart.update(p, t)
    assert torch.equal(together.counts, apart.counts)


def test_scores_agree_with_a_loop_over_classes():
    generator = torch.Generator().manual_seed(1)
    prediction, truth = torch.randint(0, 5, (2, 8, 9), generator=generator)
    expected = [((prediction == c) & (truth == c)).sum() / ((prediction == c) | (truth == c)).sum() for c in range(5)]
    assert iou(prediction.tolist(), truth.tolist(), 5) == pytest.approx([float(v) for v in expected])


def test_merged_classes_count_as_one_and_leave_the_matrix_as_it_was():
    matrix = ConfusionMatrix(3)
    matrix.update(torch.tensor([[0, 1, 2, 255, 2]]), torch.tensor([[1, 0, 0, 0, 2]]))
    assert matrix.merged([(0, 1)]).iou() == [None, 2 / 4, 1 / 2]
    assert matrix.merged([]).iou() == matrix.iou() == [0.0, 0.0, 1 / 2]


def test_a_large_data_set_does_not_overflow():
    matrix = ConfusionMatrix(2)
    matrix.counts[:] = torch.tensor([[2**40, 1], [1, 2**40]])
    matrix.update(torch.tensor([[0]]), torch.tensor([[0]]))
    assert matrix.counts[0, 0] == 2**40 + 1
    assert matrix.iou()[0] < 1.0


def test_the_mean_leaves_classes_without_score_out():
    assert mean_iou([0.2, None, 0.6]) == pytest.approx(0.4)


def test_the_mean_over_a_subset_uses_its_channels_only():
    assert mean_iou([0.2, None, 0.6, 1.0], [0, 1, 3]) == pytest.approx(0.6)


def test_the_mean_of_nothing_is_zero():
    assert mean_iou([None, None]) == 0.0
