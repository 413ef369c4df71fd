"""The paper's Tables 1-6 with what was measured beside what was published, whatever runs there are."""

from collections.abc import Callable, Iterable, Sequence

from fada_lib.plots.style import method_label
from fada_lib.study.clipping import clip_variants
from fada_lib.study.comparisons import summary_of
from fada_lib.study.experiments import Experiment
from fada_lib.study.published import PublishedRow, published
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Run
from fada_lib.study.statistics import Summary

MEASURED = (
    ("Source only", "source_only", "single"),
    ("Baseline (feat. only)", "binary", "single"),
    ("FADA", "fada_soft", "single"),
    ("FADA + SD", "fada_soft+sd", "single"),
    ("FADA + SD + MST", "fada_soft+sd", "multiscale"),
)
"""The measured rows of Tables 1-3: name, method, way of testing. The paper's own 'FADA' may include SD, see Origin."""

NOTE = (
    "Published rows (shaded) quote the paper; measured ones are mean ± standard deviation over seeds (no ± for one), "
    "single scale unless MST is named, a dash where there is no run. Bold: best of a class among the published or "
    "among the measured rows of its group. SD: self-distillation; MST: multi-scale testing."
)
NOTE_OF_COLUMNS = "Target mIoU in percent; one measured column a study, a dash where there is no run."
_BENCHMARKS = (
    ("crosscity", "table1", "Cityscapes to Cross-City (the paper's Table 1)"),
    ("synthia", "table2", "SYNTHIA to Cityscapes (the paper's Table 2)"),
    ("gta5", "table3", "GTA5 to Cityscapes (the paper's Table 3)"),
)


def paper_tables(experiments: Sequence[Experiment]) -> list[Table]:
    """Tables 1-6, and one of what the release's self-distillation changes besides, if it was measured."""
    tables = [_benchmark(name, stem, title, experiments) for name, stem, title in _BENCHMARKS]
    main = [e for e in experiments if e.table == "gta5" and e.backbone == "ResNet-101"]
    synthia = [e for e in experiments if e.table == "synthia" and e.backbone == "ResNet-101"]
    tables += [_components(main), _encodings(main, synthia), _clipping(main)]
    confound = _test_sizes(experiments)
    return [*tables, confound] if confound.rows else tables


def _benchmark(name: str, stem: str, title: str, experiments: Sequence[Experiment]) -> Table:
    """One of Tables 1-3: per city or backbone the published rows, then ours."""
    rows: list[list[object]] = []
    groups: list[str] = []
    quoted: set[int] = set()
    printed = published(name)
    classes = list(printed[0].iou)
    starred = name == "synthia"
    for group, members in _by_group(printed).items():
        for row in members:
            quoted.add(len(rows))
            means = [row.miou, row.miou_13] if starred else [row.miou]
            shares = [None if v is None else round(v / 100, 6) for v in (*row.iou.values(), *means)]
            rows.append([group, row.method, _origin(row), *shares, None])
        ours = [e for e in experiments if e.table == name and group == _group(e.dataset, e.backbone)]
        for experiment in ours or [None]:
            rows += [_measured(group, *entry, experiment, classes, starred) for entry in MEASURED]
        groups += [group] * (len(rows) - len(groups))
    means = ["mIoU", "mIoU*"] if starred else ["mIoU"]
    columns = [Column("City" if name == "crosscity" else "Backbone"), Column("Method"), Column("Origin")]
    columns += [Column(label, "percent", "max") for label in (*classes, *means)]
    columns.append(Column("Seeds", "count"))
    notes = {row.note for row in printed if row.note and "slip" in row.note}
    note = " ".join([NOTE, *sorted(notes)])
    return Table(stem, title, columns, rows, note, groups=groups, quoted=frozenset(quoted))


def _measured(
    group: str, label: str, method: str, way: str, e: Experiment | None, classes: Sequence[str], starred: bool
) -> list[object]:
    """One measured row; all cells missing without an experiment or without runs."""
    if e is None:
        return [group, label, "not measured", *[None] * (len(classes) + 1 + starred), None]
    means = [e.score(method, way), e.score(method, way, "synthia13")] if starred else [e.score(method, way)]
    runs = e.runs(method)
    origin = f"measured, {e.study.name}" if means[0] else f"no run yet, {e.study.name}"
    return [group, label, origin, *e.class_scores(method, classes, way), *means, len(runs) if means[0] else None]


def _origin(row: PublishedRow) -> str:
    """Whose number it is, and whether self-distillation is in it."""
    return f"published {row.reference}".strip() + (", with SD" if row.includes_sd == "yes" else "")


def _group(dataset: str, backbone: str) -> str:
    """City of Table 1, backbone of the others."""
    return dataset.removeprefix("Cityscapes to Cross-City ") if "Cross-City" in dataset else backbone


def _by_group(printed: Iterable[PublishedRow]) -> dict[str, list[PublishedRow]]:
    found: dict[str, list[PublishedRow]] = {}
    for row in printed:
        found.setdefault(_group(row.dataset, row.backbone), []).append(row)
    return found


def _components(main: Sequence[Experiment]) -> Table:
    """Table 4: what each component adds."""
    columns = [Column(name, "flag") for name in ("F-Adv", "SD", "MST")] + [Column("published", "published")]
    columns += _study_columns(main)
    steps = (
        ("source_only", "single"),
        ("fada_soft", "single"),
        ("fada_soft+sd", "single"),
        ("fada_soft+sd", "multiscale"),
    )
    rows = [
        [step > 0, step > 1, step > 2, row.miou, *_cells(main, lambda e, s=steps[step]: e.score(*s))]
        for step, row in enumerate(published("components"))
    ]
    note = "GTA5 to Cityscapes, ResNet-101. The paper's text says +0.7 for MST, its table +0.9. " + NOTE_OF_COLUMNS
    return Table("table4", "What each component adds (the paper's Table 4)", columns, rows, note)


def _encodings(gta5: Sequence[Experiment], synthia: Sequence[Experiment]) -> Table:
    """Table 5: binary, hard and soft labels on both data sets, without self-distillation."""
    methods = {"Baseline (feat. only)": "binary", "hard labels": "fada_hard", "soft labels": "fada_soft"}
    columns = [Column("Encoding")]
    rows: list[list[object]] = [[label] for label in methods]
    for place, experiments in (("GTA5", gta5), ("SYNTHIA", synthia)):
        printed = {row.method: row.miou for row in published("encodings") if row.dataset.startswith(place)}
        columns += [Column(f"{place}: published", "published"), *_study_columns(experiments, f"{place}: ")]
        for row, (label, method) in zip(rows, methods.items(), strict=True):
            row += [printed[label], *_cells(experiments, lambda e, m=method: e.score(m))]
    note = "ResNet-101. The baseline on GTA5 is 39.4 in the paper's Table 5 and 39.3 in its Table 3. " + NOTE_OF_COLUMNS
    return Table("table5", "Hard and soft labels (the paper's Table 5)", columns, rows, note)


def _clipping(main: Sequence[Experiment]) -> Table:
    """Table 6: thresholds of confidence clipping; 1.0 clips nothing."""
    columns = [Column("Threshold", "number"), Column("published", "published"), *_study_columns(main)]
    rows = []
    for row in published("clipping"):
        threshold = float(row.settings["threshold"])
        rows.append([threshold, row.miou, *_cells(main, lambda e, t=threshold: _clipped(e, t))])
    note = "GTA5 to Cityscapes, ResNet-101, soft labels; at 1.0 nothing is clipped. " + NOTE_OF_COLUMNS
    return Table("table6", "Threshold of confidence clipping (the paper's Table 6)", columns, rows, note)


def _clipped(e: Experiment, threshold: float) -> Summary | None:
    """mIoU of FADA with soft labels clipped at `threshold`, all else as in ``fada_soft``."""
    soft = e.study.representative("fada_soft")
    found = next((found for found in clip_variants(e.study) if soft in found.values()), {})
    return e.score(found[threshold]) if threshold in found else None


def _test_sizes(experiments: Sequence[Experiment]) -> Table:
    """Every model that was tested at two sizes: how much of a step is the test's resolution."""
    sizes = ("1024x512", "2048x1024")
    columns = [Column("Study"), Column("Model"), *(Column(f"tested at {size}", "percent", "max") for size in sizes)]
    rows, groups = [], []
    for e in experiments:
        for method in e.study.methods:
            cells = [summary_of(_at_size(run, size) for run in e.runs(method)) for size in sizes]
            if all(cells):
                rows.append([e.study.name, method_label(method), *cells])
                groups.append(e.study.name)
    note = (
        "Target mIoU in percent, single scale. The release tests its self-distilled networks at 2048x1024 and all "
        "others at 1024x512, trains them with more augmentation and, for GTA5, with live batch norm: each is taken "
        "back here."
    )
    return Table(
        "test_sizes", "What the release's self-distillation changes besides", columns, rows, note, groups=groups
    )


def _at_size(run: Run, size: str) -> float | None:
    """mIoU of a run at a test size, its own or the second one."""
    own = "x".join(map(str, run.parameters.get("test_size", ())))
    return run.score(way="single" if own == size else size)


def _study_columns(experiments: Sequence[Experiment], prefix: str = "") -> list[Column]:
    names = [e.study.name for e in experiments] or ["not measured"]
    return [Column(f"{prefix}{name}", "percent", "max") for name in names]


def _cells(experiments: Sequence[Experiment], score: Callable[[Experiment], Summary | None]) -> list[Summary | None]:
    return [score(e) for e in experiments] or [None]
