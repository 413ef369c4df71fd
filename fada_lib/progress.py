"""How far a stage is and how long it will take: for a person at a notebook, and for the study's watcher.

A stage reports through one `Progress`. It rewrites `progress.json` at most every two seconds, which the
study's terminal line is made of, and shows one line that updates in place in a live notebook.
"""

import os
import time
from pathlib import Path

from fada_lib.files import write_json

INTERVAL = 2.0


class Progress:
    """Progress of one run through its parts.

    Parameters
    ----------
    folder : Path
        The run's folder.
    live : bool, optional
        Show a line in the notebook; by default when a kernel runs outside a study (papermill captures output,
        so a study sets FADA_STUDY and keeps the executed notebooks free of progress lines).
    """

    def __init__(self, folder: Path, live: bool | None = None) -> None:
        self.folder = folder
        self.live = _in_notebook() and "FADA_STUDY" not in os.environ if live is None else live
        self.seconds_by_part: dict[str, float] = {}
        self.rate_by_part: dict[str, float] = {}
        self._display = None
        self._part, self._total, self._first, self._started, self._shown = "", 0, 0, 0.0, 0.0

    def start(self, part: str, total: int, first: int = 0) -> None:
        """Begin a part of `total` steps, of which `first` were done in an earlier sitting."""
        self._part, self._total, self._first = part, total, first
        self._started, self._shown = time.monotonic(), 0.0
        self.update(first)

    def update(self, done: int, message: str = "") -> None:
        """Report `done` steps; cheap enough for every iteration."""
        now = time.monotonic()
        finished = done >= self._total
        if not finished and now - self._shown < INTERVAL:
            return
        self._shown = now
        rate = (done - self._first) / max(now - self._started, 1e-9)
        if finished:
            self.seconds_by_part[self._part] = now - self._started
            self.rate_by_part[self._part] = rate
        eta = (self._total - done) / rate if rate > 0 else None
        report = {
            "run": self.folder.name,
            "part": self._part,
            "done": done,
            "total": self._total,
            "per_second": rate,
            "eta_seconds": eta,
            "message": message,
            "time": time.time(),
        }
        write_json(self.folder / "progress.json", report)
        if self.live:
            self._show(done, rate, eta, message)

    def _show(self, done: int, rate: float, eta: float | None, message: str) -> None:
        from IPython.display import display

        remaining = f", {eta:.0f} s left" if eta else ""
        line = {"text/plain": f"{self._part}: {done}/{self._total}, {rate:.1f}/s{remaining} {message}"}
        if self._display is None:
            self._display = display(line, raw=True, display_id=True)
        else:
            self._display.update(line, raw=True)


def _in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
