"""The tables 'what holds': every claim with its verdict, and the verdicts by gap."""

from fada_lib.study.claims import OURS, RULE, UNMEASURED, Judged, judge_claims
from fada_lib.study.comparisons import difference_label
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.plan import gap_words
from fada_lib.study.rendering import Column, Table, signed
from fada_lib.study.results import Study

_UNITS = {"mIoU": (100, "points"), "CCD": (1, "CCD"), "rank correlation": (1, "correlation")}
"""Unit of a claim -> factor to the unit shown, and its name."""


def claim_table(study: Study) -> Table | None:
    """One row a claim."""
    judged = judge_claims(study)
    if all(j.evidence is None for j in judged):
        return None
    columns = [
        Column("Claim"),
        Column("Verdict"),
        Column("Mean", "signed"),
        Column("95 % t interval", "bounds"),
        Column("Unit"),
        Column("p (Holm)", "p"),
        Column("Pairs", "count"),
        Column("published gain (points)", "published"),
        Column("Where"),
        Column("Measured here"),
    ]
    note = (
        f"{RULE} Published gains are from GTA5 to Cityscapes with a ResNet-101: other data, network and budget. FADA "
        "beats the source alone: measured against as many iterations on the source, where those were run. λ: how much "
        "more the largest λ costs the binary discriminator than FADA, each from its own best, on the tune part. "
        f"Where '{OURS}' stands, the paper makes no such claim; CCD and mIoU are compared over all networks "
        "but the oracle and students, controls among them where there are any; the answer depends on who is compared. "
        "Intervals are not adjusted; p is, over this table."
    )
    note += scope_note(study) + diverged_note(study)
    if study.diverged:
        note += " A diverged network has no CCD: in claims about that, its pair is left out."
    return Table("claims", "What holds of the paper's claims", columns, [_row(j) for j in judged], note)


def gap_table(study: Study) -> Table | None:
    """Verdict and mean difference of every claim on mIoU in every gap, the easiest first; None for a single gap."""
    gaps = sorted(set(study.gaps.values()))
    if len(gaps) < 2:
        return None
    by_gap = [judge_claims(study, gap) for gap in gaps]
    rows = [
        [judged[0].claim.text, *(_cell(j) for j in judged)]
        for judged in zip(*by_gap, strict=True)
        if judged[0].claim.unit == "mIoU" and any(j.verdict != UNMEASURED for j in judged)
    ]
    columns = [Column("Claim"), *(Column(gap_words(*gap).capitalize()) for gap in gaps)]
    note = "Measured here: the same claims and rule by gap; in brackets the mean difference in points, and pairs."
    return Table("claims_by_gap", "What holds, from the easier to the harder gap", columns, rows, note)


def _row(j: Judged) -> list:
    factor, unit = _UNITS[j.claim.unit]
    printed = [j.claim.published, j.claim.place]
    if j.evidence is None:
        return [j.claim.text, j.verdict, None, None, unit, None, None, *printed, None]
    d = j.evidence
    bounds = d.interval and tuple(factor * bound for bound in d.interval)
    measured = [factor * d.summary.mean, bounds, unit, d.p_holm, d.summary.n]
    return [j.claim.text, j.verdict, *measured, *printed, _compared(j)]


def _compared(j: Judged) -> str:
    """What was subtracted from what."""
    if j.claim.unit == "rank correlation":
        return "rank correlation over the methods of mIoU with CCD, its sign changed"
    label = difference_label(j.evidence)
    if j.claim.unit == "CCD":
        return f"mean CCD: {label}"
    return f"loss at the largest λ: {label}" if "λ" in j.claim.text else label


def _cell(j: Judged) -> str | None:
    if j.evidence is None:
        return None
    return f"{j.verdict} ({signed(100 * j.evidence.summary.mean)}; {j.evidence.summary.n})"
