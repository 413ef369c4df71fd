"""The notebooks: their form, and the smoke study that runs all of them as a user would."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from fada_lib.files import PROJECT_ROOT, read_json, read_json_lines, write_json_lines
from fada_lib.parameters import STAGES, from_mapping
from fada_lib.plots.curves import training_curves
from fada_lib.study import cli

NOTEBOOKS = {
    "01_data": "data",
    "02_source_pretrain": "pretrain",
    "03_fine_grained_adapt": "adapt",
    "04_self_distill": "distill",
    "05_ccd_tsne": "analyse",
}
PAIRS = list(NOTEBOOKS.items())


def cells(name: str, kind: str) -> list[dict]:
    notebook = json.loads((PROJECT_ROOT / "notebooks" / f"{name}.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize(("name", "stage"), PAIRS)
def test_the_parameters_cell_holds_the_defaults_as_commented_literals(name, stage):
    tagged = [c for c in cells(name, "code") if "parameters" in c["metadata"].get("tags", ())]
    assert len(tagged) == 1
    lines, statements = source(tagged[0]).splitlines(), ast.parse(source(tagged[0])).body
    values = {s.targets[0].id: ast.literal_eval(s.value) for s in statements}
    assert from_mapping(STAGES[stage], values, name) == STAGES[stage]()
    assert not [s.targets[0].id for s in statements if "  # " not in lines[s.lineno - 1]]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_teaches(name):
    text, code = cells(name, "markdown"), cells(name, "code")
    assert len(text) >= 0.8 * len(code)
    assert all(len(source(c).splitlines()) <= 25 for c in code)
    assert all(not c["outputs"] and c["execution_count"] is None for c in code)
    first = source(text[0])
    assert all(word in first for word in ("**The question.**", "**Time**", "**Needs**", "**Writes**"))
    figures = sum("stage.keep(" in source(c) for c in code)
    assert sum("**Reading" in source(c) for c in text) >= figures - 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_that_can_be_imported_lives_in_the_library(name):
    for cell in cells(name, "code"):
        definitions = (ast.ClassDef, ast.FunctionDef)
        assert not any(isinstance(node, definitions) for node in ast.parse(source(cell)).body)


def run_curves_cell(history: list[dict], folder: Path) -> list[str]:
    """Carry out notebook 02's cell that draws the curves; the names of the figures that it keeps."""
    write_json_lines(folder / "history.jsonl", history)
    kept = []
    stage = SimpleNamespace(folder=folder, keep=lambda figure, name: kept.append(name))
    (cell,) = [c for c in cells("02_source_pretrain", "code") if '"01_curves"' in source(c)]
    tools = {"read_json_lines": read_json_lines, "training_curves": training_curves, "display": lambda figure: None}
    exec(source(cell), {"stage": stage, **tools})
    return kept


def test_a_network_that_was_neither_trained_nor_tested_on_the_way_has_no_curves(tmp_path):
    assert run_curves_cell([{"iteration": 0}], tmp_path) == []
    assert run_curves_cell([{"iteration": 0, "target_tune_miou": 0.3}], tmp_path) == ["01_curves"]


def run_smoke(output: Path, *options: str) -> Path:
    assert cli.main([str(PROJECT_ROOT / "params" / "smoke.yaml"), "--output", str(output), *options]) == 0
    return output / "smoke"


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Path:
    return run_smoke(tmp_path_factory.mktemp("smoke"), "--jobs", "2")


@pytest.mark.slow
def test_the_smoke_study_ends_in_a_report(smoke):
    plan = read_json(smoke / "plan.json")["runs"]
    for run in plan:
        folder = smoke / "runs" / run["id"]
        assert read_json(folder / "metrics.json")["run"] == run["id"]
        assert (folder / "notebook.html").exists()
    page = (smoke / "report.html").read_text()
    assert "published" in page and "Class Center Distance" in page
    assert {p.stem for p in (smoke / "figures").glob("*.png")} >= {"comparison", "ccd"}


@pytest.mark.slow
def test_digits_do_not_depend_on_jobs_or_on_what_else_is_selected(smoke, tmp_path):
    again = run_smoke(tmp_path, "--jobs", "1", "--methods", "source_continued")
    compared = [f for f in again.glob("runs/0[1-4]*/metrics.json")]
    assert len(compared) >= 4
    for file in compared:
        assert file.read_bytes() == (smoke / "runs" / file.parent.name / "metrics.json").read_bytes()
