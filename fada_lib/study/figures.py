"""The figures that a study's report draws itself, from the metrics and histories of its runs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from fada_lib.analysis.relation import seed_points
from fada_lib.plots.alignment_and_miou import alignment_and_miou_figure
from fada_lib.plots.ccd import ccd_figure
from fada_lib.plots.class_gains import class_gain_figure
from fada_lib.plots.comparison import comparison_figure
from fada_lib.plots.curves import target_curves
from fada_lib.plots.diagnosis import diagnosis_by_method
from fada_lib.plots.differences import differences_figure
from fada_lib.plots.dose import Step, dose_figure
from fada_lib.plots.ladder import ladder_figure
from fada_lib.plots.per_class import class_heatmap
from fada_lib.plots.sensitivity import ratio_figure, sensitivity_figure
from fada_lib.plots.style import save
from fada_lib.study.class_gains import class_gains
from fada_lib.study.comparisons import (
    STEPS,
    WITHOUT_SD,
    class_summaries,
    difference_label,
    distilled_ladders,
    drawn,
    families,
    mean_of,
    scores_by_way,
)
from fada_lib.study.doses import SHIFTS, by_world, responses
from fada_lib.study.grids import best_iterations, gains, histories, sensitivity, trajectories
from fada_lib.study.ratios import by_ratio
from fada_lib.study.results import Study
from fada_lib.study.statistics import Difference

CAPTIONS: dict[str, str] = {
    "comparison": "Target mIoU of every method. Small marks are seeds, the large mark their mean, the bar one "
    "standard deviation each way.",
    "differences": "Paired differences, same world and seed on both sides: adaptations start from one source "
    "checkpoint. Small marks are pairs, the large mark their mean.",
    "differences_sd": "The same for self-distillation (SD; a student was taught by its own method's adaptation) and "
    "multi-scale testing (MST).",
    "components": "What adaptation, self-distillation (SD) and multi-scale testing (MST) each add, for FADA and "
    "for the baselines alike.",
    "classes": "IoU by class, mean over seeds; the best method of a class is bold, the oracle apart.",
    "class_gains": "FADA minus the binary discriminator, class by class. Bars are 95 % t intervals, not adjusted; a "
    "filled mark's leaves out zero.",
    "curves": "mIoU on the target's tune split while the adaptations run; the band spans the seeds. Measured for this "
    "figure and the table below: no network of another table is chosen by it. Methods that get the target's "
    "batch-norm statistics after the last iteration are left out. The oracle would lie far above.",
    "curves_gain": "The same minus as many iterations of training on the source alone, same world and seed: what "
    "the seeds have in common is taken out. The band spans the seeds.",
    "diagnosis": "What adaptation does on the way, on held-out images of both domains: mean, and range over the seeds. "
    "A method without encodings of its own is shown with those that FADA would be told by its network; one that gets "
    "the target's batch-norm statistics at its end, as it was before.",
    "dose": "When is class-level alignment worth it? FADA minus global alignment as the target moves away from the "
    "source: in its district (label shift: frequencies, sizes and layout) or in its camera and colours (appearance "
    "shift). Small marks are pairs of runs, a shape a world; the large mark is their mean.",
    "sensitivity": "mIoU on the target's tune split against the weight of the adversarial loss; rings mark the "
    "best of each method.",
    "sensitivity_ratio": "The same runs against what λ amounts to: the norm of the gradient on F of the weighted "
    "adversarial terms over that of the segmentation loss, measured in training (mean over it, geometric mean over "
    "seeds). The λ of a 2K-way and of a two-way loss are not the same unit; this ratio is. Dotted: both pull alike.",
    "ccd": "Class Center Distance (Eq. 9): spread within a class over distance between classes, both domains pooled.",
}
"""Name of a figure -> its caption in the report."""


def draw_figures(study: Study) -> dict[str, Path]:
    """Draw what the completed runs allow into `figures/`; name -> PNG (the PDF lies beside it)."""
    return {name: save(figure, study.folder / "figures" / name)[0] for name, figure in _figures(study)}


def _figures(study: Study) -> Iterator[tuple[str, Figure]]:
    if scores := scores_by_way(study):
        yield "comparison", comparison_figure(scores)
    compared = families(study)
    for name, shown in (
        ("differences", [family for family in compared if family in WITHOUT_SD]),
        ("differences_sd", [family for family in compared if family not in WITHOUT_SD]),
    ):
        if shown:
            yield name, differences_of({family: compared[family] for family in shown})
    if rungs := distilled_ladders(study):
        yield "components", ladder_figure(rungs, STEPS)
    if means := _class_means(study):
        yield "classes", class_heatmap(means, study.classes)
    if class_gains(study):
        yield "class_gains", class_gains_of(study)
    if measured := trajectories(study):
        level = mean_of(study.scores("source_only", "target_tune").values())
        references = {} if level is None else {"source_only": level}
        yield "curves", target_curves({m: list(runs.values()) for m, runs in measured.items()}, references=references)
        floor = study.representative("source_continued")
        if floor in measured and (gained := gains(measured, floor)):
            label = "target tune mIoU minus that of\ncontinued source training (points)"
            yield "curves_gain", target_curves(gained, references={floor: 0.0}, label=label)
    if measured := histories(study):
        curves = {method: list(runs.values()) for method, runs in measured.items()}
        if any("encoding_accuracy" in row for runs in curves.values() for history in runs for row in history):
            yield "diagnosis", diagnosis_by_method(curves)
    if panels := dose_panels(study):
        yield "dose", dose_figure(panels)
    if grid := sensitivity(study):
        yield "sensitivity", sensitivity_of(study)
        ratios = {base: by_ratio(best_iterations(points)) for base, points in grid.items()}
        if measured := {base: points for base, points in ratios.items() if points}:
            yield "sensitivity_ratio", ratio_figure(measured, references=_unadapted(study))
    if ccd := study.analysed("ccd"):
        yield "ccd", ccd_figure(ccd, study.classes)


def differences_of(compared: Mapping[str, Sequence[Difference]]) -> Figure:
    """The differences of some families, each under its name, in one figure."""
    rows = [(family, d) for family, members in compared.items() for d in members]
    labels = [difference_label(d, points=False) for _, d in rows]
    groups = [family for family, _ in rows]
    return differences_figure(labels, [d.values for _, d in rows], [d.interval for _, d in rows], groups)


def class_gains_of(study: Study) -> Figure:
    """FADA minus the binary discriminator, class by class."""
    gained = class_gains(study)
    points = {name: [d and (d.summary.mean, d.interval) for d in row] for name, row in gained.items()}
    return class_gain_figure(points, study.classes)


def ccd_of(study: Study, students: Collection[str] = ()) -> Figure:
    """Class Center Distance by class of all methods, and of the students that were taught by `students`."""
    ccd = study.analysed("ccd")
    return ccd_figure({method: ccd[method] for method in drawn(ccd, students)}, study.classes)


def ccd_and_miou_of(study: Study) -> Figure:
    """Mean Class Center Distance against target mIoU, a point a method; students are left out."""
    ccd = study.analysed("ccd")
    points = seed_points({method: ccd[method] for method in drawn(ccd, ())}, study.iou_by_seed(study.analysed_world))
    correlations = study.analysed("relations")["ccd"]["of_means"]
    rho = {scope: entry and entry["rho"] for scope, (entry,) in correlations.items()}
    return alignment_and_miou_figure(points, rho, "Class Center Distance")


def sensitivity_of(study: Study) -> Figure:
    """mIoU on the tune part over lambda, of a study with a grid over it."""
    weights = {base: _by_weight(points) for base, points in sensitivity(study).items()}
    return sensitivity_figure(weights, references=_unadapted(study))


def _unadapted(study: Study) -> dict[str, float]:
    """Name -> mIoU on the tune part without an adversarial loss."""
    names = (study.representative(base) for base in ("source_only", "source_continued"))
    levels = {name: mean_of(study.scores(name, "target_tune").values()) for name in names if name}
    return {name: level for name, level in levels.items() if level is not None}


def _class_means(study: Study) -> dict[str, list[float | None]]:
    """Method -> mean IoU of each class."""
    found = {method: class_summaries(study, method) for method in study.reported_methods}
    return {m: [s and s.mean for s in summaries] for m, summaries in found.items() if summaries is not None}


def dose_panels(study: Study) -> dict[tuple[str, str], dict[str, dict[float, Step]]]:
    """(shift, FADA's name) -> opponent -> dose -> step, as `dose_figure` takes it."""
    found: dict[tuple[str, str], dict[str, dict[float, Step]]] = {}
    for r in responses(study):
        steps = {dose: Step(by_world(d), d.interval) for dose, d in r.steps.items()}
        found.setdefault((SHIFTS[r.shift], r.first), {})[r.second] = steps
    return found


def _by_weight(points: dict[tuple[float, int], list]) -> dict[float, list[float]]:
    """lambda -> mIoU per seed at the number of iterations that is best for it."""
    return {weight: [run.score("target_tune") for run in runs] for weight, runs in best_iterations(points).items()}
