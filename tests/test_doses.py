"""Dose and response: which worlds belong to a curve, how it is paired, and whether it rises."""

from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy

from fada_lib.study.dose_tables import dose_table, trend_table
from fada_lib.study.doses import by_world, doses, responses, slope, world_interval
from fada_lib.study.figures import dose_panels
from fada_lib.study.findings import findings
from fada_lib.study.main_tables import main_table
from fada_lib.study.results import Study, read_study
from fada_lib.study.statistics import holm

GAPS = [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.0, 0.0)]


def worlds(folder: Path, opponent: str = "binary") -> Study:
    """Two world seeds, two seeds, three label shifts and an easier appearance; FADA gains 2 points per label shift."""
    study = SyntheticStudy(folder)
    for world_seed in (7, 8):
        for label, appearance in GAPS:
            world = f"01_data-w{world_seed}-{label}-{appearance}"
            shifts = {"label_shift": label, "appearance_shift": appearance, "world_seed": world_seed}
            study.add(world, "data", {}, shifts)
            for seed in (0, 1):
                noise = 0.001 * seed + 0.01 * (world_seed - 7)
                study.model(opponent, seed, 0.4 + 0.01 * seed, world=world)
                study.model("fada_soft", seed, 0.4 + 0.01 * seed + 0.02 * label * appearance + noise, world=world)
    return read_study(study.folder)


def test_a_curve_varies_one_shift_and_keeps_the_other_at_its_strongest(tmp_path: Path) -> None:
    study = worlds(tmp_path)
    assert list(doses(study, "label")) == [0.0, 0.5, 1.0]
    assert [gap.appearance for gap in doses(study, "label").values()] == [1.0] * 3
    assert list(doses(study, "appearance")) == [0.0, 1.0]


def test_differences_are_paired_by_world_and_seed(tmp_path: Path) -> None:
    label, appearance = responses(worlds(tmp_path))
    assert {dose: d.summary.n for dose, d in label.steps.items()} == {0.0: 4, 0.5: 4, 1.0: 4}
    assert label.steps[1.0].summary.mean == pytest.approx(0.02 + 0.0055)
    assert appearance.steps[0.0].summary.mean == pytest.approx(0.0055)


def test_the_trend_is_a_slope_per_world_and_seed(tmp_path: Path) -> None:
    label, _ = responses(worlds(tmp_path))
    assert label.trend.values == pytest.approx([0.02] * 4)
    assert label.trend.pairs == ((7, 0), (7, 1), (8, 0), (8, 1))


def test_a_pair_that_lacks_a_dose_has_no_slope(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for label, seeds in ((0.0, 2), (1.0, 3)):
        study.add(f"01_data-{label}", "data", {}, {"label_shift": label})
        for seed in range(seeds):
            study.model("binary", seed, 0.4, world=f"01_data-{label}")
            study.model("fada_soft", seed, 0.4 + 0.02 * label, world=f"01_data-{label}")
    (response,) = responses(read_study(study.folder))
    assert response.steps[1.0].summary.n == 3
    assert response.trend.pairs == ((0, 0), (0, 1))


def test_the_doses_of_a_curve_are_one_family_and_all_trends_another(tmp_path: Path) -> None:
    found = responses(worlds(tmp_path))
    trends = [response.trend for response in found]
    for family in (trends, *(list(response.steps.values()) for response in found)):
        assert [d.p_holm for d in family] == holm([d.p for d in family])


def test_worlds_are_told_apart_and_can_be_the_sample(tmp_path: Path) -> None:
    study = worlds(tmp_path)
    step = responses(study)[0].steps[0.0]
    assert {world: [round(v, 6) for v in values] for world, values in by_world(step).items()} == {
        7: [0.0, 0.001],
        8: [0.01, 0.011],
    }
    low, high = world_interval(step)
    assert (low + high) / 2 == pytest.approx(0.0055)
    assert (high - low) / 2 == pytest.approx(12.7062 * 0.01 / 2, rel=1e-4)


def test_the_interval_of_the_trend_over_worlds_has_a_value_a_world(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for world_seed, rise in ((7, 0.02), (8, 0.04)):
        for label in (0.0, 1.0):
            world = f"01_data-w{world_seed}-{label}"
            study.add(world, "data", {}, {"label_shift": label, "world_seed": world_seed})
            for seed in (0, 1, 2):
                study.model("binary", seed, 0.4, world=world)
                study.model("fada_soft", seed, 0.4 + rise * label, world=world)
    read = read_study(study.folder)
    (row,) = trend_table(read).rows
    low, high = row[4]
    assert (low + high) / 2 == pytest.approx(0.03)
    assert (high - low) / 2 == pytest.approx(12.7062 * 0.01, rel=1e-4)
    assert row[3][0] > 0 > low, "six pairs seem to be certain of what two worlds are not"
    assert row[-2:] == [6, 2]
    assert any("over worlds" in sentence for sentence in findings(read))


@pytest.mark.parametrize("opponent", ["source_continued", "adaptsegnet"])
def test_continued_training_and_every_global_method_have_their_own_curve(tmp_path: Path, opponent: str) -> None:
    assert {r.second for r in responses(worlds(tmp_path, opponent))} == {opponent}


def test_fada_at_temperature_one_has_curves_of_its_own(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for label in (0.0, 1.0):
        study.add(f"01_data-{label}", "data", {}, {"label_shift": label})
        for method, gain in (("binary", 0.0), ("fada_soft", 0.01), ("fada_soft_temperature_1.0", 0.03)):
            study.model(method, 0, 0.4 + gain * (1 + label), world=f"01_data-{label}")
    found = {r.first: r for r in responses(read_study(study.folder))}
    assert list(found) == ["fada_soft", "fada_soft_temperature_1.0"]
    assert [r.trend.summary.mean for r in found.values()] == pytest.approx([0.01, 0.03])
    assert [row[2] for row in dose_table(read_study(study.folder)).rows[::2]] == [
        "FADA, soft labels − Binary discriminator",
        "FADA, soft labels, T = 1.0 − Binary discriminator",
    ]
    assert list(dose_panels(read_study(study.folder))) == [("label shift", name) for name in found]


def test_one_gap_has_no_dose(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.world("01_data-w0")
    study.model("binary", 0, 0.4)
    study.model("fada_soft", 0, 0.5)
    assert responses(read_study(study.folder)) == []
    assert dose_table(read_study(study.folder)) is None


def test_the_slope_of_a_line_is_its_slope() -> None:
    assert slope([0.0, 0.5, 1.0], [1.0, 2.0, 3.0]) == pytest.approx(2.0)
    assert slope([0.0, 1.0, 2.0], [0.0, 3.0, 0.0]) == pytest.approx(0.0)


def test_the_slope_is_the_least_squares_line_and_not_that_of_the_ends() -> None:
    # Doses 0, 1, 5 about their mean 2: -2, -1, 3; slope = (-2 * 1 - 1 * 4 + 3 * 4) / (4 + 1 + 9).
    assert slope([0.0, 1.0, 5.0], [1.0, 4.0, 4.0]) == pytest.approx(6 / 14)


def test_words_say_which_gap_they_are_of_and_count_its_worlds_alone(tmp_path: Path) -> None:
    (told,) = [sentence for sentence in findings(worlds(tmp_path)) if "numbers stand on" in sentence]
    assert told.startswith("Where no dose is named, the numbers stand on 2 seeds and 2 worlds of label shift 1, app")


def test_tables_name_shift_dose_and_gap_and_never_average_over_gaps(tmp_path: Path) -> None:
    study = worlds(tmp_path)
    assert [(row[0], row[1]) for row in dose_table(study).rows] == [
        ("label shift", 0.0),
        ("label shift", 0.5),
        ("label shift", 1.0),
        ("appearance shift", 0.0),
        ("appearance shift", 1.0),
    ]
    assert [row[1] for row in trend_table(study).rows] == ["label shift", "appearance shift"]
    table = main_table(study)
    assert [column.name for column in table.columns[1:3]] == ["Label shift", "Appearance shift"]
    assert {(row[1], row[2]) for row in table.rows} == set(GAPS)
    assert len(table.rows) == 2 * len(GAPS)
