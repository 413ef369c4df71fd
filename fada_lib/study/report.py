"""Write a study's tables, figures and `report.html`: ``python -m fada_lib.study.report results/<study>``."""

import sys
from pathlib import Path

from fada_lib.files import write_text
from fada_lib.parameters import UserError
from fada_lib.study.figures import CAPTIONS, draw_figures
from fada_lib.study.findings import findings
from fada_lib.study.listing import notebook_figures, parameters, provenance, run_list
from fada_lib.study.notebook_page import convert_notebook
from fada_lib.study.page import bullets, figure, missing, page
from fada_lib.study.published import published_table
from fada_lib.study.rendering import Table
from fada_lib.study.results import Study, read_study
from fada_lib.study.table_files import clear, shown, write_tables
from fada_lib.study.tables import build_tables

_SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What holds", ("claims", "claims_by_gap")),
    ("Results", ("main", "comparison", "curves", "curves_gain", "iterations")),
    ("Paired differences", ("differences", "differences_sd")),
    ("Components", ("components",)),
    ("Encodings", ("encodings",)),
    ("Classes", ("classes", "class_gains")),
    ("Diagnosis", ("diagnosis",)),
    ("Dose and response", ("dose", "trend")),
    ("Sensitivity", ("sensitivity", "sensitivity_ratio", "points")),
    ("Alignment of the classes", ("ccd", "domain_distance", "relation", "mistakes")),
    ("Published numbers", ("published",)),
)
"""Heading -> names of its tables and figures; a section without any is left out, the first excepted."""


def write_report(folder: Path) -> Path:
    """Read the completed runs of `folder` and write everything that can be told from them.

    Returns
    -------
    Path
        `report.html`, written last.
    """
    study = read_study(folder.resolve())
    clear(study.folder)
    for run in study.runs:
        convert_notebook(run.folder / "notebook.ipynb")
    tables = [*build_tables(study), published_table()]
    write_tables(study.folder, tables)
    content = report_html(study, tables, draw_figures(study))
    write_text(study.folder / "report.html", content)
    return study.folder / "report.html"


def report_html(study: Study, tables: list[Table], figures: dict[str, Path]) -> str:
    """The page from its pieces; what is not there is left out or said to be missing."""
    by_name = {table.name: table for table in tables}
    sections = [("Findings", bullets(findings(study), "findings"))]
    for heading, names in _SECTIONS:
        parts = []
        for name in names:
            if name in by_name:
                parts.append(shown(by_name[name]))
            if name in figures:
                parts.append(figure(figures[name], CAPTIONS[name], study.folder))
        if parts:
            sections.append((heading, "\n".join(parts)))
        elif heading == "Results":
            sections.append((heading, missing("No run that was evaluated on the target is complete yet.")))
    sections.append(("Figures of the notebooks", notebook_figures(study)))
    sections.append(("Runs and notebooks", run_list(study)))
    sections.append(("Provenance", provenance(study)))
    sections.append(("Parameters", parameters(study)))
    lead = (
        "Every number on this page was measured by the runs listed at its end, except the columns marked "
        "published, which quote the paper (Wang et al., ECCV 2020): other data, larger networks."
    )
    return page(f"FADA, study “{study.name}”", lead, sections)


def main(arguments: list[str]) -> int:
    """Command line: one argument, the study's folder."""
    if len(arguments) != 1:
        print("error: name the folder of one study, e.g. results/default", file=sys.stderr)
        return 2
    try:
        print(f"report: {write_report(Path(arguments[0]))}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
