"""A study read back from its kept runs, `reference/<study>_runs.csv`: its tables again, without training anything.

CCD and domain distance are there if `<study>_alignment.csv` is; what needs histories or features never is: diagnosis,
mistakes, t-SNE, gradient ratios.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from fada_lib.files import PROJECT_ROOT
from fada_lib.parameters import UserError
from fada_lib.plots.style import split_name
from fada_lib.study.alignment_tables import ccd_table, domain_distance_table, relation_table
from fada_lib.study.claim_tables import claim_table, gap_table
from fada_lib.study.claims import UNMEASURED
from fada_lib.study.class_gains import class_gain_table
from fada_lib.study.comparison_tables import difference_table
from fada_lib.study.dose_tables import dose_table, trend_table
from fada_lib.study.grid_tables import point_table
from fada_lib.study.kept_alignment import with_alignment
from fada_lib.study.kept_rows import number, read_rows
from fada_lib.study.main_tables import class_table, main_table
from fada_lib.study.rendering import Table
from fada_lib.study.results import Run, Study
from fada_lib.study.sections import WORLD
from fada_lib.study.tables import build_tables

FOLDER = PROJECT_ROOT / "reference"
"""Where the project keeps its own."""
PARTS = (("target_val", "single"), ("target_val", "multiscale"), ("target_tune", "single"), ("source_val", "single"))
"""Evaluations that every row holds, by split and way of testing; of a second size there are more."""
CLASS_COLUMN = "target_val single IoU "
"""What the column of a class's IoU is called, its name left out."""
COLUMNS = (
    *("run", "code", "stage", "method", "self_distilled", "seed", *WORLD, "iterations_in_all", "target_entropy"),
    *(f"{split} {way} mIoU" for split, way in PARTS),
)
"""Columns that a study is read back from, beside those of the classes."""


def kept_study(path: Path) -> Study:
    """The kept runs of `<study>_runs.csv` as a study without folders, and what `<study>_alignment.csv` says of them.

    Raises
    ------
    UserError
        If there is no such file, it is empty, or a column is missing in either file, or the second has other runs.
    """
    rows = read_rows(path, COLUMNS)
    if not rows:
        raise UserError(f"{path} holds no runs: write it with ./run_all.sh PARAMS.yaml --reference")
    worlds = {_world(row): {name: row[name] for name in WORLD if row[name]} for row in rows}
    data = [Run(name, "data", Path(), parameters, {}, None) for name, parameters in worlds.items()]
    name = path.stem.removesuffix("_runs")
    study = Study(name, Path(), (), (*data, *map(_run, rows)))
    return with_alignment(study, path.with_name(f"{name}_alignment.csv"))


def scores_among(columns: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Columns of mIoU, such as ``target_val 384x192 mIoU`` -> split and way of testing."""
    words = {column: column.split() for column in columns if column.endswith(" mIoU")}
    return {column: (split, way) for column, (split, way, _) in words.items()}


def kept_tables(study: Study) -> list[Table]:
    """The tables that follow from rows alone, in the report's order; without CCD, of the claims those judged.

    The claim on clipping is never judged: it needs the runs' options.
    """
    makers = (
        claim_table if study.analysis else _judged,
        gap_table,
        main_table,
        difference_table,
        class_table,
        class_gain_table,
        dose_table,
        trend_table,
        point_table,
        ccd_table,
        domain_distance_table,
        relation_table,
    )
    return build_tables(study, makers)


def _judged(study: Study) -> Table | None:
    table = claim_table(study)
    return table and replace(table, rows=[row for row in table.rows if UNMEASURED not in row])


def _world(row: Mapping[str, str]) -> str:
    return "world-" + "-".join(row[name] for name in WORLD)


def _run(row: Mapping[str, str]) -> Run:
    evaluation: dict[str, dict] = {}
    for column, (split, way) in scores_among(row).items():
        if (miou := number(row[column])) is not None:
            evaluation.setdefault(split, {})[way] = {"miou": miou}
    classes = [name.removeprefix(CLASS_COLUMN) for name in row if name.startswith(CLASS_COLUMN)]
    iou = [number(row[CLASS_COLUMN + name]) for name in classes]
    evaluation.setdefault("target_val", {}).setdefault("single", {})["iou"] = iou
    metrics = {
        "stage": row["stage"],
        "method": row["method"].removesuffix("+sd"),
        "self_distilled": row["self_distilled"] == "True",
        "seed": int(row["seed"]),
        "world": _world(row),
        "classes": classes,
        "evaluation": evaluation,
        "total_iterations": int(row["iterations_in_all"]),
        "target_entropy": number(row["target_entropy"]),
    }
    point = _point(row["method"]) if row["stage"] == "adapt" else {}
    if "iterations" in point:
        metrics["iterations"] = int(point["iterations"])
    options = {"lambda_adv": float(point["lambda_adv"])} if "lambda_adv" in point else {}
    return Run(row["run"], row["stage"], Path(), {"options": options}, metrics, None)


def _point(method: str) -> dict[str, str]:
    """What a row still says of an adaptation's parameters: the point of a grid, which its name carries."""
    _, variant, _ = split_name(method)
    return dict(part.split("=") for part in variant.split(",") if part)
