"""Snakemake as the study's engine: asked what is to do, started, watched, stopped, and its failures told."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from fada_lib import files
from fada_lib.study.plan import Plan, Run
from fada_lib.study.watch import Watcher, clock

SNAKEFILE = files.PROJECT_ROOT / "Snakefile"
REPORT_MODULE = "fada_lib.study.report"
STOP_SECONDS = 5.0
"""What a stopped run gets to end by itself before it is killed."""
LEAST_FREE = 2**22
"""Bytes; with less on the disk, a run that ended without a word ended for want of space."""


def _snakemake(plan: Plan, *arguments: str) -> list[str]:
    # No lock of its own, cli holds one; no "incomplete" marks: metrics.json is whole or absent. Times alone count, as
    # in `status`: by checksums a run made again with the same digits would leave the report without its notebook.
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(plan.folder)),
        *("--rerun-triggers", "mtime", "--max-checksum-file-size", "0"),
        *("--nolock", "--ignore-incomplete", "--nocolor"),
        *arguments,
        *("--config", f"report={REPORT_MODULE}"),
    ]


def execute(plan: Plan, pending: Sequence[Run], jobs: int) -> int:
    """Let Snakemake run what is pending while the watcher tells about it; 0, or 1 with the reason printed."""
    watcher = Watcher(plan.folder, pending, len(plan.runs), jobs, sys.stdout)
    runs = f"{len(pending)} of {len(plan.runs)} runs to do, {jobs} at once"
    watcher.say(f"study '{plan.study}': {runs}, in {plan.folder}")
    command = _snakemake(plan, "--cores", str(jobs * plan.threads), "--keep-going")
    with (plan.folder / "engine.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=_environment(), close_fds=False, start_new_session=True
        )
        try:
            watcher.follow(lambda: process.poll() is None)
        except BaseException:
            _end(process)
            raise
        finally:
            watcher.close()
    if process.returncode == 0:
        print(f"done in {clock(time.time() - watcher.started)}")
        return 0
    _print_failures(plan, pending, watcher.started)
    return 1


def _environment() -> dict[str, str]:
    """The kernels come from this Python environment, whatever the user has elsewhere, and know their study."""
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONNOUSERSITE": "1", "FADA_STUDY": "1"}


def _end(process: subprocess.Popen) -> None:
    """Stop Snakemake with all that it started; kernels have sessions of their own, so each is told."""
    if process.poll() is not None:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    # Snakemake first, else it would take the ends of its jobs for failures and start others.
    for child in reversed(children):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill() if child.pid == process.pid else child.terminate()
    _, alive = psutil.wait_procs(children[:-1], timeout=STOP_SECONDS)
    for child in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()


def _print_failures(plan: Plan, pending: Sequence[Run], started: float) -> None:
    """One line for each run that failed since `started`, or for the report if no run did."""
    for run in pending:
        folder = plan.folder / "runs" / run.id
        if _changed_since(folder / "failed", started):
            executed = folder / "notebook.ipynb"
            print(f"error: {run.label}: {_failure(executed)} (see {executed})", file=sys.stderr)
    if any(_changed_since(plan.folder / "runs" / run.id / "failed", started) for run in pending):
        print("all other runs are kept; mend this and give the same command", file=sys.stderr)
        return
    report = plan.folder / "report.log"
    log = report if _changed_since(report, started) else plan.folder / "engine.log"
    said = log.read_text(encoding="utf-8").strip().splitlines()
    print(f"error: no report: {said[-1] if said else 'no message'} (see {log})", file=sys.stderr)


def _changed_since(path: Path, moment: float) -> bool:
    return path.exists() and path.stat().st_mtime >= moment


def _failure(path: Path) -> str:
    """The error that ended the run of a notebook, as one line."""
    code = (path.parent / "failed").read_text(encoding="utf-8").strip()
    if code == "138":
        return "its kernel was killed, perhaps for want of memory: free some, or use --jobs 1"
    errors = [output for output in _outputs(path) if output["output_type"] == "error"]
    if errors:
        text = re.sub(r"\x1b\[[0-9;]*m", "", errors[-1]["evalue"]).strip()
        line = text.splitlines()[0] if text else "no message"
        return line if errors[-1]["ename"] == "UserError" else f"{errors[-1]['ename']}: {line}"
    if shutil.disk_usage(path.parent).free < LEAST_FREE:
        return f"no space left in {path.parent}: free some, or choose another folder with --output"
    said = (path.parent / "stderr.log").read_text(encoding="utf-8").strip().splitlines()
    return said[-1] if said else f"the notebook ended with code {code} and without metrics.json"


def _outputs(path: Path) -> list[dict]:
    """The outputs of an executed notebook; none if a full disk has cut it off."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (FileNotFoundError, ValueError):
        return []
    return [output for cell in cells for output in cell.get("outputs", ())]
