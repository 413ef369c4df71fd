"""A study read back from its kept runs, `reference/<study>_runs.csv`: its tables again, without training anything.

What needs more than a row holds (histories, features) is not there: diagnosis, CCD, t-SNE, gradient ratios.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fada_lib.files import PROJECT_ROOT
from fada_lib.parameters import UserError
from fada_lib.plots.style import split_name
from fada_lib.study.claim_tables import claim_table, gap_table
from fada_lib.study.claims import UNMEASURED
from fada_lib.study.class_gains import class_gain_table
from fada_lib.study.comparison_tables import difference_table
from fada_lib.study.dose_tables import dose_table, trend_table
from fada_lib.study.grid_tables import point_table
from fada_lib.study.main_tables import class_table, main_table
from fada_lib.study.rendering import Table
from fada_lib.study.results import Run, Study
from fada_lib.study.tables import build_tables

FOLDER = PROJECT_ROOT / "reference"
"""Where the project keeps its own."""
PARTS = (("target_val", "single"), ("target_val", "multiscale"), ("target_tune", "single"), ("source_val", "single"))
"""Evaluations that a row holds, by split and way of testing."""
CLASS_COLUMN = "target_val single IoU "
"""What the column of a class's IoU is called, its name left out."""
WORLD = ("world_seed", "label_shift", "appearance_shift")


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a `<study>_runs.csv`, empty if there is no such file.

    Raises
    ------
    UserError
        If it lacks a column that `fada_lib.study.reference` writes.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    needed = {"run", "stage", "method", "seed", *(f"{split} {way} mIoU" for split, way in PARTS)}
    if rows and (absent := sorted(needed - rows[0].keys())):
        raise UserError(f"{path} has no column '{absent[0]}': it is no file that ./run_all.sh --reference wrote")
    return rows


def kept_study(path: Path) -> Study:
    """The kept runs of `<study>_runs.csv` as a study without folders.

    Raises
    ------
    UserError
        If there is no such file, it is empty, or a column is missing.
    """
    rows = read_rows(path)
    if not rows:
        raise UserError(f"{path} holds no runs: write it with ./run_all.sh PARAMS.yaml --reference")
    worlds = {_world(row): {name: row[name] for name in WORLD if row[name]} for row in rows}
    data = [Run(name, "data", Path(), parameters, {}, None) for name, parameters in worlds.items()]
    return Study(path.stem.removesuffix("_runs"), Path(), (), (*data, *map(_run, rows)))


def kept_tables(study: Study) -> list[Table]:
    """The tables that follow from rows alone, in the report's order; of the claims those that rows can judge."""
    makers = (
        _judged,
        gap_table,
        main_table,
        difference_table,
        class_table,
        class_gain_table,
        dose_table,
        trend_table,
        point_table,
    )
    return build_tables(study, makers)


def _judged(study: Study) -> Table | None:
    table = claim_table(study)
    return table and replace(table, rows=[row for row in table.rows if UNMEASURED not in row])


def _world(row: Mapping[str, str]) -> str:
    return "world-" + "-".join(row[name] for name in WORLD)


def _run(row: Mapping[str, str]) -> Run:
    evaluation: dict[str, dict] = {}
    for split, way in PARTS:
        if (miou := _number(row[f"{split} {way} mIoU"])) is not None:
            evaluation.setdefault(split, {})[way] = {"miou": miou}
    classes = [name.removeprefix(CLASS_COLUMN) for name in row if name.startswith(CLASS_COLUMN)]
    evaluation["target_val"]["single"]["iou"] = [_number(row[CLASS_COLUMN + name]) for name in classes]
    metrics = {
        "stage": row["stage"],
        "method": row["method"].removesuffix("+sd"),
        "self_distilled": row["self_distilled"] == "True",
        "seed": int(row["seed"]),
        "world": _world(row),
        "classes": classes,
        "evaluation": evaluation,
        "total_iterations": int(row["iterations_in_all"]),
        "target_entropy": _number(row["target_entropy"]),
    }
    return Run(row["run"], row["stage"], Path(), {"options": _options(row["method"])}, metrics, None)


def _options(method: str) -> dict[str, float]:
    """What a row still says of its options: the λ of a point of a grid, which its name carries."""
    _, variant, _ = split_name(method)
    named = dict(part.split("=") for part in variant.split(",") if part)
    return {"lambda_adv": float(named["lambda_adv"])} if "lambda_adv" in named else {}


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
