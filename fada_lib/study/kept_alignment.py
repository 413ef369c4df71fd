"""What notebook 05 measured of every network, kept as `reference/<study>_alignment.csv`: to rows, and back.

Of a network are kept its CCD and its domain distance by class; what follows from them and its IoU is computed anew.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fada_lib.analysis.relation import relate
from fada_lib.parameters import UserError
from fada_lib.study.comparisons import scopes
from fada_lib.study.kept_rows import number
from fada_lib.study.results import Run, Study

MEASURES = ("ccd", "domain_distance")
COLUMNS = ["run", "analysis", "measure", "method", "seed", "mean", "median"]
"""Of a row, before those of the classes; `run` is the network's, `analysis` that of notebook 05."""


def alignment_rows(study: Study) -> list[dict[str, object]]:
    """One row a measure and network that notebook 05 looked at; what a diverged network lacks is None."""
    world, rows = study.analysed_world, []
    models = [run for run in study.models if run.world == world or not world]
    networks = {(run.method, str(run.metrics["seed"])): run.id for run in models}
    for measure in MEASURES:
        for method, seeds in study.analysed(measure).items():
            for seed, entry in seeds.items():
                identity = [networks[method, seed], study.analysis.id, measure, method, seed]
                row = [*identity, entry["mean"], entry["median"], *entry["per_class"]]
                rows.append(dict(zip(COLUMNS + study.classes, row, strict=True)))
    return rows


def kept_analysis(rows: Sequence[Mapping[str, str]], study: Study) -> Run:
    """The run of notebook 05 that the rows are of, with the relations to the IoU of the study's models.

    Raises
    ------
    UserError
        If a row is of none of the models.
    """
    worlds = {run.id: run.world for run in study.models}
    if unknown := sorted({row["run"] for row in rows} - worlds.keys()):
        raise UserError(f"alignment of '{unknown[0]}', which is no kept run: write both with ./run_all.sh --reference")
    world = worlds[rows[-1]["run"]]
    measured = {measure: _by_method(rows, measure) for measure in MEASURES}
    _, relations = relate(measured, study.iou_by_seed(world), scopes(measured["ccd"]))
    metrics = {**measured, "relations": relations}
    return Run(rows[-1]["analysis"], "analyse", Path(), {"data": world}, metrics, None)


def _by_method(rows: Sequence[Mapping[str, str]], measure: str) -> dict[str, dict[str, dict[str, object]]]:
    """Method -> seed -> what an `Alignment` holds of one measure."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for row in rows:
        if row["measure"] == measure:
            mean, median, *by_class = (number(row[name]) for name in row if name not in COLUMNS[:-2])
            entry = {"mean": mean, "median": median, "per_class": by_class}
            found.setdefault(row["method"], {})[row["seed"]] = entry
    return found
