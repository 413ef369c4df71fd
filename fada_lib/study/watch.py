"""What a person sees while a study runs: one line that is redrawn, or a line now and then without a terminal.

Everything is read from the study's folder: a run that has started has a fresh `notebook.ipynb`, one that is
at work a fresh `progress.json`, one that failed the file `failed`, one that is done a fresh `metrics.json`.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fada_lib.study.estimate import is_training, makespan, measured, seconds_left
from fada_lib.study.plan import Run

REDRAW_SECONDS = 0.5
LINE_SECONDS = 30.0


@dataclass(frozen=True)
class State:
    """Where a run stands: `waiting`, `running`, `failed` or `done`; its progress record when running."""

    run: Run
    phase: str
    progress: dict


class Watcher:
    """Follows the pending runs of a study and tells a stream and `log.txt` about them.

    Parameters
    ----------
    folder : path
        The study's folder.
    pending : sequence of Run
        The runs that this call of the engine will execute.
    total : int
        All runs of the study; those not pending count as done.
    jobs : int
        How many run at once, for the estimate.
    stream : text stream
        Where to show it; redrawn in place if it is a terminal.
    """

    def __init__(self, folder: Path, pending: Sequence[Run], total: int, jobs: int, stream: TextIO):
        self.folder, self.pending, self.total, self.jobs, self.stream = folder, pending, total, jobs, stream
        self.started = time.time()
        self.costs = measured(folder)
        self.first_seen: dict[str, float] = {}
        self.told: set[str] = set()
        self.last_line = self.started
        self.terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.log = (folder / "log.txt").open("a", encoding="utf-8", buffering=1)

    def follow(self, is_alive: Callable[[], bool]) -> None:
        """Show the progress until `is_alive` says that the engine has ended."""
        while is_alive():
            self.update()
            time.sleep(REDRAW_SECONDS)
        self.update()
        self._clear()

    def close(self) -> None:
        """Close the log file."""
        self.log.close()

    def say(self, text: str) -> None:
        """Print a line and write it to the log with the time of day."""
        self._clear()
        print(text, file=self.stream, flush=True)
        self.log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def update(self) -> None:
        """Read all states once; tell what has ended and show what is running."""
        states = [self._state(run) for run in self.pending]
        done = self.total - sum(state.phase != "done" for state in states)
        for state in states:
            if state.phase in ("done", "failed") and state.run.id not in self.told:
                self.told.add(state.run.id)
                self.costs = measured(self.folder)
                word = "FAILED" if state.phase == "failed" else "done"
                self.say(f"[{done}/{self.total}] {state.run.label} {word}{self._took(state.run)}")
        line = self._line(states, done)
        if self.terminal:
            self._clear()
            self.stream.write(line[: shutil.get_terminal_size().columns - 1])
            self.stream.flush()
        elif time.time() - self.last_line >= LINE_SECONDS:
            self.last_line = time.time()
            self.say(line)

    def _clear(self) -> None:
        if self.terminal:
            self.stream.write("\r\x1b[K")

    def _state(self, run: Run) -> State:
        folder = self.folder / "runs" / run.id
        if self._is_fresh(folder / "metrics.json"):
            return State(run, "done", {})
        if self._is_fresh(folder / "failed"):
            return State(run, "failed", {})
        if not self._is_fresh(folder / "notebook.ipynb"):
            return State(run, "waiting", {})
        self.first_seen.setdefault(run.id, time.time())
        path = folder / "progress.json"
        return State(run, "running", json.loads(path.read_text()) if self._is_fresh(path) else {})

    def _is_fresh(self, path: Path) -> bool:
        try:
            return path.stat().st_mtime >= self.started
        except FileNotFoundError:
            return False

    def _took(self, run: Run) -> str:
        first = self.first_seen.get(run.id)
        return f" ({clock(time.time() - first)})" if first else ""

    def _line(self, states: Sequence[State], done: int) -> str:
        running = [_describe(state) for state in states if state.phase == "running"]
        left = self._seconds_left(states)
        parts = running or ["starting" if done < self.total else "writing the report"]
        if left is not None:
            parts.append(f"about {roughly(left)} left")
        return f"[{done}/{self.total}] " + " | ".join(parts)

    def _seconds_left(self, states: Sequence[State]) -> float | None:
        """Estimated seconds to the end of the study; None before anything was measured."""
        left, begun = {}, []
        for state in states:
            rate = state.progress.get("per_second")
            if rate and is_training(state.progress):
                self.costs.see(state.run, rate)
            if state.phase == "running":
                begun.append(state.run.id)
        for state in states:
            if state.phase in ("waiting", "running"):
                elapsed = time.time() - self.first_seen.get(state.run.id, time.time())
                left[state.run.id] = seconds_left(state.run, self.costs, elapsed, state.progress)
        if None in left.values():
            return None
        return makespan(left, begun, self.pending, self.jobs)


def clock(seconds: float) -> str:
    """Seconds as `1:30` or `2:01:30`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def roughly(seconds: float) -> str:
    """Seconds as a person would say them: `40 s`, `7 min`, `3.5 h`."""
    if seconds < 55:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _describe(state: State) -> str:
    progress = state.progress
    if not progress.get("total"):
        return f"{state.run.label} starting"
    text = f"{state.run.label} {progress.get('part', '')} {progress['done']}/{progress['total']}"
    if progress.get("per_second"):
        text += f" {progress['per_second']:.1f}/s"
    if progress.get("eta_seconds") is not None:
        text += f" {clock(progress['eta_seconds'])}"
    return text
