"""From images to probabilities, scores and pseudo labels: one scale or several, together or one by one."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from fada_lib.analysis.discriminator import decision_shares, judged_images
from fada_lib.data.classes import LABEL_ID_TO_TRAIN_ID, TRAIN_NAMES, class_set
from fada_lib.data.decode import write_png
from fada_lib.data.domains import open_part
from fada_lib.data.transforms import normalise
from fada_lib.inference import evaluate as evaluation
from fada_lib.inference import predict
from fada_lib.inference.diagnose import diagnose
from fada_lib.inference.evaluate import evaluate, target_entropy
from fada_lib.inference.examples import example_encodings, example_labels, example_predictions
from fada_lib.inference.export import export_segmenter
from fada_lib.inference.photographs import id_table, label_photographs, write_photographs
from fada_lib.inference.predict import predict_dataset, probabilities
from fada_lib.inference.pseudo_labels import write_pseudo_labels
from fada_lib.methods.options import FadaOptions
from fada_lib.methods.registry import build_method
from fada_lib.metrics.iou import ConfusionMatrix
from fada_lib.parameters import UserError

SCALES = (0.7, 1.0, 1.3)
CLOSE = 1e-4
"""Of probabilities: the same convolution in another memory layout differs in its last bits."""


@pytest.fixture
def segmenter(make_segmenter):
    """An untrained network whose predictions are confident enough to differ from pixel to pixel."""
    network = make_segmenter().eval()
    with torch.no_grad():
        for p in network.classifier.parameters():
            p.mul_(20)
    return network


@pytest.fixture
def val(data_run):
    return open_part(data_run, "target", "val")


@pytest.fixture
def images(val):
    return torch.stack([val.test_example(i, ())[0] for i in range(2)])


def resize(maps, size):
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=True)


class Oracle(torch.nn.Module):
    """Stands for a network: its logits are `scale` at the true class of the images of a data set."""

    def __init__(self, dataset, scale=50.0, offset=0):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.feature_extractor = type("F", (), {"input_convention": "imagenet_rgb"})
        pairs = [dataset.test_example(i, ()) for i in range(len(dataset))]
        self.images = normalise(torch.stack([image for image, _ in pairs]))
        truth = torch.stack([label for _, label in pairs]).long()
        channel = (truth.masked_fill(truth == 255, 0) + offset) % len(dataset.classes)
        self.logits = scale * functional.one_hot(channel, len(dataset.classes)).permute(0, 3, 1, 2).float()

    def forward(self, images):
        found = [next(i for i, known in enumerate(self.images) if torch.equal(known, image)) for image in images]
        return self.logits[found]


# Probabilities


def test_a_single_scale_is_the_softmax_of_the_upsampled_logits(segmenter, images):
    with torch.no_grad():
        expected = torch.softmax(resize(segmenter(normalise(images)), (48, 96)), dim=1)
    assert torch.allclose(probabilities(segmenter, images, (48, 96)), expected, atol=CLOSE)


def test_a_scale_that_leaves_no_pixel_is_refused(segmenter, images):
    with pytest.raises(
        UserError, match=r"scales holds 0\.01, which leaves nothing of 96x48 pixels: choose a larger one$"
    ):
        probabilities(segmenter, images, (48, 96), (1.0, 0.01))


def test_no_scale_at_all_is_refused(segmenter, images):
    with pytest.raises(UserError, match=r"scales is empty: give at least one, e\.g\. \(1\.0,\)$"):
        probabilities(segmenter, images, (48, 96), ())


def test_several_scales_and_mirrors_agree_with_one_pass_at_a_time(segmenter, images):
    passes = []
    with torch.no_grad():
        for image in images:
            one = normalise(image[None])
            for scale in SCALES:
                scaled = resize(one, (int(48 * scale), int(96 * scale)))
                plain = torch.softmax(resize(segmenter(scaled), (24, 48)), dim=1)
                mirror = torch.softmax(resize(segmenter(torch.flip(scaled, [3])), (24, 48)), dim=1)
                passes += [plain, torch.flip(mirror, [3])]
    expected = torch.stack([torch.cat(passes[:6]).mean(0), torch.cat(passes[6:]).mean(0)])
    found = probabilities(segmenter, images, (24, 48), SCALES, flip=True)
    assert torch.allclose(found, expected, atol=CLOSE)
    assert not torch.allclose(found, probabilities(segmenter, images, (24, 48)), atol=1e-3)


def test_probabilities_sum_to_one_at_the_labels_size(segmenter, images):
    p = probabilities(segmenter, images, (30, 50), SCALES, flip=True)
    assert p.shape == (2, 12, 30, 50)
    assert torch.allclose(p.sum(dim=1), torch.ones(2, 30, 50), atol=1e-5)


def test_with_flip_the_prediction_of_a_mirrored_image_is_the_mirrored_prediction(segmenter, images):
    p = probabilities(segmenter, images, (48, 96), SCALES, flip=True)
    mirrored = probabilities(segmenter, images.flip(3), (48, 96), SCALES, flip=True)
    assert torch.allclose(mirrored, p.flip(3), atol=CLOSE)


# Data sets


@pytest.mark.parametrize("budget", [1, 2 * 48 * 96, 10**9])
def test_batching_does_not_change_predictions(segmenter, val, monkeypatch, budget):
    monkeypatch.setattr(predict, "BATCH_PIXELS", budget)
    rows = list(predict_dataset(segmenter, val))
    assert [i for indices, _, _ in rows for i in indices] == [0, 1, 2]
    assert len(rows) == {1: 3, 2 * 48 * 96: 2, 10**9: 1}[budget]
    alone = torch.cat([probabilities(segmenter, val.test_example(i, ())[0][None], (48, 96)) for i in range(3)])
    assert torch.allclose(torch.cat([p for _, p, _ in rows]), alone, atol=CLOSE)
    assert torch.equal(
        torch.cat([labels for _, _, labels in rows]), torch.stack([val.test_example(i, ())[1] for i in range(3)])
    )


def test_images_of_different_sizes_are_predicted_apart(segmenter, val):
    image, label = val.load(1)
    val._decoded[1] = (image.resize((64, 48)), label.resize((64, 48), Image.Resampling.NEAREST))
    assert [tuple(p.shape) for _, p, _ in predict_dataset(segmenter, val)] == [
        (1, 12, 48, 96),
        (1, 12, 48, 64),
        (1, 12, 48, 96),
    ]


def test_labels_of_different_sizes_are_predicted_apart_though_the_input_has_one(segmenter, val):
    image, label = val.load(1)
    val._decoded[1] = (image, label.resize((64, 48), Image.Resampling.NEAREST))
    assert [p.shape[-1] for _, p, _ in predict_dataset(segmenter, val, (48, 24))] == [96, 64, 96]


def test_the_test_size_changes_the_input_and_not_the_labels(segmenter, val):
    _, p, labels = next(predict_dataset(segmenter, val, (48, 24)))
    assert p.shape[-2:] == labels.shape[-2:] == (48, 96)


MEASURES = {
    "mIoU": lambda s, m, d, to: evaluate(s, d, (48, 24)),
    "entropy": lambda s, m, d, to: target_entropy(s, d, (48, 24)),
    "pseudo labels": lambda s, m, d, to: write_pseudo_labels(s, d, to, test_size=(48, 24)),
    "examples": lambda s, m, d, to: example_predictions(d, [0], {"a": s}, (48, 24)),
    "diagnosis": lambda s, m, d, to: diagnose(s, m, d, d, (48, 24)),
    "decisions": lambda s, m, d, to: decision_shares(s, m, d, d, (48, 24)),
    "judged images": lambda s, m, d, to: judged_images(s, m, d, 0, [0], (48, 24)),
}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_shows_the_network_images_of_the_size_of_testing(segmenter, val, tmp_path, name):
    seen = set()
    first = segmenter.feature_extractor.backbone.conv1
    first.register_forward_pre_hook(lambda _, given: seen.add(tuple(given[0].shape[-2:])))
    MEASURES[name](segmenter, build_method("binary", {}, 96, 12), val, tmp_path)
    assert seen == {(24, 48)}


@pytest.mark.parametrize("training", [True, False])
def test_a_network_is_predicted_with_in_evaluation_mode_and_handed_back_as_it_was(segmenter, val, training):
    segmenter.train(training)
    for _ in predict_dataset(segmenter, val):
        assert not segmenter.training
    assert segmenter.training is training


def test_parts_that_were_frozen_stay_frozen_after_a_prediction(segmenter, val):
    segmenter.train()
    segmenter.classifier.eval()
    list(predict_dataset(segmenter, val))
    assert segmenter.feature_extractor.training
    assert not segmenter.classifier.training


# Scores


def test_the_truth_scores_one_and_a_wrong_class_zero(val):
    right, wrong = evaluate(Oracle(val), val), evaluate(Oracle(val, offset=1), val)
    assert {v for v in right["iou"] if v is not None} == {1.0}
    assert (right["miou"], right["subset_miou"]) == (1.0, {"world12": 1.0})
    assert wrong["miou"] < 0.05


@pytest.mark.parametrize(("scales", "flip"), [((1.0,), True), (SCALES, False)])
def test_scores_are_those_of_the_mean_over_scales_and_mirrors(segmenter, val, scales, flip):
    matrix = ConfusionMatrix(12)
    for _, p, labels in predict_dataset(segmenter, val, (), scales, flip):
        matrix.update(p.argmax(dim=1), labels)
    found = evaluate(segmenter, val, scales=scales, flip=flip)
    assert found["iou"] == matrix.iou() != evaluate(segmenter, val)["iou"]


def test_a_class_that_is_absent_counts_in_the_mean_as_asked(segmenter, val, monkeypatch):
    truth = torch.zeros(1, 1, 4, dtype=torch.uint8)
    p = functional.one_hot(torch.tensor([[[0, 0, 0, 1]]]), 12).permute(0, 3, 1, 2).float()
    monkeypatch.setattr(evaluation, "predict_dataset", lambda *_: iter([([0], p, truth)]))
    means = {absent: evaluate(segmenter, val, absent=absent)["miou"] for absent in ("truth", "both", "zero")}
    assert means == pytest.approx({"truth": 3 / 4, "both": 3 / 8, "zero": 3 / 48})


def test_a_certain_network_has_no_entropy_and_an_undecided_one_has_one(val):
    assert target_entropy(Oracle(val), val) == pytest.approx(0.0, abs=1e-6)
    assert target_entropy(Oracle(val, scale=0.0), val) == pytest.approx(1.0)


# Pseudo labels


def test_pseudo_labels_on_disk_are_the_teachers_arg_max(segmenter, data_run, tmp_path):
    train = open_part(data_run, "target", "train")
    kept = write_pseudo_labels(segmenter, train, tmp_path)
    again = open_part(data_run, "target", "train", tmp_path)
    assert kept == 1.0
    for index in range(len(train)):
        image, _ = train.test_example(index, ())
        expected = probabilities(segmenter, image[None], (48, 96))[0].argmax(0)
        assert torch.equal(again.test_example(index, ())[1].long(), expected)


def test_pixels_below_the_threshold_get_no_pseudo_label(segmenter, data_run, tmp_path):
    train = open_part(data_run, "target", "train")
    confidence = torch.cat([p.amax(dim=1) for _, p, _ in predict_dataset(segmenter, train)])
    threshold = float(confidence.median())
    kept = write_pseudo_labels(segmenter, train, tmp_path, threshold=threshold)
    maps = np.stack([np.array(Image.open(tmp_path / f"{item.name}.png")) for item in train.items])
    assert np.array_equal(maps == 255, (confidence < threshold).numpy())
    assert kept == pytest.approx((maps != 255).mean())
    assert 0.4 < kept < 0.6


def test_pseudo_labels_may_come_from_several_scales(segmenter, data_run, tmp_path):
    train = open_part(data_run, "target", "train")
    write_pseudo_labels(segmenter, train, tmp_path / "one")
    write_pseudo_labels(segmenter, train, tmp_path / "several", scales=SCALES, flip=True)
    name = f"{train.items[0].name}.png"
    assert (tmp_path / "one" / name).read_bytes() != (tmp_path / "several" / name).read_bytes()


def test_writing_pseudo_labels_reports_every_image(segmenter, data_run, tmp_path):
    reported = []
    write_pseudo_labels(segmenter, open_part(data_run, "target", "train"), tmp_path, on_progress=reported.append)
    assert reported[-1] == 6


# Examples for figures


def test_other_labels_of_an_image_stand_beside_its_truth(val, data_run, tmp_path):
    for item in val.items:
        write_png(tmp_path / f"{item.name}.png", np.full((48, 96), 5, np.uint8))
    other = open_part(data_run, "target", "val", tmp_path)
    image, truth = val.load(2)
    for row in example_labels(val, {"other": other}, [2, 2 + len(val)]):
        assert np.array_equal(row["image"], image) and np.array_equal(row["truth"], truth)
        assert (row["predictions"]["other"] == 5).all()


def test_example_predictions_come_by_network_at_the_labels_size(segmenter, val):
    (row,) = example_predictions(val, [2], {"a": segmenter})
    assert row["image"].shape == (48, 96, 3)
    assert row["truth"].shape == row["predictions"]["a"].shape == (48, 96)
    expected = probabilities(segmenter, val.test_example(2, ())[0][None], (48, 96))[0].argmax(0)
    assert np.array_equal(row["predictions"]["a"], expected)


def test_example_encodings_go_from_the_most_to_the_least_confident_pixel(segmenter, val):
    pixels, soft, hard = example_encodings(segmenter, np.array(val.load(0)[0]), FadaOptions(clip=1.0, temperature=1.0))
    assert (len(pixels), soft.shape, hard.shape) == (4, (4, 12), (4, 12))
    peaks = soft.max(axis=1)
    assert list(peaks) == sorted(peaks, reverse=True)


# Photographs of one's own


@pytest.fixture
def album(images, tmp_path):
    """A folder of two photographs, one lying on its side with a camera's mark to turn it, and a note."""
    first, second = (Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images)
    first.save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    second.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.JPG", format="JPEG", quality=100, exif=exif)
    (tmp_path / "note.txt").write_text("no photograph")
    return tmp_path


def test_photographs_are_found_by_name_and_turned_upright(segmenter, album):
    labelled = list(label_photographs(segmenter, album))
    assert [one.path.name for one in labelled] == ["a.png", "b.JPG"]
    assert {one.image.shape for one in labelled} == {(48, 96, 3)}
    assert {one.channels.shape for one in labelled} == {one.confidence.shape for one in labelled} == {(48, 96)}


def test_a_photographs_labels_are_the_networks_arg_max_and_its_probability(segmenter, album, images):
    (labelled,) = label_photographs(segmenter, album / "a.png", scales=SCALES, flip=True)
    p = probabilities(segmenter.eval(), images[:1], (48, 96), SCALES, flip=True)[0]
    assert np.array_equal(labelled.channels, p.argmax(0).numpy())
    assert np.allclose(labelled.confidence, p.amax(0).numpy())


def test_a_large_photograph_is_seen_smaller_and_labelled_at_its_size(segmenter, album):
    (labelled,) = label_photographs(segmenter, album / "a.png", longest_side=48)
    assert labelled.channels.shape == (48, 96)
    assert np.array_equal(labelled.channels[::2, ::2], labelled.channels[1::2, 1::2])


def test_three_pictures_of_each_photograph_are_written(segmenter, album, tmp_path):
    classes = class_set("world12")
    written = write_photographs(segmenter, classes, album, tmp_path / "out")
    assert [path.name for path in written] == ["a_labels.png", "b_labels.png"]
    assert len(list((tmp_path / "out").iterdir())) == 6
    (labelled,) = label_photographs(segmenter, album / "a.png")
    ids = np.array(Image.open(written[0]))
    assert {TRAIN_NAMES[LABEL_ID_TO_TRAIN_ID[i]] for i in set(ids.ravel().tolist())} == {
        classes.names[c] for c in set(labelled.channels.ravel().tolist())
    }
    confidence = np.array(Image.open(tmp_path / "out" / "a_confidence.png"))
    assert np.allclose(confidence / 255, labelled.confidence, atol=0.5 / 255 + 1e-6)
    overlay = np.array(Image.open(tmp_path / "out" / "a_overlay.png"))
    expected = 0.45 * labelled.image[0, 0] + 0.55 * classes.palette[labelled.channels[0, 0]]
    assert np.allclose(overlay[0, 0], expected, atol=0.51)


def test_photographs_that_would_overwrite_each_other_are_refused_before_anything_is_written(segmenter, album, tmp_path):
    Image.new("RGB", (64, 48)).save(album / "a.jpg")
    for photographs in (album, sorted(album.iterdir())):
        with pytest.raises(UserError, match=r"a\.jpg and a\.png would both be written as a_labels\.png: rename one$"):
            write_photographs(segmenter, class_set("world12"), photographs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("longest_side", [0, -7])
def test_photographs_cannot_be_seen_at_no_size(segmenter, album, longest_side):
    with pytest.raises(UserError, match=f"longest_side is {longest_side}: .* at least 1$"):
        list(label_photographs(segmenter, album, longest_side=longest_side))


@pytest.mark.parametrize(("ids", "road"), [("channels", 0), ("train_ids", 0), ("label_ids", 7)])
def test_label_maps_store_the_ids_that_are_asked_for(ids, road):
    table = id_table(class_set("world12"), ids)
    assert (table[0], table[3]) == (road, {"channels": 3, "train_ids": 4, "label_ids": 13}[ids])


def test_photographs_that_are_not_there_or_damaged_and_unknown_ids_are_named(segmenter, tmp_path):
    with pytest.raises(UserError, match=r"holds no photograph"):
        list(label_photographs(segmenter, tmp_path))
    (tmp_path / "broken.png").write_bytes(b"half")
    with pytest.raises(UserError, match=r"broken\.png cannot be read"):
        list(label_photographs(segmenter, tmp_path))
    with pytest.raises(UserError, match="ids is 'colours': choose one of"):
        write_photographs(segmenter, class_set("world12"), tmp_path, tmp_path, ids="colours")


# Export


def test_an_exported_program_says_what_the_network_says(segmenter, images, tmp_path):
    difference = export_segmenter(segmenter, tmp_path / "network.pt2", (96, 48))
    found = torch.export.load(tmp_path / "network.pt2").module()(images[:1])
    assert difference < CLOSE
    assert torch.allclose(found, probabilities(segmenter, images[:1], (48, 96)), atol=CLOSE)


def test_an_exported_program_has_its_own_ending(segmenter, tmp_path):
    with pytest.raises(UserError, match=r"let it end in \.pt2"):
        export_segmenter(segmenter, tmp_path / "network.onnx", (96, 48))


# Precision


def test_normalised_images_are_taken_as_they_are(segmenter, images):
    assert torch.equal(
        probabilities(segmenter, normalise(images), (48, 96)), probabilities(segmenter, images, (48, 96))
    )
