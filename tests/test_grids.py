"""What is chosen of a grid: by the tune split alone, whatever the split that is reported would have said."""

import json
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy

from fada_lib.files import read_json, write_json, yaml_text
from fada_lib.study.claims import judge_claims
from fada_lib.study.grid_tables import iteration_table
from fada_lib.study.grids import best_iterations, chosen_points, sensitivity, trajectories
from fada_lib.study.main_tables import class_table
from fada_lib.study.results import read_study


def test_the_point_that_stands_for_a_method_is_the_best_on_the_tune_split_and_not_on_the_reported_one(
    tmp_path: Path,
) -> None:
    study = SyntheticStudy(tmp_path)
    for seed in (0, 1):
        for weight, val, tune in ((0.01, 0.5, 0.3), (0.1, 0.4, 0.6)):
            options = {"lambda_adv": weight}
            study.model(f"binary@lambda_adv={weight}", seed, val, options=options, tune=tune)
    read = read_study(study.folder)
    assert read.representative("binary") == "binary@lambda_adv=0.1"
    assert [row[-1].mean for row in class_table(read).rows] == [pytest.approx(0.4)]


def test_each_lambda_has_the_number_of_iterations_that_is_best_for_it_on_the_tune_split(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for weight, by_iterations in (
        (0.01, {100: (0.5, 0.3), 200: (0.4, 0.6)}),
        (0.1, {100: (0.4, 0.5), 200: (0.5, 0.2)}),
    ):
        for iterations, (val, tune) in by_iterations.items():
            name = f"binary@lambda_adv={weight},iterations={iterations}"
            study.model(name, 0, val, options={"lambda_adv": weight}, tune=tune, iterations=iterations)
    best = best_iterations(sensitivity(read_study(study.folder))["binary"])
    assert {weight: [run.metrics["iterations"] for run in runs] for weight, runs in best.items()} == {
        0.01: [200],
        0.1: [100],
    }


def test_the_best_lambda_is_the_best_on_average_where_seeds_are_missing(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for method in ("binary", "fada_soft"):
        for weight, tunes in ((0.001, (0.5, 0.5)), (0.01, (0.4, 0.4, 0.4)), (0.1, (0.35, 0.35, 0.35))):
            for seed, tune in enumerate(tunes):
                cost = 0.2 if (method, weight) == ("binary", 0.1) else 0.0
                options = {"lambda_adv": weight}
                study.model(f"{method}@lambda_adv={weight}", seed, 0.5, options=options, tune=tune - cost)
    found = {j.claim.text: j for j in judge_claims(read_study(study.folder))}
    assert found["FADA forgives a large λ where binary does not"].evidence.pairs == (
        ("01_data-w0", 0),
        ("01_data-w0", 1),
    )


def test_a_point_with_a_diverged_seed_is_not_chosen_by_the_entropy_of_the_others(tmp_path: Path) -> None:
    study = SyntheticStudy(tmp_path)
    for weight in (0.01, 1.0):
        for seed in (0, 1):
            folder = study.model(f"binary@lambda_adv={weight}", seed, 0.4, options={"lambda_adv": weight})
            metrics = read_json(folder / "metrics.json")
            entropy = 0.3 if weight == 0.01 else (0.1, None)[seed]
            write_json(folder / "metrics.json", {**metrics, "target_entropy": entropy})
    assert chosen_points(read_study(study.folder))["binary"]["target entropy"] == "binary@lambda_adv=0.01"


@pytest.mark.parametrize("parameters", [{"method": "adabn"}, {"method": "binary", "batch_norm": "target"}])
def test_a_network_restated_at_its_end_has_no_trajectory_that_would_end_in_another(
    tmp_path: Path, parameters: dict
) -> None:
    study = SyntheticStudy(tmp_path)
    rows = [{"iteration": i, "target_tune_miou": 0.3, "source_val_miou": 0.7} for i in (100, 200)]
    for name, values in (("source_continued", {"method": "source_continued"}), ("binary", parameters)):
        folder = study.model(name, 0, 0.5)
        (folder / "params.yaml").write_text(yaml_text(values))
        (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = read_study(study.folder)
    assert list(trajectories(read)) == ["source_continued"]
    assert [row[0] for row in iteration_table(read).rows] == ["Source, continued"]
