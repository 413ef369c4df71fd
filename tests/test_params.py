"""Every parameter file of the repository: it expands, is called what its file is called, and says what it is for."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from fada_lib.files import PROJECT_ROOT
from fada_lib.methods.options import OPTIONS
from fada_lib.plots.style import method_colour, method_label
from fada_lib.study.expand import expand
from fada_lib.study.inherit import read_parameters
from fada_lib.study.plan import Plan

PARAMS = PROJECT_ROOT / "params"
FILES = sorted(path for path in PARAMS.rglob("*.yaml") if path.parent.name != "parts")
ABLATIONS = [path for path in FILES if path.parent.name == "ablations"]


@cache
def plan_of(path: Path) -> Plan:
    return expand(path, Path("results"))


def named(path: Path) -> str:
    return str(path.relative_to(PARAMS).with_suffix(""))


def heading(path: Path) -> str:
    lines = path.read_text().splitlines()
    count = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return " ".join(line.removeprefix("# ") for line in lines[:count])


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_expands_to_a_study_of_its_name_and_begins_with_what_it_is_for(path):
    plan = plan_of(path)
    assert plan.study == ("ablation_" if path in ABLATIONS else "") + path.stem
    assert len({run.id for run in plan.runs}) == len(plan.runs)
    assert len(heading(path)) > 30
    assert all(len(line) <= 120 for line in path.read_text().splitlines())


@pytest.mark.parametrize("path", ABLATIONS, ids=named)
def test_an_ablation_asks_a_question_of_at_least_three_paired_seeds(path):
    assert "?" in heading(path)
    plan = plan_of(path)
    assert plan.seeds in ((1, 2, 3), (1, 2, 3, 4, 5))
    assert not [run for run in plan.runs if run.parameters.get("method") == "oracle" or run.stage == "analyse"]
    assert [run for run in plan.runs if run.parameters.get("method") == "source_continued"]


@pytest.mark.parametrize("path", ABLATIONS, ids=named)
def test_its_default_level_is_the_default_studys_method(path):
    """`fada_soft` and `binary` are the default study's at any lambda; what differs otherwise has another name."""
    ours, default = read_parameters(path)["methods"], read_parameters(PARAMS / "default.yaml")["methods"]
    for name in ours.keys() & default.keys() - {"source_continued"}:
        kind = OPTIONS[default[name]["method"]]
        written, expected = (kind(**{**study[name]["options"], "lambda_adv": 0.0}) for study in (ours, default))
        assert (ours[name]["method"], written) == (default[name]["method"], expected)
        assert set(ours[name]) <= {"method", "options", "grid"}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_each_of_its_methods_has_a_colour_of_its_own(path):
    colours = [method_colour(name) for name in read_parameters(path)["methods"]]
    assert len(set(colours)) == len(colours)


def points(name: str, option: str) -> set:
    """The values of an option, or parameter, over the adaptations of a study."""
    runs = [run for run in plan_of(PARAMS / f"{name}.yaml").runs if run.stage == "adapt"]
    found = ({**run.parameters, **run.parameters["options"]} for run in runs)
    return {values[option] for values in found if option in values}


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("thresholds", "clip", {0.7, 0.8, 0.9, 1.0}),
        ("thresholds", "threshold", {0.7, 0.8, 0.9, 1.0}),
        ("thresholds", "temperature", {1.0, 1.8}),
        ("lambda", "lambda_adv", {0.001, 0.01, 0.03, 0.1, 0.3, 1.0}),
        ("temperature", "temperature", {1.0, 1.4, 1.8, 2.5, 4.0}),
        ("halves", "terms", {"both", "domain", "class"}),
        ("halves_at_temperature_1", "terms", {"both", "domain", "class"}),
        ("halves_at_temperature_1", "temperature", {1.0}),
        ("recoloured", "temperature", {1.0, 1.8}),
        ("discriminator_input", "discriminator_input", {"features", "output"}),
        ("discriminator_rate", "discriminator_learning_rate", {1e-4, 1e-3, 1e-2}),
        ("class_balanced", "sampling", {"random", "class_balanced"}),
        ("segmentation_temperature", "segmentation_temperature", {1.0, 1.8}),
        ("recoloured", "source_colours", {"own", "target"}),
        ("target_statistics", "batch_norm", {"frozen", "target"}),
    ],
)
def test_it_varies_what_it_says_over_all_its_levels(name, option, expected):
    assert points(f"ablations/{name}", option) == expected


def test_every_method_with_a_lambda_is_tuned_by_the_same_grid():
    weighted = {name for name, kind in OPTIONS.items() if "lambda_adv" in kind.__dataclass_fields__}
    ours, others = "tuning", "tuning_comparison"
    tuned = (weighted - {"oracle_encodings"}) | {"source_continued"}  # an upper bound is no competitor
    assert points(ours, "method") | points(others, "method") == tuned
    grid = {0.003, 0.01, 0.03, 0.1, 0.3}
    assert points(ours, "lambda_adv") == grid
    assert points(others, "lambda_adv") == grid | {0.001, 1.0, 3.0}, "further where a method was best at the edge"
    assert plan_of(PARAMS / f"{ours}.yaml").seeds == plan_of(PARAMS / f"{others}.yaml").seeds
    tuned_in = [{name.partition("@")[0] for name in points(file, "name")} for file in (ours, others)]
    assert set.intersection(*tuned_in) == {"source_continued"}, "each method is tuned in one of the two files"


def best_lambda(table: str) -> dict[str, float]:
    """Method, as tables call it -> the lambda with the highest target mIoU on tune in a table of `reference/`."""
    found = pd.read_csv(PROJECT_ROOT / "reference" / table)
    best = found.loc[found.groupby("Method")["Target tune mIoU"].idxmax()]
    return dict(zip(best["Method"], best["λ"], strict=True))


def tuned_as(entry: dict) -> str:
    """What the tables of tuning call the method of an entry of `methods`."""
    options = {"encoding": "soft", "temperature": 1.8, **entry["options"]}
    sharp = "_temperature_1.0" if options["temperature"] == 1.0 else ""
    known = {"fada": f"fada_{options['encoding']}{sharp}", "oracle_encodings": "fada_soft"}
    return method_label(known.get(entry["method"], entry["method"]))


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name != "paper" and p.stem != "smoke"], ids=named)
def test_every_lambda_outside_the_paper_is_the_one_that_the_measured_tuning_chose(path):
    chosen = best_lambda("tuning_sensitivity.csv") | best_lambda("tuning_comparison_sensitivity.csv")
    for entry in read_parameters(path)["methods"].values():
        if "lambda_adv" in entry.get("options", {}):
            assert entry["options"]["lambda_adv"] == chosen[tuned_as(entry)]


def test_self_distillation_is_changed_in_one_thing_at_a_time():
    runs = plan_of(PARAMS / "ablations" / "self_distillation.yaml").runs
    students = [run.parameters for run in runs if run.stage == "distill"]
    assert len(students) == 3 * 9, "three seeds, the plain student and eight variants"
    plain = next(p for p in students if not p["variant"])
    own = {"run", "seed", "teacher_run", "variant"}
    changed = {p["variant"]: {k for k in p if k not in own and p[k] != plain[k]} for p in students if p["variant"]}
    resolution = {"target_size", "crop_size", "test_size", "second_test_size"}
    assert changed == {
        "resolution": resolution,
        "augmentation": {"crop_scales"},
        "as_released": resolution | {"crop_scales"},
        "colour_jitter": {"jitter"},
        "no_batch_norm": {"student_norm"},
        "from_teacher": {"student"},
        "frozen_statistics": {"student", "student_norm"},
        "as_long_as_its_teacher": {"iterations"},
    }
