"""The command behind `run_all.sh`: expand a study, run what is missing under Snakemake, say what came out.

torch is not imported here, so that a call that has nothing to do ends in seconds.
"""

import argparse
import errno
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from fada_lib import files
from fada_lib.parameters import UserError
from fada_lib.study import engine, status
from fada_lib.study.costs import expect
from fada_lib.study.expand import expand
from fada_lib.study.lock import locked
from fada_lib.study.plan import Plan, Run
from fada_lib.study.reuse import reusable, take_over

NOTEBOOKS = files.PROJECT_ROOT / "notebooks"
MOST_JOBS = 8
BEYOND_US = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG)
"""What a file system may answer through no fault of the code: it gets a line, all else a traceback."""


class Stopped(Exception):
    """The person, or the system, asked to stop."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of a page."""

    def error(self, message: str) -> NoReturn:
        """Raise `UserError` with argparse's message."""
        raise UserError(f"{message}; ./run_all.sh --help lists the options")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a run failed, 2 wrong input, 130 stopped."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stop)
    try:
        return _run(_parse(arguments))
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in BEYOND_US:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror}; mend this and give the same command", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="run_all.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("params", nargs="?", default=str(files.PROJECT_ROOT / "params" / "default.yaml"))
    parser.add_argument("--seeds", type=_numbers)
    parser.add_argument("--methods", type=_names)
    parser.add_argument("--output", default=str(files.PROJECT_ROOT / "results"))
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--reference", action="store_true")
    options = parser.parse_args(arguments)
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    if not options.output:
        raise UserError("--output is empty: name a folder, or leave it out for results/")
    return options


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds must be whole numbers such as 0,1,2, not '{text}'") from error


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("--methods is empty: write names of the study's section 'methods', as in binary,fada_soft")
    return names


def _run(options: argparse.Namespace) -> int:
    params = Path(options.params)
    if not params.exists() and (files.PROJECT_ROOT / params).exists():
        params = files.PROJECT_ROOT / params
    output = Path(options.output).expanduser()
    if options.tables:
        from fada_lib.study.paper import write_paper_tables  # matplotlib and pandas: a second that others need not wait

        print(f"tables: {write_paper_tables(output)}")
        return 0
    plan = expand(params, output, options.seeds, options.methods)
    if options.reference:
        from fada_lib.study.reference import write_reference  # as above

        print(f"reference: {write_reference(plan.folder, params)}")
        return 0
    jobs = options.jobs or _default_jobs(plan.threads)
    if options.dry_run:
        _tell_outdated(plan, params, options.clean, remove=False)
        due = status.due_runs(plan, _stale(plan, options.fresh))
        _print_due(plan, due, reusable(plan, due, NOTEBOOKS), jobs)
        return 0
    with locked(plan.folder):
        _tell_outdated(plan, params, options.clean, remove=options.clean)
        for run in _stale(plan, options.fresh):
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


def _print_due(plan: Plan, due: Mapping[str, str], found: Mapping[str, Path], jobs: int) -> None:
    """The dry run's answer: each run that would be executed, why, and what all of them would cost."""
    for run, folder in found.items():
        print(f"{run}  (to be taken over from {folder.parent.parent.name})")
    due = {run: reason for run, reason in due.items() if run not in found}
    for run, reason in due.items():
        print(f"{run}  ({reason})")
    if due:
        print(expect(plan, due, jobs))
    print(f"{len(due)} of {len(plan.runs)} runs of study '{plan.study}' would run; nothing was run or written")


def _print_summary(plan: Plan) -> None:
    """The target mIoU of every method, mean over seeds and worlds, and where the report is."""
    values: dict[str, list[float]] = {}
    for run in plan.runs:
        metrics = files.read_json(plan.folder / "runs" / run.id / "metrics.json")
        target = metrics.get("evaluation", {}).get("target_val")
        if target:
            name = metrics["method"] + (" + SD" if metrics["self_distilled"] else "")
            values.setdefault(name, []).append(target["single"]["miou"])
    if values:
        print("target mIoU, %:  " + ", ".join(f"{n} {100 * sum(v) / len(v):.1f}" for n, v in values.items()))
    print(f"report: {plan.folder / 'report.html'}")


def _stop(*_: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
