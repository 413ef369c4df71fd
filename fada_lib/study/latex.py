"""A table for a LaTeX document: booktabs, best cells bold; wide tables are scaled to the text's width."""

from fada_lib.study.rendering import Column, Table, written

WIDE = 10
"""Columns; a table with more is scaled and its class names stand upright."""

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "−": r"$-$",
    "λ": r"$\lambda$",
    "ρ": r"$\rho$",
    "✓": r"$\checkmark$",
    "…": r"\ldots{}",
    "—": "--",
    "“": "``",
    "”": "''",
}


def to_latex(table: Table) -> str:
    r"""The table as a floating `table` environment with its note under it.

    It needs the packages booktabs and amssymb (for ticks), and graphicx if it is wide; the first line says so.
    """
    wide = len(table.columns) > WIDE
    body = "\n".join([r"\toprule", _head(table, wide), r"\midrule", *_rows(table), r"\bottomrule"])
    alignment = "".join({"text": "l", "flag": "c"}.get(column.kind, "r") for column in table.columns)
    tabular = f"\\begin{{tabular}}{{{alignment}}}\n{body}\n\\end{{tabular}}"
    lines = [
        "% needs \\usepackage{booktabs,amssymb" + (",graphicx}" if wide else "}"),
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{escaped(table.title)}}}",
        f"\\label{{tab:{table.name}}}",
        f"\\resizebox{{\\textwidth}}{{!}}{{%\n{tabular}}}" if wide else tabular,
    ]
    if table.note:
        lines.append(f"\n\\par\\smallskip\\footnotesize {escaped(table.note)}")
    return "\n".join([*lines, r"\end{table}", ""])


def escaped(text: str) -> str:
    """Plain text as LaTeX source."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _head(table: Table, wide: bool) -> str:
    return " & ".join(_heading(column, wide) for column in table.columns) + r" \\"


def _heading(column: Column, wide: bool) -> str:
    name = escaped(column.name)
    return f"\\rotatebox{{90}}{{{name}}}" if wide and column.kind == "percent" else name


def _rows(table: Table) -> list[str]:
    """One line a row; a rule where the group of rows changes."""
    lines, mark = [], table.best_cells()
    for r, row in enumerate(table.rows):
        if r and table.group(r) != table.group(r - 1):
            lines.append(r"\midrule")
        texts = [escaped(written(column, cell)) for column, cell in zip(table.columns, row, strict=True)]
        lines.append(" & ".join(f"\\textbf{{{t}}}" if (r, k) in mark else t for k, t in enumerate(texts)) + r" \\")
    return lines
