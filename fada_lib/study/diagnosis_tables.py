"""The last diagnosis of every adaptation: its encodings, class frequencies and discriminator."""

from fada_lib.plots.style import method_label
from fada_lib.study.comparisons import summary_of
from fada_lib.study.grids import TUNE, histories
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.ratios import mean_over_training
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study

_MEASURES: tuple[tuple[str, str], ...] = (
    ("encoding_coverage", "Pixels with knowledge"),
    ("encoding_accuracy", "Encodings right"),
    ("encoding_ece", "Calibration error"),
    ("frequency_distance", "Distance of class frequencies"),
    ("discriminator_domain_accuracy", "D: domain right"),
    ("discriminator_class_accuracy", "D: domain and class right"),
)
"""Key of a history's row (`fada_lib.inference.diagnose.diagnose`) -> column."""


def diagnosis_table(study: Study) -> Table | None:
    """One row a method; None where no adaptation was diagnosed."""
    rows = []
    for method, runs in histories(study).items():
        last = [[row for row in history if TUNE in row][-1] for history in runs.values()]
        found = [summary_of(row.get(key) for row in last) for key, _ in _MEASURES]
        pulls = summary_of(mean_over_training(history) for history in runs.values())
        if any([*found, pulls]):
            rows.append([method_label(method), *found, pulls, len(last)])
    if not rows:
        return None
    measures = [*(name for _, name in _MEASURES), "Gradient ratio"]
    columns = [Column("Method"), *(Column(name, "percent") for name in measures), Column("Runs", "count")]
    note = (
        "Measured here at the last diagnosis, mean ± standard deviation, in percent; a network that gets the target's "
        "statistics at its end, before that. Encodings: of the target's tune part, by the method's own rule; of a "
        "method that has none, what FADA would be told by its network (soft labels, T = 1.8, clipped at 0.9). Right: "
        "of the pixels that have knowledge. Calibration error: expected, over 15 bins; hard labels are always certain, "
        "so theirs is the share that is wrong. Distance of class frequencies: total variation between predicted and "
        "true. D: the discriminator on source val and target tune, the mean over the domains; chance is 50 for the "
        "domain. Gradient ratio: norm on F of the weighted adversarial terms over that of the segmentation loss, the "
        "mean over training."
    )
    note += scope_note(study) + diverged_note(study)
    return Table("diagnosis", "What the encodings and the discriminator came to", columns, rows, note)
