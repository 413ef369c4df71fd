"""The CSV files of `reference/` whose rows are kept from one sitting to the next, with every digit."""

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from fada_lib import files
from fada_lib.parameters import UserError


def read_rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """The rows of a kept file, empty if there is no such file.

    Raises
    ------
    UserError
        If it lacks one of the columns that `fada_lib.study.reference` writes.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if rows and (absent := sorted(set(columns) - rows[0].keys())):
        raise UserError(f"{path} has no column '{absent[0]}': it is no file that ./run_all.sh --reference wrote")
    return rows


def with_kept(
    rows: Iterable[Mapping[str, object]], kept: Iterable[Mapping[str, str]], planned: Collection[str]
) -> list[Mapping[str, object]]:
    """The rows, and of the kept ones those of planned runs (`run`, an id) that have none among them."""
    rows = list(rows)
    measured = {row["run"] for row in rows}
    return rows + [row for row in kept if row["run"] in planned and row["run"] not in measured]


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a file that `read_rows` reads."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: exact(cell) for name, cell in row.items()} for row in rows)
    files.write_text(path, lines.getvalue())


def number(cell: str) -> float | None:
    """What a cell of a kept file holds, None if it is empty."""
    return float(cell) if cell else None


def exact(cell: object) -> object:
    """What a kept file says of a value: all digits of a float, nothing for what is missing."""
    if isinstance(cell, float):
        return repr(cell) if math.isfinite(cell) else ""
    return "" if cell is None else cell
