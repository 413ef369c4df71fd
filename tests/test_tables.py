"""Tables from made-up runs: what is averaged, paired, left out and marked."""

import csv
import io
import json
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, three_seeds

from fada_lib.parameters import UserError
from fada_lib.study.claim_tables import claim_table
from fada_lib.study.comparison_tables import component_table, difference_table, encoding_table
from fada_lib.study.diagnosis_tables import diagnosis_table
from fada_lib.study.grid_tables import iteration_table, point_table, sensitivity_table
from fada_lib.study.main_tables import class_table, main_table
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import read_study
from fada_lib.study.statistics import Summary
from fada_lib.study.tables import build_tables


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
    assert (row["Runs"], row["Iterations in all"]) == ("3", "200")


def test_the_oracle_gets_no_bold_mark(folder: Path) -> None:
    lines = main_table(read_study(folder)).to_markdown().splitlines()
    assert [line.split("|")[1].strip() for line in lines if "**" in line] == ["FADA, soft labels"]
    assert "**52.0 ± 1.0**" in main_table(read_study(folder)).to_markdown()


def test_every_comparison_names_its_pairs_and_its_family(folder: Path) -> None:
    rows = {row["Comparison"]: row for row in rows_of(difference_table(read_study(folder)))}
    soft = rows["FADA, soft labels − Binary discriminator"]
    assert [float(value) for value in soft["Per pair"].split()] == pytest.approx([0.05, 0.06, 0.07])
    assert soft["Family"].startswith("Class-level alignment")
    assert rows["FADA, soft labels + SD − FADA, soft labels"]["Family"].startswith("Self-distillation")
    assert "FADA, soft labels + SD + MST − FADA, soft labels + SD" in rows


def test_a_seed_that_only_one_side_has_is_named(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed in (0, 1, 2):
        study.model("fada_soft", seed, 0.5 + 0.01 * seed)
        if seed != 2:
            study.model("binary", seed, 0.4)
    (row,) = rows_of(difference_table(read_study(study.folder)))
    assert (row["Pairs"], row["Seeds of one side only"]) == ("2", "2")


def test_component_table_gives_every_distilled_method_its_self_distillation(folder: Path) -> None:
    rows = {row["Method"]: row for row in rows_of(component_table(read_study(folder)))}
    published = rows["published: FADA, GTA5"]
    steps = ("Source only", "+ adaptation", "+ SD", "+ MST")
    assert [float(published[step]) for step in steps] == pytest.approx([0.368, 0.469, 0.492, 0.501])
    assert float(rows["Binary discriminator"]["+ MST"]) == pytest.approx(0.45)
    assert rows["FADA, hard labels"]["+ SD"] == ""
    assert "Oracle (target labels)" not in rows


def test_published_components_compete_with_nothing_measured(folder: Path) -> None:
    table = component_table(read_study(folder))
    assert {row for row, _ in table.best_cells()} == {4}


def test_class_table_has_the_spread_over_seeds(folder: Path) -> None:
    row = next(r for r in rows_of(class_table(read_study(folder))) if r["Method"] == "FADA, soft labels")
    assert float(row["road"]) == pytest.approx(0.57)
    assert float(row["road sd"]) == pytest.approx(0.02)
    assert row["person"] == ""


def test_encoding_table_stands_beside_both_published_columns(folder: Path) -> None:
    rows = rows_of(encoding_table(read_study(folder)))
    assert [row["published: SYNTHIA (percent)"] for row in rows] == ["35.4", "40.8", "41.5"]


def test_one_seed_has_neither_interval_nor_spread(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.4)
    study.model("fada_soft", 0, 0.45)
    text = difference_table(read_study(study.folder)).to_markdown()
    assert "| FADA, soft labels − Binary discriminator | +5.0 | — | — | 1 | +5.0 | — |" in text
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
    assert [row["Comparison"] for row in rows_of(difference_table(read))] == [
        "FADA, soft labels (λ = 0.01) − Binary discriminator (λ = 0.01)"
    ]
    rows = [row for row in rows_of(sensitivity_table(read)) if row["Method"] == "Binary discriminator"]
    assert [float(row["λ"]) for row in rows] == [0.001, 0.01, 0.1]
    assert float(rows[0]["Target tune mIoU"]) == pytest.approx(0.39)


def test_without_a_grid_there_is_no_sensitivity(folder: Path) -> None:
    assert sensitivity_table(read_study(folder)) is None


def test_a_variant_by_anything_but_lambda_has_a_curve_of_its_own(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for clip, miou in ((0.7, 0.3), (0.9, 0.5)):
        for weight in (0.01, 0.1):
            method, options = f"fada_soft@lambda_adv={weight},clip={clip}", {"lambda_adv": weight, "clip": clip}
            study.model(method, 0, miou, options=options)
    rows = rows_of(sensitivity_table(read_study(study.folder)))
    assert [(row["Method"], row["Seeds"]) for row in rows] == [
        ("FADA, soft labels (clip = 0.7)", "1"),
        ("FADA, soft labels (clip = 0.7)", "1"),
        ("FADA, soft labels (clip = 0.9)", "1"),
        ("FADA, soft labels (clip = 0.9)", "1"),
    ]


def test_choices_with_and_without_target_labels_stand_apart(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for weight, miou, entropy in ((0.001, 0.4, 0.1), (0.01, 0.45, 0.3)):
        folder = study.model(f"binary@lambda_adv={weight}", 0, miou, options={"lambda_adv": weight})
        metrics = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps({**metrics, "target_entropy": entropy}))
    rows = {row["Chosen by"]: row for row in rows_of(point_table(read_study(study.folder)))}
    assert (rows["target tune mIoU"]["Choice"], rows["target tune mIoU"]["Chosen with target labels"]) == (
        "Binary discriminator (λ = 0.01)",
        "yes",
    )
    assert rows["target entropy"]["Choice"] == "Binary discriminator (λ = 0.001)"
    assert float(rows["target entropy"]["Target val mIoU"]) == pytest.approx(0.4)


def test_last_and_best_iteration_are_columns_of_their_own(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    history = [(0.40, 0.8), (0.44, 0.7), (0.42, 0.6)]
    rows = [{"iteration": i, "target_tune_miou": m, "source_val_miou": s} for i, (m, s) in enumerate(history)]
    (study.model("binary", 0, 0.4) / "history.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (row,) = rows_of(iteration_table(read_study(study.folder)))
    values = {name: float(value) for name, value in row.items() if name not in ("Method", "Runs") and value}
    assert values == {
        "Last iteration (nothing chosen)": 0.42,
        "Chosen by target tune mIoU (with target labels)": 0.44,
        "Chosen by source val mIoU (without target labels)": 0.40,
    }


def test_the_diagnosis_is_that_of_the_last_iteration_over_the_seeds(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for seed, right in enumerate((0.7, 0.8)):
        rows = [
            {"iteration": i, "target_tune_miou": 0.4, "encoding_accuracy": value, "encoding_coverage": 1.0}
            for i, value in enumerate((0.1, right))
        ]
        rows.append({"iteration": 2, "segmentation": 1.0})
        (study.model("fada_soft", seed, 0.4) / "history.jsonl").write_text("\n".join(map(json.dumps, rows)))
    study.model("source_continued", 0, 0.4)
    (row,) = rows_of(diagnosis_table(read_study(study.folder)))
    assert (row["Method"], row["Runs"]) == ("FADA, soft labels", "2")
    assert float(row["Encodings right"]) == pytest.approx(0.75)
    assert float(row["Encodings right sd"]) == pytest.approx(0.05 * 2**0.5)
    assert row["D: domain right"] == ""


def test_a_second_size_of_testing_is_a_row_of_its_own(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    folder = study.model("fada_soft", 0, 0.4, stage="distill")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["evaluation"]["target_val"]["384x192"] = {"miou": 0.5, "iou": []}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    study.model("binary", 0, 0.3)
    rows = {(row["Method"], row["Testing"]): row for row in rows_of(main_table(read_study(study.folder)))}
    assert float(rows["FADA, soft labels", "single scale, 384x192"]["Target mIoU"]) == 0.5
    assert rows["FADA, soft labels", "single scale, 384x192"]["SD"] == "yes"
    assert ("Binary discriminator", "single scale, 384x192") not in rows


def test_a_diverged_network_stays_in_the_mean_and_is_named(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    study.model("binary", 0, 0.40)
    folder = study.model("binary", 1, 0.02)
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**metrics, "target_entropy": None}))
    table = main_table(read_study(study.folder))
    assert "Diverged, and counted as they are: Binary discriminator, seed 1." in table.note
    assert float(rows_of(table)[0]["Target mIoU"]) == pytest.approx(0.21)


def test_claims_stand_beside_what_the_paper_printed(folder: Path) -> None:
    rows = {row["Claim"]: row for row in rows_of(claim_table(read_study(folder)))}
    binary = rows["Class-level alignment beats binary alignment"]
    assert (binary["published gain (points) (percent)"], binary["Unit"]) == ("7.5", "points")
    assert float(binary["Mean"]) == pytest.approx(6.0)
    assert binary["Verdict"] == "holds"
    assert rows["FADA without SD beats CLAN"]["Verdict"] == "not measured"


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


def test_rows_of_one_group_stand_under_one_heading_in_html_and_keep_it_as_a_column_elsewhere() -> None:
    table = Table("t", "T", [Column("g", "group"), Column("x")], [["one", "a"], ["one", "b"], ["two", "c"]])
    assert table.to_html().count('colspan="1">one<') == 1
    assert table.to_csv().splitlines() == ["g,x", "one,a", "one,b", "two,c"]
