"""The tables of choices: every lambda, and what each way of choosing a point or an iteration ends at."""

from fada_lib.plots.style import method_label, method_order
from fada_lib.study.comparisons import mean_of_all, summary_of
from fada_lib.study.grids import RULES, chosen_iterations, chosen_points, sensitivity, trajectories
from fada_lib.study.notes import scope_note
from fada_lib.study.ratios import mean_ratio
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study


def sensitivity_table(study: Study) -> Table | None:
    """Every point of the grid over lambda (and iterations) on the tune split."""
    columns = [
        Column("Method"),
        Column("λ", "number"),
        Column("Iterations", "count"),
        Column("Target tune mIoU", "percent", "max"),
        Column("Seeds", "count"),
        Column("Source val mIoU", "percent"),
        Column("Target entropy", "decimal"),
        Column("Gradient ratio", "number"),
    ]
    rows = []
    for base, points in sorted(sensitivity(study).items(), key=lambda item: method_order(item[0])):
        for (weight, iterations), runs in sorted(points.items()):
            score = summary_of(run.score("target_tune") for run in runs)
            source = summary_of(run.score("source_val") for run in runs)
            entropy = mean_of_all(run.metrics.get("target_entropy") for run in runs)
            pulls = mean_ratio(runs)
            rows.append([method_label(base), weight, iterations, score, score.n, source, entropy, pulls])
    note = (
        "Measured here and tuned with target labels, on a split of the target that no other table uses. "
        "The λ of a 2K-way and of a two-way loss are not the same unit; the gradient ratio is, the norm on F of the "
        "weighted adversarial terms over that of the segmentation loss (mean over training, geometric mean over "
        "seeds). Source val and the entropy would serve to choose without labels."
    )
    note += scope_note(study)
    return Table("sensitivity", "Weight of the adversarial loss", columns, rows, note) if rows else None


def point_table(study: Study) -> Table | None:
    """The point of each method's grid that each rule chooses, and its mIoU on target val."""
    rows = []
    for base, by_rule in sorted(chosen_points(study).items(), key=lambda item: method_order(item[0])):
        for rule in RULES:
            if name := by_rule.get(rule.name):
                score = summary_of(study.scores(name).values())
                rows.append([method_label(base), rule.name, rule.labels, method_label(name), score])
    columns = [
        Column("Method"),
        Column("Chosen by"),
        Column("Chosen with target labels", "flag"),
        Column("Choice"),
        Column("Target val mIoU", "percent"),
    ]
    note = (
        "Measured here: the point of a grid with the highest target tune mIoU (needs labels of the tune part), lowest "
        "entropy of target predictions or highest source val mIoU (no target labels), each by its mean over seeds, and "
        "the mIoU of that choice on the target's val part, which chose nothing."
    ) + scope_note(study)
    return Table("points", "Chosen with and without target labels: point of the grid", columns, rows, note)


def iteration_table(study: Study) -> Table | None:
    """Last iteration, best on the target's tune part, and chosen without target labels."""
    ways = {"last": "Last iteration (nothing chosen)"}
    ways |= {
        rule.name: f"Chosen by {rule.name} ({'with' if rule.labels else 'without'} target labels)"
        for rule in RULES
        if rule.key
    }
    rows = []
    for method, runs in trajectories(study).items():
        found = [chosen_iterations(history) for history in runs.values()]
        cells = [summary_of(values.get(way) for values in found) for way in ways]
        rows.append([method_label(method), *cells, len(runs)])
    columns = [Column("Method"), *(Column(label, "percent") for label in ways.values()), Column("Runs", "count")]
    note = (
        "Measured here while adaptations ran, all on the target's tune part, mean ± standard deviation over runs. What "
        "is chosen by target tune mIoU is judged by the very labels that chose it: read it as a bound, not a result. "
        "Every other table of this report is of the last iteration. Networks that get the target's batch-norm "
        "statistics after it are left out, for they were another network before."
    ) + scope_note(study)
    title = "Chosen with and without target labels: iteration of the adaptation"
    return Table("iterations", title, columns, rows, note)
