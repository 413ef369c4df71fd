"""What a study compares: paired differences, ladders of components, grids of lambda, doses of label shift."""

from collections.abc import Iterable

from fada_lib.plots.style import method_label
from fada_lib.study.results import Run, Study
from fada_lib.study.statistics import Difference, Summary, adjust, paired_difference, summarise

STEPS = ("source only", "+ adaptation", "+ SD", "+ MST")
"""The paper's Table 4, row by row."""

_COMPARED = (
    ("fada_soft", "source_continued"),
    ("fada_soft", "binary"),
    ("fada_hard", "binary"),
    ("fada_soft", "fada_hard"),
    ("binary", "source_continued"),
)


def differences(study: Study) -> list[Difference]:
    """Paired comparisons of the study, Holm-adjusted as one family.

    Methods against each other, each at its best variant where there is a grid; then what self-distillation
    adds to each teacher, and FADA against the baselines after self-distillation.
    """
    found = []

    def compare(first: str | None, second: str | None) -> None:
        if first and second:
            scores = (study.scores(name) for name in (first, second))
            found.append(paired_difference(first, second, *scores))

    stand_in = study.representative
    for first, second in _COMPARED:
        compare(stand_in(first), stand_in(second))
    distilled = [name for name in study.methods if name.endswith("+sd")]
    for student in distilled:
        compare(student, student.removesuffix("+sd"))
    for first, second in _COMPARED:
        students = [f"{stand_in(name)}+sd" for name in (first, second)]
        if all(student in distilled for student in students):
            compare(*students)
    return adjust([difference for difference in found if difference is not None])


def difference_label(difference: Difference) -> str:
    """What is compared with what."""
    return f"{method_label(difference.first)} − {method_label(difference.second)}"


def ladders(study: Study) -> dict[str, list[list[float] | None]]:
    """Method -> mIoU per seed at each of `STEPS`; None where a step was not run."""
    start = list(study.scores("source_only").values()) or None
    found = {}
    for base in ("source_continued", "binary", "fada_hard", "fada_soft"):
        name = study.representative(base)
        if name is None:
            continue
        steps = (study.scores(name), study.scores(f"{name}+sd"), study.scores(f"{name}+sd", way="multiscale"))
        found[name] = [start, *(list(step.values()) or None for step in steps)]
    return found


def sensitivity(study: Study, split: str = "target_tune") -> dict[str, dict[tuple[float, int], list[Run]]]:
    """Base method -> (lambda, iterations) -> adaptation runs; empty unless a method has several."""
    found: dict[str, dict[tuple[float, int], list[Run]]] = {}
    for run in (run for method in study.methods for run in study.of(method)):
        if run.stage == "adapt" and run.adversarial_weight is not None and run.score(split) is not None:
            point = (run.adversarial_weight, run.metrics.get("iterations", 0))
            found.setdefault(run.base, {}).setdefault(point, []).append(run)
    several = any(len({weight for weight, _ in points}) > 1 for points in found.values())
    return found if several else {}


def doses(study: Study, first: str = "fada_soft", second: str = "binary") -> dict[float, Difference]:
    """Label shift -> paired difference of two methods; empty unless there are worlds of several shifts."""
    shifts = sorted(set(study.label_shifts.values()))
    names = [study.representative(base) for base in (first, second)]
    if len(shifts) < 2 or None in names:
        return {}
    pairs = ((shift, [study.scores(name, label_shift=shift) for name in names]) for shift in shifts)
    found = ((shift, paired_difference(*names, *scores)) for shift, scores in pairs)
    return {shift: difference for shift, difference in found if difference is not None}


def class_means(study: Study, method: str) -> list[float | None] | None:
    """Mean IoU 0..1 of each class over the seeds of a method; None if nothing was measured."""
    measured = [iou for run in study.of(method) if (iou := run.class_iou()) is not None]
    return [mean_of(values) for values in zip(*measured, strict=True)] if measured else None


def ccd_by_method(study: Study) -> dict[str, dict[str, dict]]:
    """Method -> seed -> CCD, as the analysis wrote it; empty without an analysis."""
    runs = [run for run in study.runs if run.stage == "analyse"]
    return runs[-1].metrics.get("ccd", {}) if runs else {}


def summary_of(values: Iterable[float | None]) -> Summary | None:
    """Summary of the values that were measured; None if none was."""
    return summarise([value for value in values if value is not None])


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the values that were measured; None if none was."""
    summary = summary_of(values)
    return summary.mean if summary else None
