"""The tables of dose and response."""

from fada_lib.study.comparisons import difference_label, summary_of
from fada_lib.study.doses import SHIFTS, by_world, doses, responses, world_interval
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study
from fada_lib.study.statistics import Difference

_MEASURED = (
    Column("95 % t interval", "interval"),
    Column("Interval over worlds", "interval"),
    Column("p (Holm)", "p"),
    Column("Pairs", "count"),
    Column("Worlds", "count"),
)
"""What stands behind the mean of a step or a trend."""


def dose_table(study: Study) -> Table | None:
    """FADA minus continued training and global alignment at each dose of each shift, with the scores of both sides."""
    found = responses(study)
    columns = [
        Column("Shift"),
        Column("Dose", "number"),
        Column("Difference"),
        Column("Without adaptation", "percent"),
        Column("First", "percent"),
        Column("Second", "percent"),
        Column("Mean", "points"),
        *_MEASURED,
    ]
    rows = []
    unadapted = study.representative("source_continued") or "source_only"
    for r in found:
        for dose, d in r.steps.items():
            gap = doses(study, r.shift)[dose]
            scores = [summary_of(study.scores(name, gap=gap).values()) for name in (unadapted, r.first, r.second)]
            rows.append([SHIFTS[r.shift], dose, difference_label(d), *scores, *_measured(d)])
    note = (
        "Measured here: target mIoU on worlds that differ in nothing but one shift, the other kept at its strongest. "
        "Label shift moves the target's district (frequencies, sizes, layout), appearance shift its camera, colours. "
        "Paired by world and seed; 'over worlds' takes each world's mean as one observation. Holm within each curve."
    )
    return Table("dose", "Gain of FADA against the gap between the domains", columns, rows, note) if rows else None


def trend_table(study: Study) -> Table | None:
    """How the gain moves per unit of each shift."""
    rows = [[difference_label(r.trend), SHIFTS[r.shift], *_measured(r.trend)] for r in responses(study) if r.trend]
    columns = [Column("Difference"), Column("Shift"), Column("Rise per unit of shift", "points"), *_MEASURED]
    note = (
        "Measured here: least-squares slope of the paired difference over the dose, one slope a world and seed that "
        "has every dose. Above zero: class-level alignment gains where the domains part. 'Over worlds' takes each "
        "world's mean slope as one observation; p does not. Holm over this table."
    )
    return Table("trend", "Does the gain rise with the gap?", columns, rows, note) if rows else None


def _measured(d: Difference) -> list:
    return [d.summary.mean, d.interval, world_interval(d), d.p_holm, d.summary.n, len(by_world(d))]
