"""Every table of a study's report, in its order, from the metrics of the completed runs."""

from collections.abc import Callable, Iterable

from fada_lib.study.alignment_tables import ccd_table, domain_distance_table, mistake_table, relation_table
from fada_lib.study.claim_tables import claim_table, gap_table
from fada_lib.study.class_gains import class_gain_table
from fada_lib.study.comparison_tables import component_table, difference_table, encoding_table
from fada_lib.study.diagnosis_tables import diagnosis_table
from fada_lib.study.dose_tables import dose_table, trend_table
from fada_lib.study.grid_tables import iteration_table, point_table, sensitivity_table
from fada_lib.study.main_tables import class_table, main_table
from fada_lib.study.rendering import Table
from fada_lib.study.results import Study

MAKERS: tuple[Callable[[Study], Table | None], ...] = (
    claim_table,
    gap_table,
    main_table,
    iteration_table,
    difference_table,
    component_table,
    encoding_table,
    class_table,
    class_gain_table,
    diagnosis_table,
    dose_table,
    trend_table,
    sensitivity_table,
    point_table,
    ccd_table,
    domain_distance_table,
    relation_table,
    mistake_table,
)
"""What makes each table of a report, in its order."""


def build_tables(study: Study, makers: Iterable[Callable[[Study], Table | None]] = MAKERS) -> list[Table]:
    """Every table that the completed runs allow, in the order of `makers`."""
    tables = (make(study) for make in makers)
    return [table for table in tables if table is not None and table.rows]
