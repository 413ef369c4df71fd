"""Class Center Distance by hand, the choice of pixels, and the analysis of a few runs."""

import warnings

import numpy as np
import pytest
import torch

from fada_lib.analysis import alignment, networks
from fada_lib.analysis.alignment import Alignment, analyse
from fada_lib.analysis.ccd import class_center_distance, summary
from fada_lib.analysis.cells import Cells, fair_quotas, pure_cells, sample_cells
from fada_lib.analysis.domain_distance import proxy_a_distance
from fada_lib.analysis.embedding import common_initialisation, embed
from fada_lib.analysis.features import cell_outputs
from fada_lib.analysis.networks import lowest_seeds
from fada_lib.data.domains import open_part
from fada_lib.data.transforms import normalise
from fada_lib.models.segmenter import build_segmenter
from fada_lib.parameters import AnalyseParameters, UserError
from fada_lib.progress import Progress

# Class 0 has centre (1, 0) and spread 1, class 1 centre (5, 0) and spread 4, class 2 centre (1, 3) and spread 0.
POINTS = np.array([[0, 0], [2, 0], [5, 2], [5, -2], [1, 3]], np.float32)
CLASSES = np.array([0, 0, 1, 1, 2])


def ccd(points=POINTS, classes=CLASSES, num_classes=3, min_samples=1, **options):
    return class_center_distance(points, classes, num_classes, min_samples=min_samples, **options)


# Equation 9


def test_the_distance_of_two_classes_is_that_by_hand():
    assert ccd(POINTS[:4], CLASSES[:4], 2) == pytest.approx([1 / 16, 4 / 16])


def test_the_mean_is_over_the_ratios_to_every_other_class():
    assert ccd() == pytest.approx([(1 / 16 + 1 / 9) / 2, (4 / 16 + 4 / 25) / 2, 0.0])


def test_the_unsquared_denominator_is_the_distance_itself():
    assert ccd(squared=False) == pytest.approx([(1 / 4 + 1 / 3) / 2, (4 / 4 + 4 / 5) / 2, 0.0])


def test_the_squared_form_does_not_depend_on_the_scale_of_features_and_the_unsquared_does():
    assert ccd(10 * POINTS) == pytest.approx(ccd())
    assert ccd(10 * POINTS, squared=False) == pytest.approx([10 * v for v in ccd(squared=False)])


def test_a_class_that_lies_apart_in_the_two_domains_is_less_compact():
    apart = np.concatenate([POINTS, POINTS + np.array([0, 20])])
    assert ccd(apart, np.concatenate([CLASSES, CLASSES]))[0] > 10 * ccd()[0]


def test_a_class_with_few_samples_is_left_out_everywhere():
    assert ccd(min_samples=2) == pytest.approx([1 / 16, 4 / 16, None])


def test_a_class_with_few_samples_in_one_domain_is_left_out_too():
    assert ccd(domains=np.array([0, 1, 0, 1, 0])) == pytest.approx([1 / 16, 4 / 16, None])


def test_centres_that_coincide_are_left_out_of_the_mean():
    points, classes = np.array([[0, 0], [2, 0], [1, 0], [1, 3]], np.float32), np.array([0, 0, 1, 2])
    assert ccd(points, classes) == pytest.approx([1 / 9, 0.0, 0.0])
    assert ccd(points[:3], classes[:3]) == [None, None, None]


def test_features_far_from_the_origin_lose_no_digits():
    assert ccd(np.repeat(POINTS + 10_000, 3_000, axis=0), np.repeat(CLASSES, 3_000)) == pytest.approx(ccd())


def test_an_absent_class_has_no_distance():
    assert ccd(num_classes=4)[3] is None


def test_a_single_class_has_nobody_to_be_far_from():
    assert ccd(POINTS[:2], CLASSES[:2]) == [None, None, None]


def test_the_summary_leaves_absent_classes_out():
    assert summary([1.0, None, 2.0, 6.0]) == {"per_class": [1.0, None, 2.0, 6.0], "mean": 3.0, "median": 2.0}


def test_features_that_are_all_the_same_have_a_summary_without_values():
    values = ccd(np.full_like(POINTS, 0.3))
    assert summary(values) == {"per_class": [None, None, None], "mean": None, "median": None}


# The choice of pixels


def test_a_cell_is_pure_when_its_block_of_the_label_holds_one_class():
    channels = np.array([[3, 3, 5, 5], [3, 3, 5, 6]], np.uint8)
    assert pure_cells(channels, (1, 2)).tolist() == [[3, 255]]


def test_an_ignored_pixel_makes_a_cell_impure_and_an_ignored_block_is_no_cell():
    channels = np.array([[3, 255, 255, 255], [3, 3, 255, 255]], np.uint8)
    assert pure_cells(channels, (1, 2)).tolist() == [[255, 255]]


def test_cells_cover_labels_that_the_stride_does_not_divide():
    channels = np.repeat(np.array([[0, 1, 2]], np.uint8), (4, 4, 2), axis=1)
    assert pure_cells(np.repeat(channels, 4, axis=0), (1, 3)).tolist() == [[0, 255, 255]]
    assert pure_cells(np.full((5, 7), 4, np.uint8), (2, 2)).tolist() == [[4, 4], [4, 4]]


@pytest.mark.parametrize(
    ("available", "count", "quotas"),
    [
        ([10, 10, 10], 9, [3, 3, 3]),
        ([1, 10, 10], 9, [1, 4, 4]),
        ([1, 2, 10], 12, [1, 2, 9]),
        ([5, 0, 5], 4, [2, 0, 2]),
        ([5, 5, 5], 100, [5, 5, 5]),
        ([10, 10, 10], 10, [4, 3, 3]),
        ([10, 10, 10], 2, [1, 1, 0]),
        ([0, 0], 5, [0, 0]),
    ],
)
def test_classes_share_equally_and_what_the_rare_cannot_fill_goes_to_the_others(available, count, quotas):
    assert fair_quotas(available, count) == quotas


def test_sampled_cells_are_pure_fairly_shared_and_in_the_order_of_images(data_run):
    val = open_part(data_run, "target", "val")
    cells = sample_cells(val, 4, 60, seed=0)
    for image, row, column, c in zip(cells.images, cells.rows, cells.columns, cells.classes, strict=True):
        block = np.array(val.load(int(image))[1])[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert set(block.ravel()) == {c}
    counts = np.bincount(cells.classes, minlength=12)
    assert len(cells) == 60
    assert counts.max() <= 60 / (counts > 0).sum() * 2
    assert list(zip(cells.images, cells.rows, cells.columns, strict=True)) == sorted(
        set(zip(cells.images, cells.rows, cells.columns, strict=True))
    )


def test_cells_lie_in_the_map_of_an_image_at_the_size_of_testing_last_part_included(data_run):
    val = open_part(data_run, "target", "val")
    half, odd = sample_cells(val, 4, 60, seed=0, test_size=(48, 24)), sample_cells(val, 5, 10**6, seed=0)
    for image, row, column, c in zip(half.images, half.rows, half.columns, half.classes, strict=True):
        block = np.array(val.load(int(image))[1])[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        assert set(block.ravel()) == {c}
    assert (odd.rows.max() + 1, odd.columns.max() + 1) == (10, 20), "48 / 5 and 96 / 5, rounded up"


def test_the_seed_alone_decides_which_cells(data_run):
    val = open_part(data_run, "target", "val")
    one, again, other = (sample_cells(val, 4, 60, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.rows, again.rows)
    assert not np.array_equal(one.rows, other.rows)


def test_features_are_those_of_the_cell(make_segmenter, data_run):
    segmenter, val = make_segmenter(), open_part(data_run, "target", "val")
    cells = Cells(*np.array([[2, 0, 2], [11, 0, 3], [23, 5, 4], [0, 0, 0]]))
    found = cell_outputs(segmenter, val, cells)
    with torch.no_grad():
        maps = [segmenter.feature_extractor(normalise(val.test_example(i, ())[0][None]))[0] for i in range(3)]
    expected = torch.stack([maps[2][:, 11, 23], maps[0][:, 0, 5], maps[2][:, 3, 4]])
    assert torch.allclose(torch.from_numpy(found.features), expected, atol=1e-4)


def test_cells_beyond_the_last_of_a_network_that_pools_are_taken_at_its_last(make_segmenter, data_run):
    segmenter, val = build_segmenter("vgg16", 12, "batch"), open_part(data_run, "target", "val")
    size = (90, 44)  # VGG floors 44 / 8 and 90 / 8, cells round up
    cells = Cells(*np.array([[0, 0], [5, 4], [11, 10], [0, 0]]))
    found = cell_outputs(segmenter, val, cells, size)
    assert np.array_equal(found.features[0], found.features[1])
    assert found.channels[0] == found.channels[1]


def test_the_class_predicted_at_a_cell_is_that_of_all_predicting_classifiers(make_segmenter, data_run):
    segmenter, val = make_segmenter(), open_part(data_run, "target", "val")
    segmenter.add_heads(["second", "auxiliary"])
    cells = Cells(*np.array([[2, 0, 2], [11, 0, 3], [23, 5, 4], [0, 0, 0]]))
    found = cell_outputs(segmenter, val, cells)
    with torch.no_grad():
        maps = [segmenter(normalise(val.test_example(i, ())[0][None]))[0].argmax(dim=0) for i in range(3)]
    assert found.channels.tolist() == [int(maps[2][11, 23]), int(maps[0][0, 5]), int(maps[2][3, 4])]


# The embedding


def test_an_embedding_starts_from_the_two_principal_components_made_small():
    features = np.random.default_rng(0).normal(size=(50, 5)) * [9, 3, 1, 1, 1]
    start = common_initialisation(features)
    assert start.shape == (50, 2)
    assert start[:, 0].std() == pytest.approx(1e-4)
    assert abs(np.corrcoef(start[:, 0], features[:, 0])[0, 1]) > 0.98


def test_an_embedding_repeats_and_keeps_clusters_apart():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(30, 60)), rng.normal(size=(30, 60)) + 20]).astype(np.float32)
    start = common_initialisation(features)
    one, again = (embed(features, start, 8.0, 250, seed=0) for _ in range(2))
    assert np.array_equal(one, again)
    gap = np.linalg.norm(one[:30].mean(0) - one[30:].mean(0))
    assert gap > 2 * max(one[:30].std(), one[30:].std())


def test_features_that_are_all_the_same_are_embedded_in_one_point():
    features = np.full((50, 5), 0.3, np.float32)
    points = embed(features, common_initialisation(features), 5.0, 250, seed=0)
    assert np.isfinite(points).all() and np.ptp(points) == 0


def test_fewer_points_than_dimensions_can_be_embedded():
    features = np.random.default_rng(0).normal(size=(20, 60)).astype(np.float32)
    assert embed(features, common_initialisation(features), 5.0, 250, seed=0).shape == (20, 2)


# The whole analysis


@pytest.fixture
def runs(save_run, tmp_path):
    """Four finished runs: two seeds of the source model, a method and its self-distilled student."""
    return (
        save_run(tmp_path / "02-s1", "source_only", seed=1),
        save_run(tmp_path / "02-s0", "source_only", seed=0),
        save_run(tmp_path / "03", "fada_soft", seed=2),
        save_run(tmp_path / "04", "fada_soft", seed=3, self_distilled=True),
    )


def analysed(data_run, folder, runs, **changes):
    values = {"samples_per_domain": 300, "embedded": (), "device": "cpu", **changes}
    p = AnalyseParameters(run=str(folder), data=data_run, runs=runs, **values)
    return analyse(p, Progress(folder, live=False))


def test_distances_come_by_method_and_seed_and_students_are_marked(data_run, tmp_path, runs):
    found = analysed(data_run, tmp_path, runs)
    assert {m: set(seeds) for m, seeds in found.ccd.items()} == {
        "source_only": {"0", "1"},
        "fada_soft": {"2"},
        "fada_soft+sd": {"3"},
    }
    assert found.ccd["source_only"]["0"]["mean"] != found.ccd["source_only"]["1"]["mean"]
    assert len(found.ccd["fada_soft"]["2"]["per_class"]) == 12


def test_of_each_method_the_lowest_seed_stands_for_it(runs):
    found = lowest_seeds(runs, ["fada_soft+sd", "oracle", "source_only"])
    assert list(found.items()) == [("fada_soft+sd", runs[3]), ("source_only", runs[1])]


def test_the_lowest_seeds_are_loaded_onto_the_device_that_is_named(runs, monkeypatch):
    monkeypatch.setattr(networks, "load_checkpoint", lambda run, device="cpu": ((run, device), None))
    loaded = networks.load_lowest_seeds(runs, ["source_only"], torch.device("cuda:1"))
    assert loaded == {"source_only": (runs[1], torch.device("cuda:1"))}


def test_maps_are_kept_with_the_class_and_the_domain_of_every_point(data_run, tmp_path, runs):
    found = analysed(data_run, tmp_path, runs[1:3], embedded=("fada_soft",), embedding_iterations=250)
    found.write_maps(tmp_path / "embedding.npz")
    with np.load(tmp_path / "embedding.npz") as kept:
        drawn = {"fada_soft": found.maps["fada_soft"]["points"], "classes": found.classes, "domains": found.domains}
        assert {name: kept[name].tolist() for name in kept.files} == {k: v.tolist() for k, v in drawn.items()}
    counts = found.counts([f"class {k}" for k in range(12)])
    assert counts.loc["target"].tolist() == [int((found.cells["target"].classes == k).sum()) for k in range(12)]


def test_the_file_of_the_maps_is_closed_before_it_gets_its_name(tmp_path):
    no_cells = Cells(*[np.zeros(0, int)] * 4)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        Alignment({"source": no_cells, "target": no_cells}, {}, {}, {}, {}, {}).write_maps(tmp_path / "embedding.npz")
    assert [str(warning.message) for warning in told] == []


def test_every_network_is_looked_at_through_the_same_cells(data_run, tmp_path, runs, monkeypatch):
    seen = []
    real = alignment.cell_outputs

    def recording(segmenter, dataset, cells, test_size):
        seen.append((dataset.items[0].name, cells.images.tobytes() + cells.rows.tobytes() + cells.columns.tobytes()))
        return real(segmenter, dataset, cells, test_size)

    monkeypatch.setattr(alignment, "cell_outputs", recording)
    analysed(data_run, tmp_path, runs)
    assert len(seen) == 8
    assert len(set(seen)) == 2, "one set of cells a domain"


@pytest.mark.parametrize("squared", [True, False])
def test_the_distance_is_that_of_source_and_target_pooled(data_run, tmp_path, runs, squared):
    found = analysed(data_run, tmp_path, runs[1:2], squared_denominator=squared)
    segmenter = alignment.load_checkpoint(runs[1])[0]
    parts = {d: open_part(data_run, d, "val") for d in ("source", "target")}
    features = np.concatenate([cell_outputs(segmenter, parts[d], found.cells[d]).features for d in parts])
    expected = class_center_distance(features, found.classes, 12, domains=found.domains, squared=squared)
    assert found.ccd["source_only"]["0"]["per_class"] == pytest.approx(expected)
    assert len(found.domains) == len(found.classes) == len(features)


def test_the_domain_distance_is_that_of_the_same_features_within_each_class(data_run, tmp_path, runs):
    found = analysed(data_run, tmp_path, runs[1:2], seed=3)
    segmenter = alignment.load_checkpoint(runs[1])[0]
    parts = {d: open_part(data_run, d, "val") for d in ("source", "target")}
    features = np.concatenate([cell_outputs(segmenter, parts[d], found.cells[d]).features for d in parts])
    images = np.concatenate([found.cells[d].images for d in parts])
    expected = proxy_a_distance(features, found.classes, found.domains, images, 12, seed=3)
    assert found.domain_distance["source_only"]["0"]["per_class"] == expected
    assert any(value is not None for value in expected)


def test_the_lowest_seed_of_each_named_method_is_embedded(data_run, tmp_path, runs, monkeypatch):
    starts = []
    monkeypatch.setattr(alignment, "embed", lambda values, start, *_: starts.append(start) or values[:, :2])
    found = analysed(data_run, tmp_path, runs, embedded=("fada_soft", "source_only", "binary"))
    assert list(found.embeddings) == ["fada_soft", "source_only"]
    assert len(starts) == 2 and np.array_equal(*starts), "one start for all, so that their maps can be compared"
    alone = analysed(data_run, tmp_path, runs[1:2], embedded=("source_only",))
    assert np.array_equal(found.embeddings["source_only"], alone.embeddings["source_only"])


def test_the_cells_are_those_of_images_at_the_size_of_testing(data_run, tmp_path, runs):
    found = analysed(data_run, tmp_path, runs[1:2], test_size=(80, 40))
    assert all(cells.rows.max() < 10 and cells.columns.max() < 20 for cells in found.cells.values())


def test_a_network_whose_features_are_not_finite_stays_without_a_value(data_run, tmp_path, runs, monkeypatch):
    real = alignment.cell_outputs

    def diverged(*given):
        outputs = real(*given)
        return outputs._replace(features=outputs.features * np.nan)

    monkeypatch.setattr(alignment, "cell_outputs", diverged)
    found = analysed(data_run, tmp_path, runs[1:2], embedded=("source_only",))
    nothing = {"mean": None, "median": None, "per_class": [None] * 12}
    assert found.ccd == found.domain_distance == {"source_only": {"0": nothing}}
    assert found.confusion == {"source_only": {}}
    assert found.embeddings == found.mistakes == {}


def test_a_network_that_has_lost_its_features_stays_without_a_class_center_distance(
    data_run, tmp_path, runs, monkeypatch
):
    real = alignment.cell_outputs

    def collapsed(*given):
        outputs = real(*given)
        return outputs._replace(features=np.full_like(outputs.features, 0.3))

    monkeypatch.setattr(alignment, "cell_outputs", collapsed)
    found = analysed(data_run, tmp_path, runs[1:2], embedded=("source_only",))
    assert found.ccd == {"source_only": {"0": {"mean": None, "median": None, "per_class": [None] * 12}}}
    assert {value for value in found.domain_distance["source_only"]["0"]["per_class"] if value is not None} == {0.0}
    assert found.confusion["source_only"].keys() == {"0"}, "it still predicts"
    assert found.embeddings == {}


def test_too_few_pixels_for_two_classes_are_refused_with_the_way_out(data_run, tmp_path, runs):
    with pytest.raises(UserError, match="samples_per_domain: no two classes have enough feature pixels; raise it"):
        analysed(data_run, tmp_path, runs[1:2], samples_per_domain=15)


def test_mistakes_are_those_at_the_target_cells_followed_from_the_source_model_of_the_same_seed(
    data_run, tmp_path, runs, save_run
):
    found = analysed(data_run, tmp_path, (*runs, save_run(tmp_path / "03-s1", "binary", seed=1)))
    assert {m: set(seeds) for m, seeds in found.confusion.items()} == {m: set(seeds) for m, seeds in found.ccd.items()}
    assert {m: set(seeds) for m, seeds in found.mistakes.items()} == {"binary": {"1"}}, "no other has its seed's start"
    assert found.mistakes["binary"]["1"]["kept"] == 1.0, "the same network twice"
    counts = np.array(found.confusion["source_only"]["0"])
    assert counts.sum(axis=1).tolist() == np.bincount(found.cells["target"].classes, minlength=12).tolist()


def test_networks_of_different_strides_are_refused(data_run, tmp_path, runs, monkeypatch):
    real = alignment.load_checkpoint

    def load(run, *device):
        loaded = real(run, *device)
        loaded[0].feature_extractor.stride = 8 if run == runs[0] else 4
        return loaded

    monkeypatch.setattr(alignment, "load_checkpoint", load)
    with pytest.raises(UserError, match=r"runs: networks of output stride \[4, 8\] cannot share pixels"):
        analysed(data_run, tmp_path, runs)


def test_an_unfinished_run_is_named(data_run, tmp_path, runs):
    with pytest.raises(UserError, match=r"03_missing/metrics\.json is missing"):
        analysed(data_run, tmp_path, (*runs, str(tmp_path / "03_missing")))
