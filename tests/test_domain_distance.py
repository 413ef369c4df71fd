"""The domain distance within a class, its relation to IoU, and the tables of both."""

import json
import math

import numpy as np
import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.analysis import domain_distance
from fada_lib.analysis.ccd import summary
from fada_lib.analysis.domain_distance import proxy_a_distance
from fada_lib.analysis.relation import paired_means, per_class, relate, relation, seed_points
from fada_lib.study.alignment_tables import ccd_table, domain_distance_table, relation_table
from fada_lib.study.results import read_study
from fada_lib.study.statistics import Summary

RNG = np.random.default_rng(0)
PIXELS = 60
DOMAINS = np.repeat([0, 1], PIXELS)
IMAGES = np.tile(np.arange(PIXELS) // 6, 2)  # ten images of six pixels in either domain
ONE_CLASS = np.zeros(2 * PIXELS, int)
NOISE = RNG.normal(size=(2 * PIXELS, 4))


def distance(features, classes=ONE_CLASS, domains=DOMAINS, images=IMAGES, num_classes=1, **options):
    return proxy_a_distance(features, classes, domains, images, num_classes, **options)


# The proxy A-distance


def test_domains_that_lie_apart_are_told_apart_without_error():
    assert distance(NOISE + 100 * DOMAINS[:, None]) == [2.0]


def test_domains_that_are_one_can_only_be_guessed():
    assert abs(distance(NOISE)[0]) < 0.7, "120 pixels leave some chance"


def test_the_distance_lies_between_where_the_domains_overlap():
    (half,) = distance(NOISE + np.outer(DOMAINS, [1.5, 0, 0, 0]))
    assert 0.4 < half < 1.8


def test_it_does_not_depend_on_the_scale_or_the_place_of_the_features():
    features = NOISE + np.outer(DOMAINS, [1.5, 0, 0, 0])
    assert distance(1000 * features + 7) == pytest.approx(distance(features))


def test_a_probe_is_never_asked_about_an_image_that_it_learned_from():
    # Every image has a mark of its own and nothing marks the domain: one could only know a pixel by its image.
    marks = np.random.default_rng(1).normal(size=(20, 40))[IMAGES + 10 * DOMAINS]
    assert distance(marks)[0] < 1.0
    by_pixel = distance(marks, images=np.tile(np.arange(PIXELS), 2))[0]
    assert by_pixel == 2.0, "with pixels of one image on both sides the probe would err nowhere"


def test_a_domain_with_more_pixels_is_no_help():
    kept = np.r_[np.arange(PIXELS), PIXELS + np.arange(24)]
    features = np.zeros((len(kept), 2))
    assert distance(features, ONE_CLASS[kept], DOMAINS[kept], IMAGES[kept]) == [0.0]


def test_the_probe_takes_both_domains_for_equally_likely():
    # Marked are 20 of the source's 80 pixels and 15 of the target's 20: by their number marks speak for the source.
    pixels, domains = np.r_[np.arange(80), np.arange(20)], np.repeat([0, 1], [80, 20])
    marks = (pixels % 4 == 0) ^ (domains == 1)
    images = pixels // np.where(domains == 1, 4, 8)
    assert distance(marks[:, None], np.zeros(100, int), domains, images) == [1.0]


def test_classes_are_judged_by_themselves():
    classes = np.tile([0, 1], PIXELS)
    apart = NOISE + 100 * (DOMAINS * (classes == 1))[:, None]
    first, second = distance(apart, classes, num_classes=2)
    assert second == 2.0
    assert first < 1.0


def test_too_few_pixels_or_a_single_image_give_no_distance(monkeypatch):
    assert distance(NOISE, num_classes=2)[1] is None
    monkeypatch.setattr(domain_distance, "MIN_SAMPLES", PIXELS)
    assert distance(NOISE) != [None]
    monkeypatch.setattr(domain_distance, "MIN_SAMPLES", PIXELS + 1)
    assert distance(NOISE) == [None]
    monkeypatch.undo()
    assert distance(NOISE, images=np.zeros(2 * PIXELS, int)) == [None]
    assert distance(NOISE, images=IMAGES * DOMAINS) == [None], "the source's in one image, the target's in ten"


def test_the_same_seed_gives_the_same_digits_and_another_another_split():
    features = NOISE + np.outer(DOMAINS, [0.7, 0, 0, 0])
    assert distance(features) == distance(features)
    assert len({distance(features, seed=seed)[0] for seed in range(6)}) > 1


# The relation to IoU


def table(*rows):
    return {f"m{i}": np.array(row, float) for i, row in enumerate(rows)}


def over_all(*tables):
    """The relation over all methods of the first table."""
    return relation(*tables, {"all": list(tables[0])})


def test_means_are_over_the_seeds_that_have_both_values():
    measure = {"m": {"0": [1.0, None, None], "1": [3.0, 2.0, None], "2": [None, None, None]}}
    iou = {"m": {"0": [0.2, 0.9, 0.9], "1": [0.4, 0.5, 0.5], "2": [0.0, 0.0, 0.0]}, "other": {"0": [1.0, 1.0, 1.0]}}
    found, scores = paired_means(measure, iou)
    assert found["m"][:2].tolist() == [2.0, 2.0]
    assert scores["m"][:2].tolist() == pytest.approx([0.3, 0.5]), "the diverged seed 2 counts on neither side"
    assert np.isnan([found["m"][2], scores["m"][2]]).all()
    assert found.keys() == scores.keys() == {"m"}


def test_a_point_is_a_seed_with_both_a_mean_and_an_miou():
    found = {"m": {"0": {"mean": 1.5}, "1": {"mean": None}, "2": {"mean": 2.5}}, "diverged": {"0": {"mean": None}}}
    iou = {"m": {"0": [0.2, 0.4, None], "1": [0.0, 0.0, 0.0]}, "diverged": {"0": [0.1, 0.1, 0.1]}}
    assert seed_points(found, iou) == {"m": [(1.5, pytest.approx(0.3))]}


def test_a_relation_may_depend_on_who_is_compared():
    measure, iou = table([1, 1], [2, 2], [3, 3], [4, 4], [5, 5]), table([5, 5], [4, 4], [3, 3], [2, 2], [99, 99])
    found = relation(measure, iou, {"four": ["m0", "m1", "m2", "m3"], "five": [*measure, "unknown"]})
    # Ranks 1 2 3 4 5 against 4 3 2 1 5: rho = 1 - 6 * (9 + 1 + 1 + 9) / (5 * 24) = 0.
    assert [e["rho"] for e in found["within_class"]["four"]] == pytest.approx([-1, -1])
    assert [e["rho"] for e in found["within_class"]["five"]] == pytest.approx([0, 0], abs=1e-12)
    assert found["of_means"]["four"] == [{"rho": pytest.approx(-1), "n": 4}]
    assert found["of_means"]["five"] == [{"rho": pytest.approx(0, abs=1e-12), "n": 5}]


def test_lower_that_is_always_better_correlates_with_minus_one_in_both_directions():
    measure = table([1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6], [4, 5, 6, 7])
    found = over_all(measure, {name: 1 / values for name, values in measure.items()})
    assert [entry["rho"] for entry in found["within_class"]["all"]] == pytest.approx([-1] * 4)
    assert found["within_method"]["m0"] == {"rho": pytest.approx(-1), "n": 4}


def test_the_two_directions_may_disagree():
    # Harder classes have larger values; within each class the method with the larger value is the better one.
    measure = table([1, 11, 21, 31], [2, 12, 22, 32], [3, 13, 23, 33], [4, 14, 24, 34])
    iou = table([40, 30, 20, 10], [41, 31, 21, 11], [42, 32, 22, 12], [43, 33, 23, 13])
    found = over_all(measure, iou)
    assert [entry["rho"] for entry in found["within_class"]["all"]] == pytest.approx([1] * 4)
    assert found["within_method"]["m3"]["rho"] == pytest.approx(-1)


def test_equal_values_share_their_mean_rank():
    # Ranks 1 2 3 4 against 2 1 4 3: rho = 1 - 6 * 4 / (4 * 15).
    found = over_all(table([1, 2, 3, 9]), table([20, 10, 99, 50]))
    assert found["within_method"]["m0"]["rho"] == pytest.approx(0.6)


def test_too_few_pairs_and_constants_have_no_correlation():
    found = over_all(table([1, 2, 3, np.nan], [1, 1, 1, 1]), table([1, 2, 3, 4], [1, 2, 3, 4]))
    assert found["within_method"] == {"m0": None, "m1": None}
    assert found["within_class"]["all"] == [None] * 4
    assert found["of_means"]["all"] == [None]


def test_iou_comes_from_the_runs_of_one_world_by_method_and_seed(tmp_path):
    study = SyntheticStudy(tmp_path)
    for world, miou in (("01_data-w0", 0.4), ("01_data-w1", 0.6)):
        study.world(world)
        study.model("binary", 3, miou, world=world)
        study.model("binary", 3, miou, stage="distill", world=world)
    values = pytest.approx([0.7, 0.5, None])
    assert read_study(tmp_path).iou_by_seed("01_data-w1") == {"binary": {"3": values}, "binary+sd": {"3": values}}


def test_values_by_class_are_taken_out_of_summaries():
    assert per_class({"m": {"0": summary([1.0, None])}}) == {"m": {"0": [1.0, None]}}


def test_each_measure_is_related_by_itself():
    entries = {f"m{i}": {"0": {"per_class": [float(i), 1.0 + i * i]}} for i in range(4)}
    iou = {f"m{i}": {"0": [0.1 * i, 0.3 - 0.1 * i]} for i in range(4)}
    scopes = {"all": list(entries)}
    means, found = relate({"ccd": entries}, iou, scopes)
    pair = paired_means(per_class(entries), iou)
    assert found == {"ccd": relation(*pair, scopes)}
    assert means["ccd"][0]["m3"].tolist() == [3.0, 10.0]
    assert [entry["rho"] for entry in found["ccd"]["within_class"]["all"]] == pytest.approx([1, -1])


# The tables


@pytest.fixture
def study(tmp_path):
    written = three_seeds(tmp_path)
    path = tmp_path / "runs" / "05_analysis" / "metrics.json"
    metrics = json.loads(path.read_text())
    distances = {
        name: {str(s): {"per_class": [level, level + s, None], "mean": level + s / 2, "median": level} for s in (0, 1)}
        for name, level in (("fada_soft", 0.5), ("source_only", 1.0))
    }
    entry = {"rho": -0.5, "n": 6}
    relations = {
        "ccd": {
            "of_means": {"source models and methods": [entry], "with the controls": [None]},
            "within_class": {"source models and methods": [entry, None, {"rho": 0.1, "n": 5}]},
            "within_method": {"fada_soft": entry},
        }
    }
    path.write_text(json.dumps({**metrics, "domain_distance": distances, "relations": relations}))
    return read_study(written.folder)


def test_the_table_of_distances_has_means_over_seeds_and_a_column_a_class(study):
    found = domain_distance_table(study)
    assert [column.name for column in found.columns[4:]] == study.classes
    means = [[cell.mean if isinstance(cell, Summary) else cell for cell in row] for row in found.rows]
    assert means == [
        ["Source only", 1.25, 1.0, 2, 1.0, 1.5, None],
        ["FADA, soft labels", 0.75, 0.5, 2, 0.5, 1.0, None],
    ]
    assert found.rows[0][5].sd == pytest.approx(math.sqrt(0.5))
    assert "1.25 ± 0.35" in found.to_markdown()


def test_a_diverged_seed_is_not_among_the_seeds_of_a_mean(study):
    study.analysis.metrics["domain_distance"]["fada_soft"]["7"] = {
        "per_class": [None] * 3,
        "mean": None,
        "median": None,
    }
    study.analysis.metrics["ccd"]["fada_soft"]["7"] = {"per_class": [None] * 3, "mean": None, "median": None}
    assert [row[3] for row in domain_distance_table(study).rows] == [2, 2]
    assert [row[3] for row in ccd_table(study).rows] == [3, 3]


def test_the_table_of_the_relation_says_how_the_correlations_range(study):
    of_means, within_class, within_method = relation_table(study).rows
    assert of_means[1:] == [
        "means over the classes, over the methods: source models and methods",
        -0.5,
        -0.5,
        -0.5,
        1,
        6,
    ]
    assert within_class[2:] == [pytest.approx(-0.2), -0.5, 0.1, 2, 6]
    assert within_method[2:] == [-0.5, -0.5, -0.5, 1, 6]


def test_an_analysis_without_these_measures_gives_no_table(tmp_path):
    bare = read_study(three_seeds(tmp_path).folder)
    assert domain_distance_table(bare) is None
    assert relation_table(bare) is None
