"""The tables of comparisons: paired differences by family, components (Table 4), encodings (Table 5)."""

from fada_lib.plots.style import method_label
from fada_lib.study.comparisons import STEPS, difference_label, families, ladders, summary_of, unpaired
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.published import published, published_miou
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study

PUBLISHED_LADDER = "published: FADA, GTA5"


def difference_table(study: Study) -> Table:
    """The paired comparisons of all families."""
    columns = [
        Column("Family", "group"),
        Column("Comparison"),
        Column("Mean", "points"),
        Column("95 % t interval", "interval"),
        Column("p (Holm)", "p"),
        Column("Pairs", "count"),
        Column("Per pair", "list"),
        Column("Seeds of one side only"),
    ]
    rows, groups = [], []
    for family, members in families(study).items():
        for d in members:
            lone = ", ".join(map(str, unpaired(study, d))) or None
            label = difference_label(d)
            rows.append([family, label, d.summary.mean, d.interval, d.p_holm, d.summary.n, d.values, lone])
            groups.append(family)
    note = (
        "Measured here: differences in target mIoU (points, single scale unless MST is named), paired by seed and "
        "world: adaptations start from one source checkpoint; what is self-distilled (SD) was taught by its own "
        "method's adaptation. A method with one thing changed meets itself and what is changed alike; where the study "
        "has no discriminator or continued training changed alike, FADA meets the unchanged one. Paired t test; Holm's "
        "adjustment within each family, for each family answers a question of its own; intervals are not adjusted. One "
        "pair gives no interval. A diverged network stays in; a run that failed has no number, and the seeds it leaves "
        "without a partner are named."
    )
    note += scope_note(study) + diverged_note(study)
    return Table("differences", "Differences in target mIoU, paired by seed", columns, rows, note, groups=groups)


def component_table(study: Study) -> Table | None:
    """The paper's Table 4 turned on its side: one row a method, with the published one."""
    measured = ladders(study)
    if not measured:
        return None
    start, *steps = STEPS
    columns = [Column("Method"), Column(start.capitalize(), "percent")]
    columns += [Column(step, "percent", "max") for step in steps]
    printed = [row.miou / 100 for row in published("components")]
    rows = [[PUBLISHED_LADDER, *printed]]
    rows += [
        [method_label(name), *(summary_of(values or ()) for values in ladder)] for name, ladder in measured.items()
    ]
    note = (
        "Measured here below the paper's Table 4 (shaded; published: ResNet-101, GTA5 to Cityscapes, other data and "
        "network). SD: self-distillation; MST: multi-scale testing. Every method that was distilled shows its gain, "
        "else SD's would pass for FADA's."
    )
    note += scope_note(study) + diverged_note(study)
    title = "What each component adds (the paper's Table 4)"
    return Table("components", title, columns, rows, note, quoted=frozenset({0}))


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
    note += scope_note(study)
    return Table("encodings", "Domain encodings (the paper's Table 5)", columns, rows, note)
