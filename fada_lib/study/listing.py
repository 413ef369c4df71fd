"""What stands behind a report: the runs with their notebooks and figures, machine and code, parameters."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

import yaml

from fada_lib.plots.style import method_label
from fada_lib.study.page import figure, missing
from fada_lib.study.rendering import MISSING, Column, Table
from fada_lib.study.results import STAGES, Run, Study

STAGE_NAMES = dict(
    zip(STAGES, ("Data", "Source pretraining", "Adaptation", "Self-distillation", "Analysis"), strict=True)
)

_ABBREVIATIONS = {"ccd": "CCD", "iou": "IoU", "tsne": "t-SNE"}
"""How words of a figure's file name are written; all others as they are."""


def notebook_figures(study: Study) -> str:
    """The figures that the notebooks saved, by stage; every run under a fold of its own."""
    parts = []
    for stage in STAGES:
        shown = [(run, sorted((run.folder / "figures").glob("*.png"))) for run in study.runs if run.stage == stage]
        shown = [(run, images) for run, images in shown if images]
        for index, (run, images) in enumerate(shown):
            pictures = "\n".join(figure(image, _title(image), study.folder) for image in images)
            opened = " open" if index == 0 and stage in ("data", "analyse") else ""
            count = f"{len(images)} figure{'s' if len(images) > 1 else ''}"
            summary = f"{STAGE_NAMES[stage]}: {escape(_label(run))}, {count}"
            parts.append(f"<details{opened}><summary>{summary}</summary>\n{pictures}\n</details>")
    return "\n".join(parts) or missing("No notebook has saved a figure.")


def run_list(study: Study) -> str:
    """One line a planned run: its executed notebook, target mIoU, time and memory."""
    done = {run.id: run for run in study.runs}
    head = "".join(
        f'<th class="{kind}">{name}</th>'
        for name, kind in (
            ("Stage", "text"),
            ("Run and its executed notebook", "text"),
            ("Target mIoU (%)", "percent"),
            ("Seconds", "count"),
            ("Peak memory (MB)", "count"),
        )
    )
    body = "\n".join(_run_row(study, entry, done.get(entry["id"])) for entry in study.planned)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def provenance(study: Study) -> str:
    """Code, machine and cost of the study."""
    known = [run.provenance for run in study.runs if run.provenance]
    if not known:
        return missing("No run has left a provenance.")
    seconds = [facts["seconds"] for facts in known if facts.get("seconds") is not None]
    memory = [facts["peak_memory_mb"] for facts in known if facts.get("peak_memory_mb") is not None]
    rows = [
        ["Runs complete", f"{len(study.runs)} of {len(study.planned)}"],
        ["Computing time, all runs added (of an interrupted one its last sitting)", f"{sum(seconds) / 60:.1f} min"],
        ["Peak memory of a run", f"{max(memory):.0f} MB" if memory else None],
        ["Git commit", _distinct(facts.get("git_commit") for facts in known)],
        ["Code hash", _distinct(facts.get("code_hash") for facts in known)],
    ]
    for part, words in (("hardware", "Hardware"), ("versions", "Version")):
        for key in dict.fromkeys(key for facts in known for key in facts.get(part, {})):
            rows.append([f"{words}: {key}", _distinct(facts.get(part, {}).get(key) for facts in known)])
    table = Table("provenance", "Where the numbers come from", [Column("What"), Column("Value")], rows)
    return f'<div class="table">{table.to_html()}</div>'


def parameters(study: Study) -> str:
    """The resolved parameters of every completed run, folded."""
    parts = []
    for run in study.runs:
        text = yaml.safe_dump(run.parameters, sort_keys=False, default_flow_style=None, allow_unicode=True)
        parts.append(f"<details><summary>{escape(run.id)}</summary><pre>{escape(text)}</pre></details>")
    return "\n".join(parts) or missing("No run has left its parameters.")


def _run_row(study: Study, entry: dict, run: Run | None) -> str:
    stage = STAGE_NAMES.get(entry["stage"], entry["stage"])
    cells = [MISSING] * 3
    name = f'<span class="missing">{escape(entry["id"])}: missing</span>'
    if run is not None:
        page = run.folder / "notebook.html"
        name = escape(run.id)
        if page.exists():
            name = f'<a href="{escape(page.relative_to(study.folder).as_posix())}">{name}</a>'
        facts, score = run.provenance or {}, run.score()
        cells[0] = MISSING if score is None else f"{100 * score:.1f}"
        cells[1:] = (_rounded(facts.get(key)) for key in ("seconds", "peak_memory_mb"))
    numbers = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><td class="text">{stage}</td><td class="text">{name}</td>{numbers}</tr>'


def _label(run: Run) -> str:
    """Method and seed of a run, its id where it has none."""
    return f"{method_label(run.method)}, seed {run.metrics['seed']}" if "method" in run.metrics else run.id


def _title(image: Path) -> str:
    """The name of a file as words."""
    words = [_ABBREVIATIONS.get(word, word) for word in image.stem.lstrip("0123456789_").split("_")]
    if words[0].islower():
        words[0] = words[0].capitalize()
    return " ".join(words)


def _rounded(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0f}"


def _distinct(values: Iterable[object]) -> str | None:
    """All the different values in order of appearance; None if there are none."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value is not None)) or None
