"""Tables from made-up runs: what is averaged, paired, left out and marked."""

import csv
import io
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.parameters import UserError
from fada_lib.study.comparisons import differences, doses, sensitivity
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import read_study
from fada_lib.study.statistics import Summary
from fada_lib.study.tables import (
    build_tables,
    component_table,
    difference_table,
    dose_table,
    encoding_table,
    main_table,
    sensitivity_table,
)


def rows_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.to_csv())))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return three_seeds(tmp_path).folder


def test_main_table_has_one_row_per_method_network_and_way_of_testing(folder: Path) -> None:
    rows = rows_of(main_table(read_study(folder)))
    keys = [(row["Method"], row["SD"], row["Testing"]) for row in rows]
    assert len(keys) == len(set(keys)) == 4 + 2 * 4
    assert ("FADA, soft labels", "yes", "multi-scale") in keys


def test_main_table_averages_over_seeds(folder: Path) -> None:
    row = next(r for r in rows_of(main_table(read_study(folder))) if r["Method"] == "FADA, soft labels")
    assert float(row["Target mIoU"]) == pytest.approx(0.47)
    assert float(row["Target mIoU sd"]) == pytest.approx(0.02)
    assert (row["Seeds"], row["Iterations in all"]) == ("3", "200")


def test_the_oracle_gets_no_bold_mark(folder: Path) -> None:
    lines = main_table(read_study(folder)).to_markdown().splitlines()
    assert [line.split("|")[1].strip() for line in lines if "**" in line] == ["FADA, soft labels"]
    assert "**52.0 ± 1.0**" in main_table(read_study(folder)).to_markdown()


def test_differences_are_paired_by_seed_and_adjusted_together(folder: Path) -> None:
    found = {(d.first, d.second): d for d in differences(read_study(folder))}
    soft = found["fada_soft", "binary"]
    assert soft.values == pytest.approx((0.05, 0.06, 0.07))
    assert soft.p_holm > soft.p
    assert ("fada_soft+sd", "fada_soft") in found
    assert ("fada_soft+sd", "binary+sd") in found


def test_component_table_gives_the_baselines_their_self_distillation_too(folder: Path) -> None:
    rows = rows_of(component_table(read_study(folder)))
    assert [row["published: FADA, GTA5 (percent)"] for row in rows] == ["36.8", "46.9", "49.2", "50.1"]
    assert float(rows[3]["Binary discriminator"]) == pytest.approx(0.45)
    assert rows[2]["FADA, hard labels"] == ""


def test_encoding_table_stands_beside_both_published_columns(folder: Path) -> None:
    rows = rows_of(encoding_table(read_study(folder)))
    assert [row["published: SYNTHIA (percent)"] for row in rows] == ["35.4", "40.8", "41.5"]


def test_one_seed_has_neither_interval_nor_spread(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.4)
    study.model("fada_soft", 0, 0.45)
    text = difference_table(read_study(study.folder)).to_markdown()
    assert "| FADA, soft labels − Binary discriminator | +5.0 | — | — | 1 | +5.0 |" in text
    assert "nan" not in text.lower()
    assert "| 45.0" in main_table(read_study(study.folder)).to_markdown().replace("**", "")


def test_unfinished_runs_are_listed_and_count_for_nothing(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.4)
    study.add("03_fada_soft-s0", "adapt", None)
    read = read_study(study.folder)
    assert read.missing == ["03_fada_soft-s0"]
    assert read.methods == ["binary"]


def test_a_study_without_a_result_has_no_table(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.add("02_source-s0", "pretrain", None)
    assert build_tables(read_study(study.folder)) == []


def test_a_folder_without_a_plan_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"plan\.json"):
        read_study(tmp_path)


def test_a_grid_is_judged_on_the_tune_split_and_its_best_point_stands_for_the_method(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for weight, miou in ((0.001, 0.4), (0.01, 0.45), (0.1, 0.2)):
        study.model(f"binary@lambda_adv={weight}", 0, miou, options={"lambda_adv": weight})
    study.model("fada_soft@lambda_adv=0.01", 0, 0.5, options={"lambda_adv": 0.01})
    read = read_study(study.folder)
    assert read.representative("binary") == "binary@lambda_adv=0.01"
    assert [(d.first, d.second) for d in differences(read)] == [("fada_soft@lambda_adv=0.01", "binary@lambda_adv=0.01")]
    assert sorted(weight for weight, _ in sensitivity(read)["binary"]) == [0.001, 0.01, 0.1]
    assert float(rows_of(sensitivity_table(read))[0]["Target tune mIoU"]) == pytest.approx(0.39)


def test_without_a_grid_there_is_no_sensitivity(folder: Path) -> None:
    assert sensitivity_table(read_study(folder)) is None


def test_worlds_of_several_label_shifts_give_a_dose_response_and_are_never_averaged(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for world, shift, gain in (("01_data-a", 0.0, 0.01), ("01_data-b", 1.0, 0.08)):
        study.world(world, shift)
        for seed in (0, 1):
            study.model("binary", seed, 0.4 + 0.01 * seed, world=world)
            study.model("fada_soft", seed, 0.4 + 0.02 * seed + gain, world=world)
    read = read_study(study.folder)
    assert {shift: d.summary.mean for shift, d in doses(read).items()} == pytest.approx({0.0: 0.015, 1.0: 0.085})
    assert [row["Label shift"] for row in rows_of(dose_table(read))] == ["0.0", "1.0"]
    assert {row["Label shift"] for row in rows_of(main_table(read))} == {"0.0", "1.0"}
    (soft,) = differences(read)
    assert soft.summary.mean == pytest.approx(0.085)


def test_csv_keeps_every_digit_and_markdown_one_decimal() -> None:
    table = Table("t", "T", [Column("a", "percent", "max")], [[Summary(1 / 3, None, 1)], [0.25], [None]])
    assert table.to_csv().splitlines()[1] == f"{1 / 3!r},"
    assert [line for line in table.to_markdown().splitlines() if line[2:].strip("* |")[:1].isdigit()] == [
        "| **33.3** |",
        "| 25.0 |",
    ]
    assert "| — |" in table.to_markdown()


def test_html_escapes_names_and_marks_the_best() -> None:
    table = Table("t", "a < b", [Column("x"), Column("y", "percent", "min")], [["<m>", 0.1], ["n", 0.2]])
    assert "&lt;m&gt;" in table.to_html()
    assert "<b>10.0</b>" in table.to_html()
    assert "<b>20.0</b>" not in table.to_html()
