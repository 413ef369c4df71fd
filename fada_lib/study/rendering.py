"""A table once, written in several ways: full digits as CSV, one decimal and bold bests as Markdown and HTML."""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from fada_lib.study.statistics import Summary

MISSING = "—"
Cell = object
"""By the column's kind: None (missing), str, bool, int, float, `Summary`, (low, high) or several floats."""


@dataclass(frozen=True)
class Column:
    """A column and how its cells are written.

    Parameters
    ----------
    name : str
        Heading.
    kind : str
        ``text``; ``group`` (text; in HTML a line of its own above the rows that share it); ``flag`` (a tick if
        true); ``count``; ``number`` (3 significant digits at most); ``decimal`` (also a `Summary`; 2 decimals);
        ``p``; ``signed`` and ``bounds`` (a difference and its interval in the unit that the row names, with sign);
        ``percent`` (fraction or `Summary` of fractions, 0..1, written in percent); ``published`` (percent as
        printed); ``points``, ``interval``, ``list`` (differences of fractions, written in points with their sign).
    best : str
        ``max`` or ``min`` marks the best cell of the column bold; empty marks none.
    """

    name: str
    kind: str = "text"
    best: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns.

    Parameters
    ----------
    name : str
        Stem of the file.
    title, note : str
        Heading, and what a reader must know.
    columns : sequence of Column
    rows : sequence of sequences
        Cells by column; None is missing.
    unranked : frozenset of int
        Rows that compete for no bold mark, e.g. the oracle.
    groups : sequence of str
        The group of each row, within which it competes for bold marks; empty if all rows are of one.
    quoted : frozenset of int
        Rows that quote the paper: they compete among themselves only.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    unranked: frozenset[int] = frozenset()
    groups: Sequence[str] = ()
    quoted: frozenset[int] = frozenset()

    def to_csv(self) -> str:
        """Full digits, fractions as fractions; a `Summary` becomes mean and SD, an interval low and high."""
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([name for index in range(len(self.columns)) for name in self._csv_names(index)])
        for row in self.rows:
            cells = (self._csv_cells(index, cell) for index, cell in enumerate(row))
            writer.writerow([cell for group in cells for cell in group])
        return lines.getvalue()

    def to_markdown(self) -> str:
        """A pipe table under its title, the note below."""
        mark = self.best_cells()
        lines = [f"### {self.title}", "", "| " + " | ".join(c.name for c in self.columns) + " |"]
        lines.append("|" + "|".join(" :-- " if c.kind == "text" else " --: " for c in self.columns) + "|")
        for r, row in enumerate(self.rows):
            texts = [written(column, cell).replace("|", "\\|") for column, cell in zip(self.columns, row, strict=True)]
            lines.append("| " + " | ".join(f"**{t}**" if (r, k) in mark else t for k, t in enumerate(texts)) + " |")
        return "\n".join([*lines, *(["", self.note] if self.note else []), ""])

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.to_markdown()

    def to_html(self) -> str:
        """A `<table>` with caption; numbers are set right."""
        mark = self.best_cells()
        shown = [k for k, column in enumerate(self.columns) if column.kind != "group"]
        heads = (self.columns[k] for k in shown)
        head = "".join(f'<th class="{c.kind}">{html.escape(c.name)}</th>' for c in heads)
        body, above = [], []
        for r, row in enumerate(self.rows):
            groups = [str(row[k]) for k in range(len(row)) if k not in shown]
            if groups != above:
                above = groups
                words = html.escape(", ".join(groups))
                body.append(f'<tr><th class="text" colspan="{len(shown)}">{words}</th></tr>')
            cells = []
            for k in shown:
                column = self.columns[k]
                text = html.escape(written(column, row[k])).replace("± ", "±&nbsp;")
                kind = f"{column.kind} published" if r in self.quoted else column.kind
                cells.append(f'<td class="{kind}">{f"<b>{text}</b>" if (r, k) in mark else text}</td>')
            body.append(f"<tr>{''.join(cells)}</tr>")
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        caption = f"<caption>{html.escape(self.title)}</caption>"
        rows = "\n".join(body)
        return f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n{note}"

    def group(self, row: int) -> str:
        """The group that a row belongs to."""
        return self.groups[row] if self.groups else ""

    def best_cells(self) -> set[tuple[int, int]]:
        """(row, column) of the best cells of each group; with fewer than two candidates there is none."""
        rivals: dict[tuple[str, bool], list[int]] = {}
        for r in range(len(self.rows)):
            if r not in self.unranked:
                rivals.setdefault((self.group(r), r in self.quoted), []).append(r)
        marks = set()
        for k, column in ((k, column) for k, column in enumerate(self.columns) if column.best):
            for rows in rivals.values():
                values = {r: v for r in rows if (v := _magnitude(self.rows[r][k])) is not None}
                best = (max if column.best == "max" else min)(values.values(), default=None)
                marks |= {(r, k) for r, v in values.items() if v == best and len(values) > 1}
        return marks

    def _csv_names(self, index: int) -> list[str]:
        name, kind = self.columns[index].name, self.columns[index].kind
        if any(isinstance(row[index], Summary) for row in self.rows):
            return [name, f"{name} sd"]
        if kind in ("interval", "bounds"):
            return [f"{name} low", f"{name} high"]
        return [f"{name} (percent)" if kind == "published" else name]

    def _csv_cells(self, index: int, cell: Cell) -> list[str]:
        width = len(self._csv_names(index))
        if cell is None:
            return [""] * width
        if isinstance(cell, Summary):
            return [repr(cell.mean), "" if cell.sd is None else repr(cell.sd)]
        kind = self.columns[index].kind
        if kind in ("interval", "bounds"):
            return [repr(float(bound)) for bound in cell]
        if kind == "list":
            return [" ".join(repr(float(v)) for v in cell)]
        return [("yes" if cell else "no") if kind == "flag" else str(cell), *[""] * (width - 1)]


def written(column: Column, cell: Cell) -> str:
    """A cell as a person reads it."""
    if cell is None:
        return MISSING
    match column.kind:
        case "flag":
            return "✓" if cell else ""
        case "number":
            return f"{cell:.3g}"
        case "decimal" if isinstance(cell, Summary):
            return f"{cell.mean:.2f}" + ("" if cell.sd is None else f" ± {cell.sd:.2f}")
        case "decimal":
            return f"{cell:.2f}"
        case "p":
            return "< 0.001" if cell < 0.001 else f"{cell:.3f}"
        case "published":
            return f"{cell:.1f}"
        case "percent" if isinstance(cell, Summary):
            return f"{100 * cell.mean:.1f}" + ("" if cell.sd is None else f" ± {100 * cell.sd:.1f}")
        case "percent":
            return f"{100 * cell:.1f}"
        case "points":
            return points(cell.mean if isinstance(cell, Summary) else cell)
        case "interval":
            return f"{points(cell[0])} … {points(cell[1])}"
        case "signed":
            return signed(cell)
        case "bounds":
            return f"{signed(cell[0])} … {signed(cell[1])}"
        case "list":
            return ", ".join(points(value) for value in cell)
        case _:
            return str(cell)


def points(value: float) -> str:
    """A difference of fractions in percentage points, signed: 0.0123 is '+1.2'."""
    return f"{100 * value:+.1f}".replace("-", "−")


def signed(value: float) -> str:
    """A number with its sign and two decimals: -0.5 is '−0.50'."""
    return f"{value:+.2f}".replace("-", "−")


def _magnitude(cell: Cell) -> float | None:
    """What a cell is ranked by."""
    return cell.mean if isinstance(cell, Summary) else cell
