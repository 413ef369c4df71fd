"""The last diagnosis of every adaptation: its encodings, class frequencies and discriminator."""

from fada_lib.plots.style import method_label
from fada_lib.study.comparisons import summary_of
from fada_lib.study.grids import TUNE, histories
from fada_lib.study.notes import diverged_note, scope_note
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study

_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("encoding_coverage", "Pixels with knowledge", "percent"),
    ("encoding_accuracy", "Encodings right", "percent"),
    ("encoding_ece", "Calibration error", "percent"),
    ("frequency_distance", "Distance of class frequencies", "percent"),
    ("discriminator_domain_accuracy", "D: domain right", "percent"),
    ("discriminator_class_accuracy", "D: domain and class right", "percent"),
    ("gradient_ratio", "Gradient ratio", "percent"),
)
"""Key of a history's row (`fada_lib.inference.diagnose.diagnose`) -> column, and how it is written."""


def diagnosis_table(study: Study) -> Table | None:
    """One row a method; None where no adaptation was diagnosed."""
    rows = []
    for method, runs in histories(study).items():
        last = [[row for row in history if TUNE in row][-1] for history in runs.values()]
        found = [summary_of(row.get(key) for row in last) for key, _, _ in _MEASURES]
        if any(found):
            rows.append([method_label(method), *found, len(last)])
    if not rows:
        return None
    columns = [Column("Method"), *(Column(name, kind) for _, name, kind in _MEASURES), Column("Runs", "count")]
    note = (
        "Measured here at the last diagnosis, mean ± standard deviation, in percent; a network that gets the target's "
        "statistics at its end, before that. Encodings: of the target's tune part, by the method's own rule; of a "
        "method that has none, what FADA would be told by its network (soft "
        "labels, T = 1.8, clipped at 0.9). Right: of the pixels that have knowledge. Calibration error: expected, over "
        "15 bins. Distance of class frequencies: total variation between predicted and true. D: the discriminator on "
        "source val and target tune, the mean over the domains; chance is 50 for the domain. Gradient ratio: norm on F "
        "of the weighted adversarial terms over that of the segmentation loss."
    )
    note += scope_note(study) + diverged_note(study)
    return Table("diagnosis", "What the encodings and the discriminator came to", columns, rows, note)
