"""Where a result comes from: code, versions, machine and time. The metrics hold none of it."""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from fada_lib import files

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "matplotlib",
    "papermill",
    "snakemake",
)

COUNTED = {"05": ("results.py", "scopes.py")}
"""Number of a notebook -> modules of `fada_lib/study` that make numbers of its metrics, beside `stages.py`."""


def code_hash(notebook: Path | None = None) -> str:
    """Twelve hex digits of the library's sources and of the notebook's code cells.

    Of `fada_lib/study` only `stages.py` counts, and what `COUNTED` adds for the notebook: engine and report touch no
    run's numbers. Outputs, text cells and parameters that papermill injected do not count either.
    """
    counted = ("stages.py", *(COUNTED.get(notebook.name[:2], ()) if notebook else ()))
    library = files.PROJECT_ROOT / "fada_lib"
    digest = hashlib.sha256()
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        if relative.parts[0] != "study" or relative.name in counted:
            digest.update(f"{relative}\0".encode() + path.read_bytes() + b"\0")
    if notebook is not None:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            injected = "injected-parameters" in cell.get("metadata", {}).get("tags", ())
            if cell["cell_type"] == "code" and not injected:
                digest.update("".join(cell["source"]).encode() + b"\0")
    return digest.hexdigest()[:12]


def identify(run_name: str) -> dict[str, object]:
    """Who makes a run: code, commit, versions, hardware. Taken when it starts, for code may be edited while it runs.

    Parameters
    ----------
    run_name : str
        The run's folder, whose name starts with the number of its notebook.
    """
    notebooks = sorted((files.PROJECT_ROOT / "notebooks").glob(f"{run_name[:2]}_*.ipynb"))
    return {
        "code_hash": code_hash(notebooks[0] if notebooks else None),
        "git_commit": _git_commit(),
        "versions": versions(),
        "hardware": _hardware(),
    }


def write_provenance(
    run: Path,
    *,
    made_by: dict[str, object],
    started: float,
    seconds_by_part: dict[str, float] | None = None,
    iterations_per_second: float | None = None,
) -> None:
    """Write `provenance.json` into a run's folder; call it just before `metrics.json` is written.

    Parameters
    ----------
    run : path
        The run's folder.
    made_by : dict
        What `identify` said when the run started.
    started : float
        Unix time at the beginning of the last sitting, s: a run that was interrupted goes on in another.
    seconds_by_part : mapping of str to float, optional
        Seconds of each part, e.g. ``{"training": 71.2, "evaluation": 9.0}``.
    iterations_per_second : float, optional
        Of the last sitting, tests along the way included.
    """
    finished = time.time()
    content = {
        "run": run.name,
        "started": _iso(started),
        "finished": _iso(finished),
        "seconds": round(finished - started, 2),
        "seconds_by_part": {part: round(seconds, 2) for part, seconds in (seconds_by_part or {}).items()},
        "iterations_per_second": iterations_per_second,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **made_by,
    }
    files.write_json(run / "provenance.json", content)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _git_commit() -> str | None:
    """The commit, with `-dirty` when tracked files differ from it; None outside a git checkout."""
    commit = _git("rev-parse", "HEAD")
    return commit and commit + ("-dirty" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(files.PROJECT_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def versions() -> dict[str, str]:
    """The versions of Python and of `PACKAGES`, as far as they are installed here."""
    installed = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    return {
        "python": platform.python_version(),
        **{name: installed[name] for name in PACKAGES if name in installed},
    }


def _hardware() -> dict[str, object]:
    """Processor, cores, memory and, if torch is loaded and sees one, the GPU."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name(0) if torch is not None and torch.cuda.is_available() else None
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30, 1),
        "gpu": gpu,
        "system": platform.platform(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
