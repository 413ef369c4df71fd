"""What every label of a part holds: read once, in parallel, kept on disk, and read again only where files changed.

A record is the number of pixels of each *stored* label value, before any class map, so another class set needs no
second reading. It is valid as long as path, size and time of the image and the label are, and the layout's name.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fada_lib.data.decode import read_image
from fada_lib.data.layouts import Item, Layout
from fada_lib.data.parallel import in_parallel
from fada_lib.files import read_json_lines, write_json_lines
from fada_lib.parameters import UserError

SAVE_SECONDS = 10.0
"""A killed reading loses no more than this."""

Stamp = list[str | int]


@dataclass(frozen=True)
class Record:
    """One image and its label.

    Attributes
    ----------
    stamp : list
        Layout, paths, sizes and times that the record is valid for.
    size : tuple of int
        (width, height) of the image, and of its label if it has one.
    values : tuple of (int, int)
        Stored label values with their number of pixels; empty without a label.
    """

    stamp: Stamp
    size: tuple[int, int]
    values: tuple[tuple[int, int], ...]


def read_records(
    items: list[Item], form: Layout, kept: Path | None = None, on_progress: Callable[[int], None] = lambda done: None
) -> list[Record | UserError]:
    """A record for every item, or the reason why there is none.

    Parameters
    ----------
    items : list of Item
    form : Layout
    kept : Path, optional
        A `.jsonl` file of records: what it holds and is still valid is not read again, and it is brought up to date
        every few seconds, so that a killed reading goes on where it was. Unreadable files are tried again each time.
    on_progress : callable
        Called with the number of items done.
    """
    known = _load(kept)
    results: list[Record | UserError] = []
    saved = time.monotonic()
    try:
        with in_parallel(lambda item: _read(item, form, known), items) as read:
            for result in read:
                results.append(result)
                on_progress(len(results))
                if time.monotonic() - saved > SAVE_SECONDS:
                    _save(kept, results, known)
                    saved = time.monotonic()
    finally:
        _save(kept, results, known)
    return results


def stamp_of(item: Item, form: Layout) -> Stamp:
    """What the pixels of an item depend on: layout, paths, sizes in bytes and times of change in nanoseconds.

    The time is the inode's (ctime): that of the content can be carried over by a copy of other content, as by `cp -p`.

    Raises
    ------
    UserError
        If a file is missing.
    """
    stamp: Stamp = [form.name]
    for path in (item.image, item.label):
        if path is not None:
            try:
                status = path.stat()
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror}): restore it from the download") from error
            stamp += [str(path), status.st_size, status.st_ctime_ns]
    return stamp


def _read(item: Item, form: Layout, known: dict[str, Record]) -> Record | UserError:
    try:
        stamp = stamp_of(item, form)
        if str(item.image) in known and known[str(item.image)].stamp == stamp:
            return known[str(item.image)]
        image = read_image(item.image)
        if item.label is None:
            return Record(stamp, image.size, ())
        values = form.read_values(item.label)
    except UserError as error:
        return error
    if image.size != values.shape[::-1]:
        return UserError(
            f"{item.label} is {values.shape[::-1]} but its image is {image.size}: remove or mend this pair"
        )
    counts = np.bincount(values.ravel(), minlength=256)
    return Record(stamp, image.size, tuple((int(v), int(counts[v])) for v in np.flatnonzero(counts)))


def _load(kept: Path | None) -> dict[str, Record]:
    """The records of a file by the path of their image; none if there is no such file."""
    if kept is None or not kept.exists():
        return {}
    try:
        rows = [
            Record(row["stamp"], tuple(row["size"]), tuple(map(tuple, row["values"]))) for row in read_json_lines(kept)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{kept} is damaged ({error}): delete it to have the labels read again") from error
    return {row.stamp[1]: row for row in rows}


def _save(kept: Path | None, results: list[Record | UserError], known: dict[str, Record]) -> None:
    """Write all records, those not yet reached included; nothing if the file says the same already."""
    if kept is None:
        return
    records = {**known, **{r.stamp[1]: r for r in results if isinstance(r, Record)}}
    if records != known:
        rows = ({"stamp": r.stamp, "size": r.size, "values": r.values} for r in records.values())
        write_json_lines(kept, rows)
