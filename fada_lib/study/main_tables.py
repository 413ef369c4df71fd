"""The tables of scores: target mIoU of every method, IoU of every class."""

from fada_lib.plots.style import is_oracle, method_label
from fada_lib.study.comparisons import class_summaries, mean_of_all, summary_of
from fada_lib.study.doses import SHIFTS
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Gap, Study

WAYS = {"single": "single scale", "multiscale": "multi-scale"}
"""Ways of testing at a run's own size; any other, such as ``384x192``, is a second size, at a single scale."""


def main_table(study: Study) -> Table:
    """One row a method, network (plain or self-distilled) and way of testing; per gap where there are several."""
    gaps = sorted(set(study.gaps.values()))
    varied = [name for name in SHIFTS if len({getattr(gap, name) for gap in gaps}) > 1]
    columns = [
        Column("Method"),
        *(Column(SHIFTS[name].capitalize(), "number") for name in varied),
        Column("SD", "flag"),
        Column("Testing"),
        Column("Target mIoU", "percent", "max"),
        Column("Runs", "count"),
        Column("Iterations in all", "count"),
        Column("Source val mIoU", "percent"),
        Column("Target entropy", "decimal"),
    ]
    ways = dict.fromkeys([*WAYS, *(way for run in study.models for way in run.ways)])
    rows, groups, unranked = [], [], set()
    for gap in gaps if varied else [None]:
        for method in study.methods:
            for way in ways:
                row = _row(study, method, way, gap, varied)
                if row is None:
                    continue
                if is_oracle(method):
                    unranked.add(len(rows))
                rows.append(row)
                groups.append(str(gap))
    note = (
        "Measured here: mIoU is intersection over union, class by class over all pixels of a split, then the mean over "
        "the classes. Mean ± standard deviation over seeds and worlds, in percent (no ± for a single run), of networks "
        "as they are after their last iteration: none is chosen by the labels it is judged on. Iterations count the "
        "whole chain from the first weights, in every row. Source validation and the entropy of the target predictions "
        "(0 certain, 1 uniform) need no target labels. Networks are tested at their own size, or at the one that the "
        "column names, width x height of the input. SD: self-distilled. The oracle, and FADA with true encodings, "
        "were told target labels."
    ) + diverged_note(study)
    return Table("main", "Target mIoU of every method", columns, rows, note, frozenset(unranked), groups)


def class_table(study: Study) -> Table:
    """IoU of every class, single scale: mean and standard deviation."""
    rows, unranked = [], set()
    for method in study.reported_methods:
        found = class_summaries(study, method)
        if found is not None:
            if is_oracle(method):
                unranked.add(len(rows))
            rows.append([method_label(method), *found, summary_of(study.scores(method).values())])
    columns = [Column("Method"), *(Column(name, "percent", "max") for name in study.classes)]
    columns.append(Column("mIoU", "percent", "max"))
    note = (
        "Measured here, single scale, mean ± standard deviation over seeds; bold: highest mean of a class, the oracle "
        "apart. A class without true pixels has no IoU."
    )
    note += scope_note(study) + diverged_note(study)
    return Table("classes", "IoU by class on the target", columns, rows, note, frozenset(unranked))


def _row(study: Study, method: str, way: str, gap: Gap | None, varied: list[str]) -> list | None:
    """One row of the main table; None if nothing was measured."""
    runs = study.of(method, gap)
    score = summary_of(run.score("target_val", way) for run in runs)
    if score is None:
        return None
    once = way == "single"
    return [
        method_label(method.removesuffix("+sd")),
        *(getattr(gap, name) for name in varied),
        method.endswith("+sd"),
        WAYS.get(way, f"single scale, {way}"),
        score,
        score.n,
        runs[0].metrics.get("total_iterations"),
        summary_of(run.score("source_val") for run in runs) if once else None,
        mean_of_all(run.metrics.get("target_entropy") for run in runs) if once else None,
    ]
