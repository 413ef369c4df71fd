"""A report's tables and figures as files: written in every form, those of an earlier report removed."""

from collections.abc import Callable, Iterable
from pathlib import Path

from fada_lib.files import write_text
from fada_lib.study.latex import WIDE, to_latex
from fada_lib.study.rendering import Table

FORMS: dict[str, Callable[[Table], str]] = {"csv": Table.to_csv, "md": Table.to_markdown, "tex": to_latex}
"""Suffix of the file -> what writes it."""


def write_tables(folder: Path, tables: Iterable[Table]) -> None:
    """Write each table to `folder/tables/` in all `FORMS`."""
    for table in tables:
        for suffix, form in FORMS.items():
            write_text(folder / "tables" / f"{table.name}.{suffix}", form(table))


def clear(folder: Path) -> None:
    """Remove the tables and figures of an earlier report, which may have told of other methods."""
    for part, suffixes in (("tables", FORMS), ("figures", ("png", "pdf"))):
        for path in [path for suffix in suffixes for path in (folder / part).glob(f"*.{suffix}")]:
            path.unlink()


def shown(table: Table) -> str:
    """A table as a report shows it, with links to its files, as HTML."""
    wide = " wide" if len(table.columns) > WIDE else ""
    links = " · ".join(f'<a href="tables/{table.name}.{suffix}">{suffix.upper()}</a>' for suffix in FORMS)
    return f'<div class="table{wide}">{table.to_html()}</div>\n<p class="note">This table as {links}</p>'
