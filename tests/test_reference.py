"""The runs behind the README's tables, kept as CSV: keyed, exact, and with the command that makes them again."""

import csv
import io
import shlex
from pathlib import Path

import pytest
from synthetic_study import LEVELS, SyntheticStudy, analysed_study, three_seeds

from fada_lib.files import PROJECT_ROOT, read_json, write_json
from fada_lib.parameters import UserError
from fada_lib.plots.style import method_label, split_name
from fada_lib.study.expand import expand
from fada_lib.study.figures import ccd_and_miou_of, ccd_of
from fada_lib.study.grids import sensitivity
from fada_lib.study.kept import kept_study, kept_tables
from fada_lib.study.main_tables import main_table
from fada_lib.study.plan import method_of
from fada_lib.study.reference import write_reference
from fada_lib.study.results import read_study
from fada_lib.study.tables import build_tables


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("study: synthetic\n")
    return path


def test_one_row_a_trained_network_keyed_by_run_parameters_and_code(tmp_path: Path, params: Path) -> None:
    folder = three_seeds(tmp_path / "study").folder
    path = write_reference(folder, params, target=tmp_path)
    rows = {row["run"]: row for row in csv.DictReader(path.open(encoding="utf-8"))}
    assert path.name == "synthetic_runs.csv"
    assert len(rows) == 8 * 3
    row = rows["adapt_fada_soft-s2-01_data-w0"]
    assert (row["method"], row["seed"], row["commit"]) == ("fada_soft", "2", "abc")
    assert (row["torch"], row["gpu"]) == ("9.9", "one that never was")
    assert row["label_shift"] == "1.0"
    assert row["parameters"] == row["run"].rsplit("-", 1)[1]


def test_its_command_runs_its_seed_and_method_and_no_other(tmp_path: Path, params: Path) -> None:
    study = three_seeds(tmp_path / "study")
    study.model("fada_soft@sd=frozen_bn", 2, 0.47, stage="distill")
    path = write_reference(study.folder, params, target=tmp_path)
    commands = {row["run"]: row["command"] for row in csv.DictReader(path.open(encoding="utf-8"))}
    students = [run for run in commands if run.startswith("distill_fada_soft") and "-s2" in run]
    assert len(students) == 2
    for student in students:
        assert commands[student] == commands["adapt_fada_soft-s2-01_data-w0"]
        assert commands[student] == "./run_all.sh mine.yaml --seeds 2 --methods fada_soft"
    assert commands["pretrain_oracle-s1-01_data-w0"] == "./run_all.sh mine.yaml --seeds 1"


def test_numbers_keep_every_digit_and_absent_classes_stay_empty(tmp_path: Path, params: Path) -> None:
    path = write_reference(three_seeds(tmp_path / "study").folder, params, target=tmp_path)
    row = next(r for r in csv.DictReader(path.open(encoding="utf-8")) if r["run"].startswith("adapt_fada_soft-s2"))
    assert row["target_val single mIoU"] == repr(0.45 + 2 * 0.02)
    assert row["target_val single IoU person"] == ""


def test_a_file_of_another_study_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("study: another\n")
    with pytest.raises(UserError, match="is not the file of study 'synthetic'"):
        write_reference(three_seeds(tmp_path / "study").folder, other, target=tmp_path)


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    return {row["run"]: row for row in csv.DictReader(path.open(encoding="utf-8"))}


def test_rows_of_planned_runs_that_the_folder_lacks_stay_and_no_others(tmp_path: Path, params: Path) -> None:
    whole = three_seeds(tmp_path / "whole")
    path = write_reference(whole.folder, params, target=tmp_path)
    before, order = rows_of(path), list(rows_of(path))
    part = SyntheticStudy(tmp_path / "part")
    part.world("01_data-w0")
    part.model("fada_soft", 1, 0.9)
    gone = "adapt_binary-s0-01_data-w0"
    write_reference(part.folder, params, before.keys() - {gone}, target=tmp_path)
    after = rows_of(path)
    again = "adapt_fada_soft-s1-01_data-w0"
    assert list(after) == [run for run in order if run != gone]
    assert after[again]["target_val single mIoU"] == "0.9"
    assert all(after[run] == before[run] for run in after if run != again)


def test_tables_of_the_kept_rows_are_those_of_the_runs(tmp_path: Path, params: Path) -> None:
    study = three_seeds(tmp_path / "study")
    write_reference(study.folder, params, target=tmp_path)
    told = {table.name: table.to_csv() for table in build_tables(read_study(study.folder))}
    for name in ("main", "differences", "classes"):
        assert (tmp_path / f"synthetic_{name}.csv").read_text(encoding="utf-8") == told[name]


def test_scores_at_a_second_size_are_kept_and_stay(tmp_path: Path, params: Path) -> None:
    study = three_seeds(tmp_path / "study")
    for path in sorted((study.folder / "runs").glob("adapt_binary-*/metrics.json")):
        metrics = read_json(path)
        metrics["evaluation"]["target_val"]["384x192"] = {"miou": 0.25}
        write_json(path, metrics)
    kept = write_reference(study.folder, params, target=tmp_path)
    before = rows_of(kept)
    assert kept_file(tmp_path, "main") == main_table(read_study(study.folder)).to_csv()
    assert '"single scale, 384x192",0.25,' in kept_file(tmp_path, "main")
    later = SyntheticStudy(tmp_path / "later")
    later.world("01_data-w0")
    later.model("fada_soft", 1, 0.9)
    write_reference(later.folder, params, before.keys(), target=tmp_path)
    second = {run: row["target_val 384x192 mIoU"] for run, row in rows_of(kept).items()}
    assert second == {run: "0.25" if "binary" in run and "distill" not in run else "" for run in before}


def kept_file(folder: Path, name: str) -> str:
    return (folder / f"synthetic_{name}.csv").read_text(encoding="utf-8")


FOLLOWING = ("claims", "ccd", "domain_distance", "relation")
"""Tables that follow from scores and the measures of notebook 05."""


def test_with_notebook_05_its_tables_and_the_measures_of_every_network_are_kept(tmp_path: Path, params: Path) -> None:
    study = analysed_study(tmp_path / "study", range(3))
    write_reference(study.folder, params, target=tmp_path)
    told = {table.name: table.to_csv() for table in build_tables(read_study(study.folder))}
    for name in (*FOLLOWING, "mistakes"):
        assert kept_file(tmp_path, name) == told[name]
    rows = list(csv.DictReader((tmp_path / "synthetic_alignment.csv").open(encoding="utf-8")))
    assert [(row["measure"], row["method"], row["seed"]) for row in rows] == [
        (measure, method, str(seed)) for measure in ("ccd", "domain_distance") for method in LEVELS for seed in range(3)
    ]
    last = rows[len(LEVELS) * 3 - 1]
    assert last["run"] == "adapt_fada_soft-s2-01_data-w0"
    assert last["measured on"] == "9 pixels a domain of 01_data-w0, seed 0, size as trained, CCD's denominator squared"
    assert [last[name] for name in ("mean", "median", "road", "building", "person")] == ["1.2", "0.7", "0.7", "1.7", ""]


def test_measures_of_seeds_analysed_in_two_sittings_stand_as_if_made_in_one(tmp_path: Path, params: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    write_reference(analysed_study(whole, range(4)).folder, params, target=whole)
    planned = rows_of(whole / "synthetic_runs.csv").keys()
    for part, seeds in (("later", (1, 2, 3)), ("sooner", (0,))):
        write_reference(analysed_study(tmp_path / part, seeds).folder, params, planned, target=parts)
    for name in ("runs", "alignment", *FOLLOWING):
        assert kept_file(parts, name) == kept_file(whole, name)
    assert kept_file(parts, "mistakes").splitlines()[1].endswith(",3"), "of the first, which had all kept runs"


def test_a_sitting_without_notebook_05_leaves_what_it_told(tmp_path: Path, params: Path) -> None:
    path = write_reference(analysed_study(tmp_path / "study", range(3)).folder, params, target=tmp_path)
    told = kept_file(tmp_path, "alignment")
    later = SyntheticStudy(tmp_path / "later")
    later.world("01_data-w0")
    for seed in range(3):
        later.model("clan", seed, 0.1, world="01_data-w0")
    write_reference(later.folder, params, rows_of(path).keys(), target=tmp_path)
    assert kept_file(tmp_path, "alignment") == told
    assert "FADA without SD beats CLAN,not measured" not in kept_file(tmp_path, "claims")


def test_claims_on_ccd_whose_networks_were_not_kept_stay(tmp_path: Path, params: Path) -> None:
    study = SyntheticStudy(tmp_path / "study")
    study.world("01_data-w0")
    for name in ("source_continued", "fada_soft"):
        study.model(name, 0, 0.5)
    write_reference(study.folder, params, target=tmp_path)
    assert "FADA beats" in kept_file(tmp_path, "claims")
    for name in ("ccd", "claims"):
        (tmp_path / f"synthetic_{name}.csv").write_text("of before\n", encoding="utf-8")
    write_reference(study.folder, params, target=tmp_path)
    assert kept_file(tmp_path, "claims") == "of before\n"


def test_measures_go_with_their_network_and_the_last_of_a_network_stay(tmp_path: Path, params: Path) -> None:
    path = write_reference(analysed_study(tmp_path / "before", range(2)).folder, params, target=tmp_path)
    gone = "adapt_binary-s1-01_data-w0"
    again = analysed_study(tmp_path / "again", [0], shift=0.2)
    write_reference(again.folder, params, rows_of(path).keys() - {gone}, target=tmp_path)
    found = kept_study(path).analysed("ccd")
    assert (found["binary"].keys(), found["fada_soft"].keys()) == ({"0"}, {"0", "1"})
    assert (found["fada_soft"]["0"]["median"], found["fada_soft"]["1"]["median"]) == (1.1, 0.8)
    other = SyntheticStudy(tmp_path / "other")
    other.world("01_data-w0")
    other.model("clan", 0, 0.5, world="01_data-w0")
    write_reference(other.folder, params, target=tmp_path)
    assert not (tmp_path / "synthetic_alignment.csv").exists()
    assert kept_study(path).methods == ["clan"]


def test_measures_on_other_pixels_or_of_a_network_made_by_other_code_go(tmp_path: Path, params: Path) -> None:
    path = write_reference(analysed_study(tmp_path / "before", range(2)).folder, params, target=tmp_path)
    planned = rows_of(path).keys()
    other = analysed_study(tmp_path / "other", [0], seed_of_pixels=1)
    write_reference(other.folder, params, planned, target=tmp_path)
    assert kept_study(path).analysed("ccd")["binary"].keys() == {"0"}
    remade = SyntheticStudy(tmp_path / "remade")
    remade.world("01_data-w0")
    folder = remade.model("binary", 0, 0.5, world="01_data-w0")
    write_json(folder / "provenance.json", {"code_hash": "new"})
    write_reference(remade.folder, params, planned, target=tmp_path)
    assert "binary" not in kept_study(path).analysed("ccd")


def test_what_notebook_05_measured_of_a_network_that_is_being_remade_is_left_out(tmp_path: Path, params: Path) -> None:
    study = analysed_study(tmp_path / "study", range(2))
    (study.folder / "runs" / "adapt_binary-s1-01_data-w0" / "metrics.json").unlink()
    path = write_reference(study.folder, params, target=tmp_path)
    assert kept_study(path).analysed("ccd")["binary"].keys() == {"0"}


def test_figures_of_kept_ccd_leave_students_out_unless_their_teacher_is_named(tmp_path: Path, params: Path) -> None:
    made = analysed_study(tmp_path / "study", range(2), students=["binary", "fada_soft"])
    study = kept_study(write_reference(made.folder, params, target=tmp_path))
    drawn = [text.get_text() for text in ccd_of(study, ["fada_soft"]).legends[0].get_texts()]
    assert "FADA, soft labels + SD" in drawn
    assert "Binary discriminator + SD" not in drawn
    axes = ccd_and_miou_of(study).axes[0]
    assert sorted(note.get_text() for note in axes.texts) == sorted(method_label(name) for name in LEVELS)
    assert axes.get_title() == "rank correlation with mIoU: −1.00 source models and methods"
    assert max(axes.dataLim.intervaly) < 65, "of the world that was analysed"


def test_measures_of_a_network_that_is_not_kept_are_refused(tmp_path: Path, params: Path) -> None:
    path = write_reference(analysed_study(tmp_path / "study", [0]).folder, params, target=tmp_path)
    measured = tmp_path / "synthetic_alignment.csv"
    measured.write_text(measured.read_text("utf-8").replace("adapt_binary", "adapt_other"), "utf-8")
    with pytest.raises(UserError, match=r"alignment\.csv: 'adapt_other-s0-01_data-w0' is no kept run"):
        kept_study(path)


def test_a_point_of_a_grid_keeps_its_lambda_and_its_iterations(tmp_path: Path, params: Path) -> None:
    study = three_seeds(tmp_path / "study")
    points = [(0.1, 400), (0.1, 800), (1.0, 400)]
    for weight, iterations in points:
        name = f"clan@lambda_adv={weight},iterations={iterations}"
        study.model(name, 0, 0.4, options={"lambda_adv": weight}, iterations=iterations)
    kept = kept_study(write_reference(study.folder, params, target=tmp_path))
    weights = {run.method: run.adversarial_weight for run in kept.models if run.adversarial_weight is not None}
    assert list(weights.values()) == [0.1, 0.1, 1.0]
    assert list(sensitivity(kept)["clan"]) == points


def test_a_file_without_runs_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none_runs\.csv holds no runs"):
        kept_study(tmp_path / "none_runs.csv")
    other = tmp_path / "other_runs.csv"
    other.write_text("run,seed\na,1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"other_runs\.csv has no column 'appearance_shift'"):
        kept_study(other)


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "reference").glob("*_runs.csv")), ids=lambda path: path.stem)
def test_every_kept_row_is_a_run_that_its_command_makes_today(path: Path) -> None:
    kept = [(row["run"], shlex.split(row["command"])) for row in csv.DictReader(path.open(encoding="utf-8"))]
    ((script, params, option),) = {tuple(command[:3]) for _, command in kept}
    assert (script, option) == ("./run_all.sh", "--seeds")
    seeds = {int(seed) for _, command in kept for seed in command[3].split(",")}
    runs = expand(PROJECT_ROOT / params, Path("results"), sorted(seeds)).runs
    by_id = {run.id: run for run in runs}
    for made, (_, _, _, chosen_seeds, *chosen) in kept:
        run, method = by_id[made], method_of(by_id[made], runs)
        assert str(run.parameters["seed"]) in chosen_seeds.split(",")
        if chosen:
            assert chosen[0] == "--methods" and {method, split_name(method)[0]} & set(chosen[1].split(","))


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "reference").glob("*_runs.csv")), ids=lambda path: path.stem)
def test_every_kept_table_follows_from_the_kept_rows(path: Path) -> None:
    """But for rows of a second size and, where CCD was not kept by network, claims on it."""
    study = kept_study(path)
    found = {table.name: list(csv.reader(io.StringIO(table.to_csv()))) for table in kept_tables(study)}
    assert "main" in found
    if study.analysis is None and path.with_name(f"{study.name}_ccd.csv").exists():
        del found["claims"]
    for name, expected in found.items():
        rows = list(csv.reader(path.with_name(f"{study.name}_{name}.csv").open(encoding="utf-8")))
        assert [row for row in expected if row not in rows] == []
        assert [row for row in rows if row not in expected and "single scale, " not in str(row)] == []
