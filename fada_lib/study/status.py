"""What of a plan is on disk: which runs are due, which other code made, which no parameter file asks for any more."""

import re
from collections.abc import Iterable
from pathlib import Path

from fada_lib import files
from fada_lib.study import provenance
from fada_lib.study.plan import Plan, Run, notebook

RUN_FOLDER = re.compile(r"\d\d_.+?(?:-s(?P<seed>\d+))?-[0-9a-f]{8}")
"""The name that `expand` gives to a run's folder."""


def due_runs(plan: Plan, stale: Iterable[Run] = ()) -> dict[str, str]:
    """Run id -> why the engine would execute it, in the plan's order; reads files and writes none.

    The rule is Snakemake's under ``--rerun-triggers mtime``: a result is due if it is absent, older than what it
    reads, or reads something that is due. `stale` runs count as absent.
    """
    forgotten = {run.id for run in stale}
    due: dict[str, str] = {}
    for run in plan.runs:
        folder = plan.folder / "runs" / run.id
        needed = [folder / "params.yaml", *(plan.folder / "runs" / need / "metrics.json" for need in run.needs)]
        again = [need for need in run.needs if need in due]
        if run.id in forgotten:
            due[run.id] = "made by other code"
        elif not (folder / "metrics.json").exists():
            due[run.id] = "no result yet"
        elif again:
            due[run.id] = f"{again[0].rsplit('-', 1)[0]} runs again"
        elif _differs(run, needed[0]) or _is_older(folder / "metrics.json", needed):
            due[run.id] = "older than what it reads"
    return due


def report_is_due(plan: Plan) -> bool:
    """Whether the report is absent or older than the plan or a result."""
    results = [plan.folder / "runs" / run.id / "metrics.json" for run in plan.runs]
    report = plan.folder / "report.html"
    return not report.exists() or _is_older(report, [plan.folder / "plan.json", *results])


def stale_runs(plan: Plan, notebooks: Path) -> list[Run]:
    """Finished runs whose code, library or notebook, is not the code of this checkout."""
    current = code_now(plan, notebooks)
    stale = []
    for run in plan.runs:
        folder = plan.folder / "runs" / run.id
        if (folder / "metrics.json").exists() and (folder / "provenance.json").exists():
            if files.read_json(folder / "provenance.json").get("code_hash") != current[run.stage]:
                stale.append(run)
    return stale


def code_now(plan: Plan, notebooks: Path) -> dict[str, str]:
    """Stage -> hash of the code that would run it in this checkout."""
    one_a_stage = {run.stage: run for run in plan.runs}
    return {stage: provenance.code_hash(notebook(run, notebooks)) for stage, run in one_a_stage.items()}


def seeds_on_disk(folder: Path) -> set[int]:
    """The seeds that run folders of a study bear in their names."""
    matches = (RUN_FOLDER.fullmatch(path.name) for path in (folder / "runs").glob("*"))
    return {int(match["seed"]) for match in matches if match and match["seed"]}


def left_over(plan: Plan, everything: Plan) -> list[Path]:
    """Run folders that belong to other parameters than the study's file has now.

    Parameters
    ----------
    plan : Plan
        What was asked for.
    everything : Plan
        The same file with all methods and with every seed on disk: choosing fewer makes no folder outdated.

    Returns
    -------
    list of Path
        Sorted; an analysis counts only if it reads a run that is outdated or gone.
    """
    known = {run.id for run in (*plan.runs, *everything.runs)}
    found = [path for path in sorted((plan.folder / "runs").glob("*")) if RUN_FOLDER.fullmatch(path.name)]
    return [path for path in found if path.is_dir() and path.name not in known and not _reads_only(path, known)]


def size_of(folders: Iterable[Path]) -> int:
    """Bytes of all files in the folders."""
    return sum(path.lstat().st_size for folder in folders for path in folder.rglob("*") if not path.is_dir())


def _reads_only(folder: Path, known: set[str]) -> bool:
    """Whether a run is an analysis of `known` runs that are still there."""
    parameters = folder / "params.yaml"
    runs = files.read_yaml(parameters).get("runs", ()) if parameters.exists() else ()
    names = [Path(run).name for run in runs]
    return bool(names) and all(name in known and (folder.parent / name).exists() for name in names)


def _differs(run: Run, path: Path) -> bool:
    """Whether writing the plan would change the run's parameters."""
    return not path.exists() or path.read_text(encoding="utf-8") != files.yaml_text(dict(run.parameters))


def _is_older(path: Path, others: Iterable[Path]) -> bool:
    """Whether any of the others is missing or was written after `path`."""
    moment = path.stat().st_mtime_ns
    return any(not other.exists() or other.stat().st_mtime_ns > moment for other in others)
