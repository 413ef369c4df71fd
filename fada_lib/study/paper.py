"""The paper's Tables 1-6 and Figures 3-5 from all studies of a folder: ``./run_all.sh --tables``."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from fada_lib.files import write_atomically, write_text
from fada_lib.parameters import UserError
from fada_lib.plots.ccd import ccd_figure
from fada_lib.plots.style import save
from fada_lib.study.experiments import Experiment, read_experiments
from fada_lib.study.page import bullets, figure, missing, page
from fada_lib.study.paper_tables import paper_tables
from fada_lib.study.rendering import Table
from fada_lib.study.table_files import clear, shown, write_tables

FOLDER = "paper_tables"
"""Below the results; no study's folder, for it holds no plan."""

FROM_NOTEBOOK_03 = {3: "01_encodings", 5: "05_predictions"}
"""Number in the paper -> name under which notebook 03 keeps the figure."""

CAPTIONS = {
    3: "Fig. 3 from real predictions: domain encodings as binary, hard and soft labels",
    4: "Fig. 4: Class Center Distance (Eq. 9) by class, both domains pooled",
    5: "Fig. 5: images of the target, their labels, the source model and FADA (images fixed by number beforehand)",
}


def write_paper_tables(results: Path) -> Path:
    """Write tables, figures and `report.html` into `results/paper_tables`; returns the page, written last.

    Raises
    ------
    UserError
        If `results` is no folder, or a file of a study in it is damaged.
    """
    if not results.is_dir():
        raise UserError(f"{results} does not exist: run a study of params/paper first, or name its folder by --output")
    experiments = read_experiments(results)
    folder = results / FOLDER
    clear(folder)
    tables = paper_tables(experiments)
    write_tables(folder, tables)
    figures = list(_figures(experiments, folder))
    write_text(folder / "report.html", _page(experiments, tables, figures, folder))
    return folder / "report.html"


def _figures(experiments: Sequence[Experiment], folder: Path) -> Iterator[tuple[int, str, Path]]:
    """(number in the paper, name of the study, PNG) of each figure that the runs allow, PDF beside it."""
    for e in experiments:
        for number, name in FROM_NOTEBOOK_03.items():
            drawn = [run.folder / "figures" / f"{name}.png" for run in e.runs("fada_soft")]
            if found := next((path for path in drawn if path.exists()), None):
                yield number, e.study.name, _copy(found, folder / "figures" / f"figure{number}_{e.study.name}.png")
        if ccd := e.study.analysed("ccd"):
            stem = folder / "figures" / f"figure4_{e.study.name}"
            yield 4, e.study.name, save(ccd_figure(ccd, e.study.classes), stem)[0]


def _copy(png: Path, target: Path) -> Path:
    """Copy a figure and the PDF beside it, so that the page stands alone."""
    for suffix in (".png", ".pdf"):
        if png.with_suffix(suffix).exists():
            source = png.with_suffix(suffix)
            write_atomically(target.with_suffix(suffix), lambda temporary, s=source: shutil.copyfile(s, temporary))
    return target


def _page(
    experiments: Sequence[Experiment], tables: Sequence[Table], figures: Sequence[tuple[int, str, Path]], folder: Path
) -> str:
    """The page: which studies there are, the tables, the figures."""
    known = [f"{e.study.name}: {e.dataset}, {e.backbone}; {_progress(e)}" for e in experiments]
    sections = [("Studies", bullets(known) if known else missing("No study of params/paper has been run yet."))]
    for table in tables:
        sections.append((table.title, shown(table)))
    for number, caption in CAPTIONS.items():
        drawn = [figure(png, f"{caption}. Study {name}.", folder) for found, name, png in figures if found == number]
        sections.append((caption.split(":")[0].split(" from")[0], "\n".join(drawn) or missing("No run has drawn it.")))
    lead = (
        "Shaded rows and columns quote the paper (Wang et al., ECCV 2020); all other numbers were measured by the runs "
        "of the studies named beside them."
    )
    return page("FADA: the paper's tables", lead, sections)


def _progress(e: Experiment) -> str:
    """How far a study is, and over how many seeds."""
    seeds = len({run.metrics["seed"] for run in e.study.models})
    return f"{len(e.study.runs)} of {len(e.study.planned)} runs complete, {seeds} seed{'' if seeds == 1 else 's'}"
