"""The paper's tables from whatever studies there are: recognised, placed, missing cells shown."""

import csv
import io
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy, benchmark, three_seeds

from fada_lib.data.classes import CLASS_SETS
from fada_lib.files import PROJECT_ROOT
from fada_lib.parameters import UserError
from fada_lib.study import cli
from fada_lib.study.experiments import Experiment, experiment_of, read_experiments
from fada_lib.study.latex import to_latex
from fada_lib.study.paper import FROM_NOTEBOOK_03, write_paper_tables
from fada_lib.study.paper_tables import paper_tables
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import read_study
from fada_lib.study.statistics import Summary

NINETEEN = list(CLASS_SETS["cityscapes19"].names)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Studies of GTA5, SYNTHIA and Rome, and one of a made world that belongs to no table."""
    benchmark(tmp_path, "gta5", ("gta5", "cityscapes"), "cityscapes19", NINETEEN)
    benchmark(tmp_path, "synthia", ("synthia", "cityscapes"), "synthia16", list(CLASS_SETS["synthia16"].names))
    benchmark(tmp_path, "rome", ("cityscapes", "crosscity"), "cityscapes19", NINETEEN, target_groups=["Rome"])
    three_seeds(tmp_path / "made")
    return tmp_path


def table(results: Path, name: str) -> list[dict[str, str]]:
    """A table's CSV as rows."""
    found = next(t for t in paper_tables(read_experiments(results)) if t.name == name)
    return list(csv.DictReader(io.StringIO(found.to_csv())))


def measured(rows: list[dict[str, str]], **where: str) -> list[dict[str, str]]:
    """The rows that are not quoted, with these cells."""
    own = (row for row in rows if not row["Origin"].startswith("published"))
    return [row for row in own if all(row[name] == value for name, value in where.items())]


def test_studies_are_recognised_by_their_data_and_backbone(results: Path) -> None:
    found = [(e.table, e.dataset, e.backbone) for e in read_experiments(results)]
    assert found == [
        ("gta5", "GTA5 to Cityscapes", "ResNet-101"),
        ("crosscity", "Cityscapes to Cross-City Rome", "ResNet-101"),
        ("synthia", "SYNTHIA to Cityscapes", "ResNet-101"),
    ]
    assert experiment_of(read_study(results / "made")) is None


def test_table_3_has_published_rows_then_ours_with_mean_and_spread(results: Path) -> None:
    rows = table(results, "table3")
    (fada,) = measured(rows, Method="FADA", Backbone="ResNet-101")
    assert float(fada["mIoU"]) == pytest.approx(0.51)
    assert float(fada["mIoU sd"]) == pytest.approx(0.02 / 2**0.5)
    assert float(fada["train"]) == pytest.approx(0.51)
    assert (fada["Origin"], fada["Seeds"]) == ("measured, gta5", "2")
    printed = next(row for row in rows if row["Method"] == "FADA" and row["Origin"] == "published")
    assert (printed["Backbone"], printed["mIoU"], printed["road"]) == ("VGG-16", "0.438", "0.923")


def test_what_was_not_run_is_a_row_of_missing_cells(results: Path) -> None:
    rows = measured(table(results, "table3"), Backbone="VGG-16")
    assert [row["Method"] for row in rows][:3] == ["Source only", "Baseline (feat. only)", "FADA"]
    assert {row["Origin"] for row in rows} == {"not measured"}
    assert {row["mIoU"] for row in rows} == {""}


def test_multi_scale_testing_and_the_13_classes_have_their_own_cells(results: Path) -> None:
    (row,) = measured(table(results, "table2"), Method="FADA + SD + MST", Backbone="ResNet-101")
    assert (float(row["mIoU"]), float(row["mIoU*"])) == pytest.approx((0.7, 0.75))


def test_cross_city_shows_thirteen_of_nineteen_classes_by_city(results: Path) -> None:
    rows = table(results, "table1")
    assert "train" not in rows[0] and "bicycle" in rows[0]
    assert len(measured(rows, City="Rome", Origin="measured, rome")) == 5
    assert measured(rows, City="Tokyo", Method="FADA")[0]["mIoU"] == ""


def test_ablations_stand_beside_their_published_columns(results: Path) -> None:
    components = table(results, "table4")
    assert [row["published (percent)"] for row in components] == ["36.8", "46.9", "49.2", "50.1"]
    assert [round(float(row["gta5"]), 2) for row in components] == [0.31, 0.51, 0.61, 0.7]
    soft = table(results, "table5")[2]
    assert float(soft["GTA5: gta5"]) == float(soft["SYNTHIA: synthia"]) == pytest.approx(0.51)
    assert [row["gta5"] != "" for row in table(results, "table6")] == [False, False, True, False]


def test_table_6_has_fada_soft_and_what_differs_from_it_in_the_threshold_alone(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    soft = {"encoding": "soft", "clip": 0.9, "temperature": 1.8}
    study.model("fada_soft", 0, 0.5, options=soft)
    study.model("fada_soft_clip_0.7", 0, 0.4, options={**soft, "clip": 0.7})
    study.model("fada_soft_temperature_1.0", 0, 0.9, options={**soft, "temperature": 1.0})
    study.model("fada_live", 0, 0.9, options={**soft, "clip": 1.0}, batch_norm="live")
    experiment = Experiment(read_study(study.folder), "gta5", "GTA5 to Cityscapes", "ResNet-101")
    found = next(t for t in paper_tables([experiment]) if t.name == "table6")
    assert {row[0]: row[2] and row[2].mean for row in found.rows} == {0.7: 0.4, 0.8: None, 0.9: 0.5, 1.0: None}


def test_the_resolution_of_the_test_is_told_apart_from_the_training(results: Path) -> None:
    rows = [row for row in table(results, "test_sizes") if row["Study"] == "gta5"]
    assert rows[0]["Model"] == "Source only"
    assert float(rows[0]["tested at 1024x512"]) == pytest.approx(0.31)
    assert float(rows[0]["tested at 2048x1024"]) == pytest.approx(0.4)


def test_the_page_and_all_forms_are_written_and_an_empty_folder_says_what_is_missing(results: Path) -> None:
    page = write_paper_tables(results)
    text = page.read_text(encoding="utf-8")
    assert "gta5: GTA5 to Cityscapes, ResNet-101; 9 of 9 runs complete, 2 seeds" in text
    forms = {path.name for path in (page.parent / "tables").iterdir()}
    assert forms >= {f"table{n}.{form}" for n in range(1, 7) for form in ("csv", "md", "tex")}
    (results / "empty").mkdir()
    assert "No study of params/paper has been run yet" in write_paper_tables(results / "empty").read_text()


def test_figures_3_and_5_are_taken_from_notebook_03_and_4_is_drawn(tmp_path: Path) -> None:
    folder = benchmark(tmp_path, "gta5", ("gta5", "cityscapes"), "cityscapes19", NINETEEN)
    run = next((folder / "runs").glob("adapt_fada_soft-s0*"))
    (run / "figures").mkdir()
    for name in ("01_encodings.png", "01_encodings.pdf", "05_predictions.png"):
        (run / "figures" / name).write_bytes(b"picture")
    page = write_paper_tables(tmp_path)
    drawn = {path.name for path in (page.parent / "figures").iterdir()}
    assert drawn == {"figure3_gta5.png", "figure3_gta5.pdf", "figure5_gta5.png"}
    assert page.read_text().count("No run has drawn it.") == 1


def test_notebook_03_keeps_figures_3_and_5_under_the_names_that_are_looked_for() -> None:
    code = (PROJECT_ROOT / "notebooks" / "03_fine_grained_adapt.ipynb").read_text(encoding="utf-8")
    assert [name for name in FROM_NOTEBOOK_03.values() if f', \\"{name}\\")' not in code] == []


def test_the_command_writes_the_tables_and_refuses_a_folder_that_is_none(results: Path, capsys, tmp_path) -> None:
    assert cli.main(["--tables", "--output", str(results)]) == 0
    assert "paper_tables/report.html" in capsys.readouterr().out
    assert cli.main(["--tables", "--output", str(tmp_path / "nowhere")]) == 2
    with pytest.raises(UserError, match="does not exist"):
        write_paper_tables(tmp_path / "nowhere")


def test_published_and_measured_rows_are_ranked_apart_within_their_group() -> None:
    rows = [[0.1], [0.5], [0.3], [0.2], [0.9], [None]]
    ranked = Table("t", "T", [Column("x", "percent", "max")], rows, groups=list("aaaabb"), quoted=frozenset({0, 1}))
    assert ranked.best_cells() == {(1, 0), (2, 0)}
    assert '<td class="percent published"><b>50.0</b></td>' in ranked.to_html()


def test_latex_escapes_marks_the_best_and_separates_groups() -> None:
    columns = [Column("Method & more"), Column("mIoU", "percent", "max"), Column("SD", "flag")]
    rows = [["a_b", Summary(0.5, 0.01, 2), True], ["100 %", 0.25, False], ["λ ρ ± −", None, None]]
    text = to_latex(Table("t", "50 % < x", columns, rows, "A note.", groups=["one", "one", "two"]))
    assert r"Method \& more & mIoU & SD \\" in text
    assert r"a\_b & \textbf{50.0 $\pm$ 1.0} & $\checkmark$ \\" in text
    assert "\\midrule\n$\\lambda$ $\\rho$ $\\pm$ $-$ & -- & -- \\\\" in text
    assert r"\caption{50 \% $<$ x}" in text and "A note." in text
    assert text.count("{") == text.count("}")


def test_wide_latex_tables_are_scaled_with_upright_class_names() -> None:
    columns = [Column("Method"), *(Column(name, "percent") for name in NINETEEN)]
    text = to_latex(Table("t", "T", columns, [["m", *[0.1] * 19]]))
    assert r"\resizebox{\textwidth}{!}{" in text and r"\rotatebox{90}{road}" in text
    assert text.count("{") == text.count("}")


def test_a_study_of_several_worlds_or_cities_is_no_experiment_of_the_paper(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path / "two")
    for name in ("01_data-a", "01_data-b"):
        study.world(name)
    assert experiment_of(read_study(study.folder)) is None
    folder = benchmark(tmp_path, "all", ("cityscapes", "crosscity"), "cityscapes19", NINETEEN, target_groups=[])
    assert experiment_of(read_study(folder)) is None
