"""The small metrics of a study's runs to keep under version control, and their tables: ``./run_all.sh --reference``.

A row is keyed by run id, whose last part is the hash of the resolved parameters (see `expand`), and by the hash of the
code that made it (see `provenance.code_hash`): who runs the command of its last column with that code gets its digits,
if the run had no GPU.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from fada_lib import files
from fada_lib.parameters import UserError
from fada_lib.plots.style import method_order, split_name
from fada_lib.study.alignment_tables import mistake_table
from fada_lib.study.comparisons import teacher_of
from fada_lib.study.diagnosis_tables import diagnosis_table
from fada_lib.study.grid_tables import iteration_table, sensitivity_table
from fada_lib.study.inherit import read_parameters
from fada_lib.study.kept import CLASS_COLUMN, COLUMNS, FOLDER, PARTS, WORLD, kept_study, kept_tables, scores_among
from fada_lib.study.kept_alignment import write_alignment
from fada_lib.study.kept_rows import read_rows, with_kept, write_rows
from fada_lib.study.results import Run, Study, read_study
from fada_lib.study.tables import build_tables

OF_THE_FOLDER = (iteration_table, diagnosis_table, sensitivity_table, mistake_table)
"""Tables of histories, gradients and predictions, which only the runs' folders hold."""


def write_reference(folder: Path, params: Path, planned: Collection[str] = (), target: Path = FOLDER) -> Path:
    """Write `<study>_runs.csv` into `target`, one row a finished run that trained a network, and what follows from it.

    What follows are the tables of `kept_tables`, `<study>_<table>.csv`. A study may be run in several sittings and
    places: kept rows of planned runs that the folder lacks stay, so the file grows. Where notebook 05 is done, its
    measures of every network are kept likewise as `<study>_alignment.csv`. What no row holds is told by the tables of
    `OF_THE_FOLDER`, which are written if the study as last planned has all kept runs.

    Parameters
    ----------
    folder : path
        The study's results.
    params : path
        The parameter file that made them, for the command.
    planned : collection of str
        Ids of all runs that the parameter file describes, whether or not they are in the folder.

    Returns
    -------
    path
        Of `<study>_runs.csv`.

    Raises
    ------
    UserError
        If there is no plan or no finished run, or the file's study is another.
    """
    study = read_study(folder)
    if not study.models:
        raise UserError(f"{folder} has no finished run to keep: run the study first")
    if read_parameters(params)["study"] != study.name:
        raise UserError(f"{params} is not the file of study '{study.name}' in {folder}")
    path = target / f"{study.name}_runs.csv"
    before = read_rows(path, COLUMNS)
    header, rows = network_rows(study, params, before)
    rows = sorted(with_kept(rows, before, planned), key=_place)
    networks = {str(row["run"]): str(row["code"] or "") for row in rows}
    write_rows(path, header, rows)
    write_alignment(study, target / f"{study.name}_alignment.csv", networks)
    kept = kept_study(path)
    tables = kept_tables(kept)
    if len(kept.models) == len(study.models):
        tables += build_tables(study, OF_THE_FOLDER)
    if kept.analysis is None and (target / f"{study.name}_ccd.csv").exists():
        tables = [table for table in tables if table.name != "claims"]  # those kept are about CCD too, which no row has
    for table in tables:
        files.write_text(target / f"{study.name}_{table.name}.csv", table.to_csv())
    return path


def network_rows(
    study: Study, params: Path, kept: Sequence[Mapping[str, str]]
) -> tuple[list[str], list[dict[str, object]]]:
    """The columns, those of second test sizes in `kept` too, and one row a finished run that trained a network."""
    scores = _scores(study, kept)
    header = _header(study, scores)
    rows = [dict(zip(header, _row(study, run, scores, _command(run, params)), strict=True)) for run in study.models]
    return header, rows


def _place(row: Mapping[str, object]) -> tuple:
    """Where a row stands: in the order of the story, of the worlds, of the seeds."""
    return method_order(str(row["method"])), *(str(row[name]) for name in WORLD), int(str(row["seed"]))


def _scores(study: Study, kept: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, str]]:
    """Columns of mIoU -> split and way of testing: those of every study, then second sizes, measured or kept."""
    always = [f"{split} {way} mIoU" for split, way in PARTS]
    measured = sorted({f"target_val {way} mIoU" for run in study.models for way in run.ways})
    return scores_among([*always, *measured, *(column for row in kept for column in row)])


def _header(study: Study, scores: Collection[str]) -> list[str]:
    run = ["run", "parameters", "code", "commit", "torch", "gpu", "stage", "method", "self_distilled", "seed"]
    classes = [CLASS_COLUMN + name for name in study.classes]
    return [*run, *WORLD, "iterations_in_all", *scores, "target_entropy", *classes, "seconds", "command"]


def _row(study: Study, run: Run, scores: Mapping[str, tuple[str, str]], command: str) -> list[object]:
    made_by, gap = run.provenance or {}, study.gaps.get(run.world)
    made_with = [made_by.get("versions", {}).get("torch"), made_by.get("hardware", {}).get("gpu")]
    identity = [run.id, run.id.rpartition("-")[2], made_by.get("code_hash"), made_by.get("git_commit"), *made_with]
    what = [run.stage, run.method, run.metrics["self_distilled"], run.metrics["seed"]]
    world = [study.world_seeds.get(run.world), *(gap or (None, None))]
    classes = run.class_iou() or [None] * len(study.classes)
    found = [run.score(split, way) for split, way in scores.values()]
    measured = [run.metrics.get("total_iterations"), *found, run.metrics.get("target_entropy"), *classes]
    return [*identity, *what, *world, *measured, made_by.get("seconds"), command]


def _command(run: Run, params: Path) -> str:
    """The command that makes the run again: its seed and method alone; for a pretraining, all of its seed.

    A student is named by its teacher, which brings that teacher's other students too. A point of a grid is named alone
    if it has one coordinate; the command line separates names by commas.
    """
    path = params.resolve()
    named = path.relative_to(files.PROJECT_ROOT) if path.is_relative_to(files.PROJECT_ROOT) else path.name
    seed = f"./run_all.sh {named} --seeds {run.metrics['seed']}"
    method = teacher_of(run.metrics["method"])
    if run.stage == "pretrain":
        return seed
    return f"{seed} --methods {split_name(method)[0] if ',' in method else method}"
