"""What notebook 05 measured of every network, kept as `reference/<study>_alignment.csv`: to rows, and back.

Of a network are kept its CCD and its domain distance by class; what follows from them and its IoU is computed anew.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fada_lib.analysis.relation import relate
from fada_lib.parameters import UserError
from fada_lib.plots.style import method_order
from fada_lib.study.kept_rows import number, read_rows, with_kept, write_rows
from fada_lib.study.results import Run, Study
from fada_lib.study.scopes import scopes

MEASURES = ("ccd", "domain_distance")
COLUMNS = ("run", "code", "measured on", "measure", "method", "seed", "mean", "median")
"""Of a row, before those of the classes: the network with the hash of the code that made it, and the pixels."""


def write_alignment(study: Study, path: Path, networks: Mapping[str, str]) -> None:
    """Add to `path` what the study's notebook 05 measured, two rows a network; without any row there is no file.

    Parameters
    ----------
    study : Study
        With or without notebook 05.
    path : path
        Of `<study>_alignment.csv`. Its rows stay if the network is the one that is kept and the pixels are the same.
    networks : mapping
        Run id -> hash of the code, of every network that is kept.
    """
    rows = _rows(study)
    pixels = {row["measured on"] for row in rows}
    kept = [row for row in read_rows(path, COLUMNS) if networks.get(row["run"]) == row["code"]]
    rows = with_kept(rows, [row for row in kept if row["measured on"] in pixels or not pixels], networks)
    rows.sort(key=lambda row: (row["measure"], method_order(str(row["method"])), int(str(row["seed"]))))
    if rows:
        write_rows(path, [*COLUMNS, *study.classes], rows)
    else:
        path.unlink(missing_ok=True)


def with_alignment(study: Study, path: Path) -> Study:
    """The study with the run of notebook 05 that `path` tells of, and its relations to IoU; as it is without `path`.

    Raises
    ------
    UserError
        If a column is missing, or a row is of none of the study's models.
    """
    rows = read_rows(path, [*COLUMNS, *study.classes])
    worlds = {run.id: run.world for run in study.models}
    if unknown := sorted({row["run"] for row in rows} - worlds.keys()):
        raise UserError(f"{path}: '{unknown[0]}' is no kept run; write both files with ./run_all.sh --reference")
    if not rows:
        return study
    world = worlds[rows[0]["run"]]
    measured = {measure: _by_method(rows, measure, study.classes) for measure in MEASURES}
    _, relations = relate(measured, study.iou_by_seed(world), scopes(measured["ccd"]))
    analysis = Run("05_analysis", "analyse", Path(), {"data": world}, {**measured, "relations": relations}, None)
    return Study(study.name, study.folder, study.planned, (*study.runs, analysis))


def _rows(study: Study) -> list[Mapping[str, object]]:
    """One row a measure and network; what a diverged network lacks is None, and what is being remade has no row."""
    world, rows = study.analysed_world, []
    models = [run for run in study.models if run.world == world or not world]
    networks = {(run.method, str(run.metrics["seed"])): run for run in models}
    for measure in MEASURES:
        for method, seeds in study.analysed(measure).items():
            for seed, entry in seeds.items():
                if run := networks.get((method, seed)):
                    identity = [run.id, (run.provenance or {}).get("code_hash", ""), _pixels(study.analysis)]
                    values = [entry["mean"], entry["median"], *entry["per_class"]]
                    cells = [*identity, measure, method, seed, *values]
                    rows.append(dict(zip([*COLUMNS, *study.classes], cells, strict=True)))
    return rows


def _pixels(analysis: Run) -> str:
    """What a measure depends on beside the network, in words: only rows that agree in it may stand in one table."""
    p = analysis.parameters
    size = "x".join(str(edge) for edge in p.get("test_size") or ()) or "as trained"
    power = "squared" if p.get("squared_denominator", True) else "not squared"
    number_of = f"{p.get('samples_per_domain')} pixels a domain of {p.get('data', '').rsplit('/', 1)[-1]}"
    return f"{number_of}, seed {p.get('seed')}, size {size}, CCD's denominator {power}"


def _by_method(
    rows: Sequence[Mapping[str, str]], measure: str, classes: Sequence[str]
) -> dict[str, dict[str, dict[str, object]]]:
    """Method -> seed -> what an `Alignment` holds of one measure."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for row in rows:
        if row["measure"] == measure:
            entry = {name: number(row[name]) for name in ("mean", "median")}
            by_class = [number(row[name]) for name in classes]
            found.setdefault(row["method"], {})[row["seed"]] = {**entry, "per_class": by_class}
    return found
