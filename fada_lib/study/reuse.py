"""Runs that another study below the same results folder has finished already: taken over instead of made again.

A run's id is the hash of its parameters and of its predecessors' ids. So where code and versions agree too, the run
would end at the same digits: the ablations need no source model of their own that the default study has trained.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from fada_lib import files
from fada_lib.study import provenance
from fada_lib.study.plan import Plan
from fada_lib.study.status import code_now

WRITTEN_IN_PLACE = ("notebook.ipynb", "stderr.log")
"""What papermill and the shell overwrite; all other files are only ever replaced, so that two names may share one."""


def reusable(plan: Plan, due: Mapping[str, str], notebooks: Path) -> dict[str, Path]:
    """Id of a run that is due -> the folder in which another study keeps its result; reads files and writes none.

    A run counts if code and versions are those here and now, and if all that it reads is finished here or taken over
    with it.
    """
    if not due:
        return {}
    versions = provenance.versions()
    code = code_now(plan, notebooks)
    found: dict[str, Path] = {}
    for run in plan.runs:
        if run.id not in due or any(need in due and need not in found for need in run.needs):
            continue
        for folder in sorted(plan.folder.parent.glob(f"*/runs/{run.id}")):
            if folder.parent.parent != plan.folder and _made_by(folder, code[run.stage], versions):
                found[run.id] = folder
                break
    return found


def take_over(plan: Plan, found: Mapping[str, Path]) -> None:
    """Give the plan's study the results of `found`, in the plan's order, so that each is newer than what it reads.

    Large files are not written twice but linked. `metrics.json`, the mark of completion, comes last.
    """
    for run in plan.runs:
        if run.id not in found:
            continue
        folder = plan.folder / "runs" / run.id
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(
            found[run.id], folder, ignore=shutil.ignore_patterns("params.yaml", "metrics.json"), copy_function=_share
        )
        files.write_yaml_if_changed(folder / "params.yaml", dict(run.parameters))
        files.write_json(folder / "metrics.json", files.read_json(found[run.id] / "metrics.json"))


def _made_by(folder: Path, code: str, versions: Mapping[str, str]) -> bool:
    """Whether `folder` holds a finished run of this code and these versions."""
    if not (folder / "metrics.json").exists() or not (folder / "provenance.json").exists():
        return False
    known = files.read_json(folder / "provenance.json")
    return known.get("code_hash") == code and known.get("versions") == versions


def _share(source: str, target: str) -> None:
    """Link a file, or copy it where that would tie two studies together or the file system cannot."""
    if Path(source).name in WRITTEN_IN_PLACE:
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
