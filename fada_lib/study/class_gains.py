"""Which classes does class-level alignment help? FADA minus the binary discriminator, class by class."""

from collections.abc import Sequence
from dataclasses import replace

from fada_lib.plots.style import method_label
from fada_lib.study.comparisons import SOFT_LABELS
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study
from fada_lib.study.statistics import Difference, holm, paired_difference

BASELINE = "binary"


def class_gains(study: Study) -> dict[str, list[Difference | None]]:
    """FADA's variant -> K differences in IoU from the binary discriminator, paired by seed and world.

    Holm-adjusted over the classes of a variant. None for a class that no pair has in its ground truth.
    """
    found = {}
    baseline = study.representative(BASELINE)
    for base in ("fada_hard", *SOFT_LABELS):
        name = study.representative(base)
        if name and baseline:
            found[name] = _adjusted([_difference(study, name, baseline, k) for k in range(len(study.classes))])
    return {name: gains for name, gains in found.items() if any(gains)}


def class_gain_table(study: Study) -> Table | None:
    """One row a class and variant of FADA."""
    gains = class_gains(study)
    if not gains:
        return None
    columns = [
        Column("FADA", "group"),
        Column("Class"),
        Column("Mean", "points"),
        Column("95 % t interval", "interval"),
        Column("p (Holm)", "p"),
        Column("Pairs", "count"),
    ]
    rows, groups = [], []
    for name, differences in gains.items():
        for label, d in zip(study.classes, differences, strict=True):
            if d is not None:
                rows.append([method_label(name), label, d.summary.mean, d.interval, d.p_holm, d.summary.n])
                groups.append(name)
    note = (
        "Measured here: IoU under FADA minus IoU under the binary discriminator on the target (points, single scale, "
        "without SD), paired by seed and world; paired t test, Holm's adjustment over the classes of a variant; "
        "intervals are not adjusted."
    )
    note += scope_note(study) + diverged_note(study)
    return Table("class_gains", "FADA minus the binary discriminator, by class", columns, rows, note, groups=groups)


def _difference(study: Study, first: str, second: str, k: int) -> Difference | None:
    sides = []
    for name in (first, second):
        runs = {(run.world, run.metrics["seed"]): run.class_iou() for run in study.of(name)}
        sides.append({pair: iou[k] for pair, iou in runs.items() if iou is not None and iou[k] is not None})
    return paired_difference(first, second, *sides)


def _adjusted(differences: Sequence[Difference | None]) -> list[Difference | None]:
    ps = holm([d and d.p for d in differences])
    return [d and replace(d, p_holm=p) for d, p in zip(differences, ps, strict=True)]
