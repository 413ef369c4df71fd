"""The command behind `run_all.sh`: expand a study, run what is missing under Snakemake, say what came out.

torch is not imported here, so that a call that has nothing to do ends in seconds.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from fada_lib import files
from fada_lib.parameters import UserError
from fada_lib.study import engine, provenance
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan, Run, notebook

NOTEBOOKS = files.PROJECT_ROOT / "notebooks"
MOST_JOBS = 8


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
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Stopped):
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(prog="run_all.sh", add_help=False, allow_abbrev=False)
    parser.add_argument("params", nargs="?", default=str(files.PROJECT_ROOT / "params" / "default.yaml"))
    parser.add_argument("--seeds", type=_numbers)
    parser.add_argument("--methods", type=lambda text: [name for name in text.split(",") if name])
    parser.add_argument("--output", default=str(files.PROJECT_ROOT / "results"))
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args(arguments)
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, not {options.jobs}")
    return options


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds must be whole numbers such as 0,1,2, not '{text}'") from error


def _run(options: argparse.Namespace) -> int:
    params = Path(options.params)
    if not params.exists() and (files.PROJECT_ROOT / params).exists():
        params = files.PROJECT_ROOT / params
    plan = expand(params, Path(options.output).expanduser(), options.seeds, options.methods)
    jobs = options.jobs or _default_jobs(plan.threads)
    with _lock(plan.folder):
        stale = _stale(plan)
        if options.fresh and not options.dry_run:
            for run in stale:
                shutil.rmtree(plan.folder / "runs" / run.id)
        elif stale:
            print(f"{len(stale)} runs were made by other code than the code here; --fresh reruns them")
        plan.write(NOTEBOOKS)
        pending, reportable = engine.pending_runs(plan)
        if options.dry_run:
            _print_pending(plan, [*pending, *(stale if options.fresh else [])])
            return 0
        if not pending and not reportable:
            print(f"nothing to do: all {len(plan.runs)} runs of study '{plan.study}' are there")
        else:
            code = engine.execute(plan, pending, jobs)
            if code:
                return code
    _print_summary(plan)
    return 0


def _default_jobs(threads: int) -> int:
    """One run with a GPU, otherwise as many as the cores carry."""
    if shutil.which("nvidia-smi"):
        return 1
    return max(1, min(MOST_JOBS, len(os.sched_getaffinity(0)) // threads))


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keep a second call out of the study; a lock cannot go stale, the system drops it with its holder.

    Raises
    ------
    UserError
        If another call is at work on this study, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}; choose another folder with --output") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another run_all.sh is at work on {folder}; wait for it or stop it") from error
        # Snakemake inherits it: if this process is killed, the study stays closed until Snakemake has ended.
        os.set_inheritable(file.fileno(), True)
        yield


def _stale(plan: Plan) -> list[Run]:
    """Finished runs whose code, library or notebook, is not the code of this checkout."""
    notebooks = {run.stage: notebook(run, NOTEBOOKS) for run in plan.runs}
    current = {stage: provenance.code_hash(path) for stage, path in notebooks.items()}
    stale = []
    for run in plan.runs:
        folder = plan.folder / "runs" / run.id
        if (folder / "metrics.json").exists() and (folder / "provenance.json").exists():
            if files.read_json(folder / "provenance.json").get("code_hash") != current[run.stage]:
                stale.append(run)
    return stale


def _print_pending(plan: Plan, pending: Sequence[Run]) -> None:
    """The dry run's answer: each run that would be executed, and why."""
    ids = {run.id for run in pending}
    for run in plan.runs:
        if ids.intersection(run.needs):
            ids.add(run.id)
    chosen = [run for run in plan.runs if run.id in ids]
    for run in chosen:
        again = [need.rsplit("-", 1)[0] for need in run.needs if need in ids]
        if not (plan.folder / "runs" / run.id / "metrics.json").exists():
            reason = "no result yet"
        else:
            reason = f"{again[0]} runs again" if again else "made by other code or older than what it reads"
        print(f"{run.id}  ({reason})")
    print(f"{len(chosen)} of {len(plan.runs)} runs of study '{plan.study}' would run; nothing was run")


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
