"""The figures that a study's report draws itself, from the metrics and histories of its runs."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from fada_lib.files import read_json_lines
from fada_lib.plots.ccd import ccd_figure
from fada_lib.plots.comparison import comparison_figure
from fada_lib.plots.components import ladder_figure
from fada_lib.plots.curves import target_curves
from fada_lib.plots.differences import differences_figure
from fada_lib.plots.dose import dose_figure
from fada_lib.plots.per_class import class_heatmap
from fada_lib.plots.sensitivity import sensitivity_figure
from fada_lib.plots.style import save
from fada_lib.study.comparisons import (
    STEPS,
    ccd_by_method,
    class_means,
    difference_label,
    differences,
    doses,
    ladders,
    mean_of,
    sensitivity,
)
from fada_lib.study.results import Study

CAPTIONS: dict[str, str] = {
    "comparison": "Target mIoU of every method. Small marks are seeds, the large mark their mean, the bar one "
    "standard deviation each way.",
    "differences": "Paired differences, same seed on both sides: adaptations start from one source checkpoint; what is "
    "self-distilled (SD) was taught by its own method's adaptation.",
    "components": "What adaptation, self-distillation (SD) and multi-scale testing (MST) each add, for FADA and "
    "for the baselines alike.",
    "classes": "IoU by class, mean over seeds; the best method of a class is bold, the oracle apart.",
    "curves": "mIoU on the target's tune split while the adaptations run; the band spans the seeds. Measured for this "
    "figure only: no checkpoint is chosen by it.",
    "dose": "The gain of FADA over the binary discriminator as the target's district (frequencies, sizes and layout) "
    "moves away from the source's.",
    "sensitivity": "mIoU on the target's tune split against the weight of the adversarial loss; rings mark the "
    "best of each method.",
    "ccd": "Class Center Distance (Eq. 9): spread within a class over distance between classes, both domains pooled.",
}
"""Name of a figure -> its caption in the report."""


def draw_figures(study: Study) -> dict[str, Path]:
    """Draw what the completed runs allow into `figures/`; name -> PNG (the PDF lies beside it)."""
    return {name: save(figure, study.folder / "figures" / name)[0] for name, figure in _figures(study)}


def _figures(study: Study) -> Iterator[tuple[str, Figure]]:
    if scores := _scores(study):
        yield "comparison", comparison_figure(scores)
    if compared := differences(study):
        labels = [difference_label(d) for d in compared]
        yield (
            "differences",
            differences_figure(labels, [d.values for d in compared], [d.interval for d in compared]),
        )
    rungs = ladders(study)
    if any(steps[2] for steps in rungs.values()):
        yield "components", ladder_figure({name: steps for name, steps in rungs.items() if steps[2]}, STEPS)
    means = {method: mean for method in study.reported_methods if (mean := class_means(study, method)) is not None}
    if means:
        yield "classes", class_heatmap(means, study.classes)
    if histories := _histories(study):
        levels = {name: mean_of(study.scores(name, "target_tune").values()) for name in ("source_only", "oracle")}
        references = {name: level for name, level in levels.items() if level is not None}
        yield "curves", target_curves(histories, references=references)
    if found := doses(study):
        values, intervals = [d.values for d in found.values()], [d.interval for d in found.values()]
        yield "dose", dose_figure(list(found), values, intervals)
    if grid := sensitivity(study):
        unadapted = (study.representative(base) for base in ("source_only", "source_continued"))
        levels = {name: mean_of(study.scores(name, "target_tune").values()) for name in unadapted if name}
        weights = {base: _by_weight(points) for base, points in grid.items()}
        yield "sensitivity", sensitivity_figure(weights, references={n: v for n, v in levels.items() if v is not None})
    if ccd := ccd_by_method(study):
        yield "ccd", ccd_figure(ccd, study.classes)


def _scores(study: Study) -> dict[str, dict[str, list[float]]]:
    """Method -> way of judging -> mIoU per seed, as `comparison_figure` takes it."""
    found: dict[str, dict[str, list[float]]] = {}
    for method in study.reported_methods:
        prefix = "sd" if method.endswith("+sd") else ""
        for way, suffix in (("single", ""), ("multiscale", "mst")):
            variant = "_".join(part for part in (prefix, suffix) if part) or "single"
            if values := list(study.scores(method, way=way).values()):
                found.setdefault(method.removesuffix("+sd"), {})[variant] = values
    return found


def _histories(study: Study) -> dict[str, list[list[dict]]]:
    """Method -> histories of its adaptations that measured the target on the way."""
    found: dict[str, list[list[dict]]] = {}
    for method in study.reported_methods:
        for run in study.of(method):
            path = run.folder / "history.jsonl"
            if run.stage == "adapt" and path.exists():
                history = read_json_lines(path)
                if sum("target_tune_miou" in row for row in history) > 1:
                    found.setdefault(method, []).append(history)
    return found


def _by_weight(points: dict[tuple[float, int], list]) -> dict[float, list[float]]:
    """lambda -> mIoU per seed at the number of iterations that is best for it."""
    best: dict[float, list[float]] = {}
    for (weight, _), runs in points.items():
        values = [run.score("target_tune") for run in runs]
        if weight not in best or sum(values) / len(values) > sum(best[weight]) / len(best[weight]):
            best[weight] = values
    return best
