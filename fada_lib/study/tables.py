"""The tables of a study from the metrics of its completed runs."""

from fada_lib.plots.style import method_label, method_order
from fada_lib.study.comparisons import (
    ccd_by_method,
    class_means,
    difference_label,
    differences,
    doses,
    ladders,
    mean_of,
    sensitivity,
    summary_of,
)
from fada_lib.study.published import published, published_miou
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study
from fada_lib.study.statistics import adjust

WAYS = {"single": "single scale", "multiscale": "multi-scale"}


def build_tables(study: Study) -> list[Table]:
    """Every table that the completed runs allow, in the report's order."""
    makers = (
        main_table,
        difference_table,
        component_table,
        encoding_table,
        class_table,
        dose_table,
        sensitivity_table,
        ccd_table,
    )
    tables = (make(study) for make in makers)
    return [table for table in tables if table is not None and table.rows]


def main_table(study: Study) -> Table:
    """One row a method, network (plain or self-distilled) and way of testing."""
    shifts = sorted(set(study.label_shifts.values()))
    several = len(shifts) > 1
    columns = [
        Column("Method"),
        *([Column("Label shift", "number")] if several else []),
        Column("SD", "flag"),
        Column("Testing"),
        Column("Target mIoU", "percent", "max"),
        Column("Seeds", "count"),
        Column("Iterations in all", "count"),
        Column("Source val mIoU", "percent"),
        Column("Target entropy", "number"),
    ]
    rows, unranked = [], set()
    for shift in shifts if several else [None]:
        for method in study.methods:
            for way, way_label in WAYS.items():
                runs = study.of(method, shift)
                score = summary_of(run.score("target_val", way) for run in runs)
                if score is None:
                    continue
                if method.startswith("oracle"):
                    unranked.add(len(rows))
                rows.append(
                    [
                        method_label(method.removesuffix("+sd")),
                        *([shift] if several else []),
                        method.endswith("+sd"),
                        way_label,
                        score,
                        score.n,
                        runs[0].metrics.get("total_iterations"),
                        summary_of(run.score("source_val") for run in runs) if way == "single" else None,
                        mean_of(run.metrics.get("target_entropy") for run in runs) if way == "single" else None,
                    ]
                )
    note = (
        "Measured here: mean ± standard deviation over seeds, in percent (no ± where there is one seed). "
        "Iterations count the whole chain from the first weights, in every row. Source validation and the "
        "entropy of the target predictions (0 certain, 1 uniform) need no target labels. SD: self-"
        "distilled. The oracle has target labels."
    )
    return Table("main", "Target mIoU of every method", columns, rows, note, frozenset(unranked))


def class_table(study: Study) -> Table:
    """Mean IoU of every class, single scale."""
    rows, unranked = [], set()
    for method in study.reported_methods:
        means = class_means(study, method)
        if means is not None:
            if method.startswith("oracle"):
                unranked.add(len(rows))
            rows.append([method_label(method), *means, summary_of(study.scores(method).values())])
    columns = [Column("Method"), *(Column(name, "percent", "max") for name in study.classes)]
    columns.append(Column("mIoU", "percent", "max"))
    note = "Measured here, single scale, mean over seeds; a class without true pixels has no IoU." + _scope(study)
    return Table("classes", "IoU by class on the target", columns, rows, note, frozenset(unranked))


def difference_table(study: Study) -> Table:
    """The paired comparisons as a table."""
    columns = [
        Column("Comparison"),
        Column("Mean", "points"),
        Column("95 % t interval", "interval"),
        Column("p (Holm)", "p"),
        Column("Seeds", "count"),
        Column("Per seed", "list"),
    ]
    rows = [
        [difference_label(d), d.summary.mean, d.interval, d.p_holm, d.summary.n, d.values] for d in differences(study)
    ]
    note = (
        "Measured here: differences in target mIoU (points, single scale), paired by seed: adaptations"
        " start from one source checkpoint; what is self-distilled (SD) was taught by its own method's"
        " adaptation. Paired t test, Holm's adjustment over this table's rows. One seed gives no interval."
    ) + _scope(study)
    return Table("differences", "Differences in target mIoU, paired by seed", columns, rows, note)


def component_table(study: Study) -> Table | None:
    """The paper's Table 4 for every adapted method, with the published column."""
    measured = ladders(study)
    if not measured:
        return None
    columns = [
        Column("Adaptation", "flag"),
        Column("SD", "flag"),
        Column("MST", "flag"),
        *(Column(method_label(name), "percent") for name in measured),
        Column("published: FADA, GTA5", "published"),
    ]
    rows = []
    for step, row in enumerate(published("components")):
        cells = [summary_of(ladder[step] or ()) for ladder in measured.values()]
        rows.append([step > 0, step > 1, step > 2, *cells, row.miou])
    note = (
        "Measured here beside the paper's Table 4 (published: ResNet-101, GTA5 to Cityscapes, other data"
        " and network). SD: self-distillation; MST: multi-scale testing. The baselines get both too, else "
        "their gain would pass for FADA's."
    )
    note += _scope(study)
    return Table("components", "What each component adds (the paper's Table 4)", columns, rows, note)


def encoding_table(study: Study) -> Table | None:
    """The paper's Table 5: binary, hard and soft encodings, with both published columns."""
    printed = (
        ("binary", "Baseline (feat. only)"),
        ("fada_hard", "hard labels"),
        ("fada_soft", "soft labels"),
    )
    rows = []
    for base, name in printed:
        method = study.representative(base)
        score = summary_of(study.scores(method).values()) if method else None
        places = ("GTA5 to Cityscapes", "SYNTHIA to Cityscapes")
        quoted = [published_miou("encodings", name, dataset=place) for place in places]
        rows.append([method_label(method or base), score, *quoted])
    if all(row[1] is None for row in rows):
        return None
    columns = [
        Column("Encoding"),
        Column("Target mIoU", "percent", "max"),
        Column("published: GTA5", "published"),
        Column("published: SYNTHIA", "published"),
    ]
    note = (
        "Measured here without self-distillation, beside the paper's Table 5 (published: ResNet-101, "
        "other data; its baseline is 39.3 in Table 3 and 39.4 here)."
    )
    note += _scope(study)
    return Table("encodings", "Domain encodings (the paper's Table 5)", columns, rows, note)


def sensitivity_table(study: Study) -> Table | None:
    """Every point of the grid over lambda (and iterations) on the tune split."""
    columns = [
        Column("Method"),
        Column("λ", "number"),
        Column("Iterations", "count"),
        Column("Target tune mIoU", "percent", "max"),
        Column("Seeds", "count"),
        Column("Source val mIoU", "percent"),
        Column("Target entropy", "number"),
    ]
    rows = []
    for base, points in sorted(sensitivity(study).items(), key=lambda item: method_order(item[0])):
        for (weight, iterations), runs in sorted(points.items()):
            score = summary_of(run.score("target_tune") for run in runs)
            source = summary_of(run.score("source_val") for run in runs)
            entropy = mean_of(run.metrics.get("target_entropy") for run in runs)
            rows.append([method_label(base), weight, iterations, score, score.n, source, entropy])
    note = (
        "Measured here and tuned with target labels, on a split of the target that no other table uses. "
        "The λ of a 2K-way and of a two-way loss are not the same unit. The last two columns would serve "
        "to choose without labels."
    )
    note += _scope(study)
    return Table("sensitivity", "Weight of the adversarial loss", columns, rows, note) if rows else None


def dose_table(study: Study) -> Table | None:
    """FADA minus binary against the strength of the label shift."""
    found = doses(study)
    if not found:
        return None
    family = dict(zip(found, adjust(list(found.values())), strict=True))
    names = [name for base in ("source_continued", "binary", "fada_soft") if (name := study.representative(base))]
    columns = [
        Column("Label shift", "number"),
        *(Column(method_label(name), "percent") for name in names),
        Column("FADA soft − binary", "points"),
        Column("95 % t interval", "interval"),
        Column("p (Holm)", "p"),
        Column("Seeds", "count"),
    ]
    rows = []
    for shift, d in family.items():
        scores = [summary_of(study.scores(name, label_shift=shift).values()) for name in names]
        rows.append([shift, *scores, d.summary.mean, d.interval, d.p_holm, d.summary.n])
    note = (
        "Measured here: target mIoU on worlds that differ in nothing but the district: frequencies, sizes and layout."
    )
    return Table("dose", "Gain of FADA against the label shift", columns, rows, note)


def ccd_table(study: Study) -> Table | None:
    """Mean and median Class Center Distance, in plain numbers."""
    rows = []
    for method, seeds in sorted(ccd_by_method(study).items(), key=lambda item: method_order(item[0])):
        mean, median = (mean_of(entry.get(key) for entry in seeds.values()) for key in ("mean", "median"))
        rows.append([method_label(method), mean, median, len(seeds)])
    columns = [
        Column("Method"),
        Column("Mean CCD", "number", "min"),
        Column("Median CCD", "number", "min"),
        Column("Seeds", "count"),
    ]
    note = (
        "Measured here: Eq. 9 on features of both domains with their true labels, the same pixels for "
        "every method; lower is better. Published mean of FADA: 1.1 (ResNet-101, GTA5 to Cityscapes)."
    )
    return Table("ccd", "Class Center Distance over the classes", columns, rows, note) if rows else None


def _scope(study: Study) -> str:
    """Which worlds a table is about, where they differ in their label shift."""
    return "" if study.reported_shift is None else f" Worlds of label shift {study.reported_shift:g} only."
