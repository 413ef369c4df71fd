"""One call at a time in a study's folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from fada_lib.parameters import UserError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second call out of the study; a lock cannot go stale, the system drops it with its holder.

    Parameters
    ----------
    folder : Path
        The study's folder, made if absent.

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
            raise UserError(f"another run_all.sh is at work on {folder}; {_way_out(folder / '.lock')}") from error
        # Snakemake inherits it: if this process is killed, the study stays closed until Snakemake has ended.
        os.set_inheritable(file.fileno(), True)
        yield


def _way_out(lock: Path) -> str:
    """How to get past a lock: of a call and its Snakemake the older one is to be stopped, if this user can see it."""
    holders, path = [], str(lock.resolve())
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(file.path == path for file in process.open_files()):
                holders.append((process.create_time(), process.pid))
    return f"wait for it, or stop it: kill {min(holders)[1]}" if holders else "wait for it or stop it"
