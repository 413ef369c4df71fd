"""A study from its plan to its report: what it will cost, what is due, what is taken over, and what came out."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from fada_lib import files
from fada_lib.study import engine, status
from fada_lib.study.costs import expect, together
from fada_lib.study.expand import expand
from fada_lib.study.lock import locked
from fada_lib.study.plan import Plan, Run, gap_words
from fada_lib.study.reuse import reusable, take_over

NOTEBOOKS = files.PROJECT_ROOT / "notebooks"
MOST_JOBS = 8


def tell_plan(plan: Plan, params: Path, clean: bool, fresh: bool) -> None:
    """The dry run's answer: each run that would be executed, and why; with `clean`, what would be removed."""
    _tell_outdated(plan, params, clean, remove=False)
    due = status.due_runs(plan, _stale(plan, fresh))
    found = reusable(plan, due, NOTEBOOKS)
    for run, folder in found.items():
        print(f"{run}  (to be taken over from {folder.parent.parent.name})")
    due = {run: reason for run, reason in due.items() if run not in found}
    for run, reason in due.items():
        print(f"{run}  ({reason})")
    print(f"{len(due)} of {len(plan.runs)} runs of study '{plan.study}' would run; nothing was run or written")


def run_study(plan: Plan, params: Path, jobs: int | None, clean: bool, fresh: bool) -> int:
    """Make what is missing of one study.

    Parameters
    ----------
    plan : Plan
    params : path
        The file that it was expanded from.
    jobs : int or None
        Notebooks at once; None for as many as the machine carries.
    clean, fresh : bool
        Remove the runs of parameters that the file no longer has; rerun what was made by other code.

    Returns
    -------
    int
        0, or 1 if a run failed.
    """
    jobs = jobs or _default_jobs(plan.threads)
    with locked(plan.folder):
        _tell_outdated(plan, params, clean, remove=clean)
        for run in _stale(plan, fresh):
            shutil.rmtree(plan.folder / "runs" / run.id)
        plan.write(NOTEBOOKS)
        _take_over(plan)
        due = status.due_runs(plan)
        if not due and not status.report_is_due(plan):
            print(f"nothing to do: all {len(plan.runs)} runs of study '{plan.study}' are there")
        else:
            if due:
                print(expect(plan, due, jobs), flush=True)
            code = engine.execute(plan, [run for run in plan.runs if run.id in due], jobs)
            if code:
                return code
    _print_summary(plan)
    return 0


def tell_cost(plans: Sequence[Plan], jobs: int | None, fresh: bool) -> None:
    """What all studies together will cost; a run that several of them need costs once, the others take it over."""
    counted: set[str] = set()
    costs = []
    for plan in plans:
        stale = status.stale_runs(plan, NOTEBOOKS) if fresh else []
        due = status.due_runs(plan, stale)
        there = counted.union(reusable(plan, due, NOTEBOOKS))
        due = [run for run in due if run not in there]
        counted.update(due)
        costs.append(expect(plan, due, jobs or _default_jobs(plan.threads)))
    if counted:
        print(f"{len(plans)} studies: {together(costs)}" if len(plans) > 1 else together(costs), flush=True)


def _default_jobs(threads: int) -> int:
    """One run with a GPU, otherwise as many as the cores carry."""
    if shutil.which("nvidia-smi"):
        return 1
    return max(1, min(MOST_JOBS, len(os.sched_getaffinity(0)) // threads))


def _stale(plan: Plan, fresh: bool) -> list[Run]:
    """The runs of other code if `fresh` is to rerun them; otherwise none, and a line says that there are some."""
    stale = status.stale_runs(plan, NOTEBOOKS)
    if stale and not fresh:
        print(f"{len(stale)} runs were made by other code than the code here; --fresh reruns them")
    return stale if fresh else []


def _tell_outdated(plan: Plan, params: Path, listed: bool, remove: bool) -> None:
    """Say which run folders belong to other parameters than the file has now; `remove` deletes them."""
    seeds = sorted({*plan.seeds, *status.seeds_on_disk(plan.folder)})
    folders = status.left_over(plan, expand(params, plan.folder.parent, seeds))
    if not folders:
        return
    amount = f"{len(folders)} run folders ({status.size_of(folders) / 1e6:.0f} MB)"
    for folder in folders if listed else ():
        print(f"{'removed' if remove else 'to remove'}: {folder}")
        if remove:
            shutil.rmtree(folder)
    if not listed:
        print(f"{amount} are of other parameters than {params} has now; --clean --dry-run lists, --clean removes")


def _take_over(plan: Plan) -> None:
    """Take over what other studies have finished, and say so."""
    found = reusable(plan, status.due_runs(plan), NOTEBOOKS)
    if found:
        studies = ", ".join(sorted({folder.parent.parent.name for folder in found.values()}))
        print(f"taken over from {studies}: {len(found)} runs of the same parameters, code and versions", flush=True)
    take_over(plan, found)


def _print_summary(plan: Plan) -> None:
    """The target mIoU of every method, mean over seeds and worlds of one gap, and where the report is."""
    worlds = {run.id: run.parameters for run in plan.runs if run.stage == "data"}
    gaps = {name: gap_words(p["label_shift"], p["appearance_shift"]) for name, p in worlds.items()}
    values: dict[str, dict[str, list[float]]] = {}
    for run in plan.runs:
        metrics = files.read_json(plan.folder / "runs" / run.id / "metrics.json")
        target = metrics.get("evaluation", {}).get("target_val")
        if target:
            name = metrics["method"] + (" + SD" if metrics["self_distilled"] else "")
            values.setdefault(gaps[metrics["world"]], {}).setdefault(name, []).append(target["single"]["miou"])
    for gap, of in values.items():
        where = f" at {gap}" if len(values) > 1 else ""
        print(f"target mIoU, %{where}:  " + ", ".join(f"{n} {100 * sum(v) / len(v):.1f}" for n, v in of.items()))
    print(f"report: {plan.folder / 'report.html'}")
