"""Every table of a study's report, in its order, from the metrics of the completed runs."""

from fada_lib.plots.style import method_label, method_order
from fada_lib.study.alignment_tables import domain_distance_table, relation_table
from fada_lib.study.claim_tables import claim_table, gap_table
from fada_lib.study.comparison_tables import component_table, difference_table, encoding_table
from fada_lib.study.comparisons import ccd_by_method, mean_of
from fada_lib.study.dose_tables import dose_table, trend_table
from fada_lib.study.grid_tables import iteration_table, point_table, sensitivity_table
from fada_lib.study.main_tables import class_table, main_table
from fada_lib.study.rendering import Column, Table
from fada_lib.study.results import Study


def build_tables(study: Study) -> list[Table]:
    """Every table that the completed runs allow, in the report's order."""
    makers = (
        claim_table,
        gap_table,
        main_table,
        iteration_table,
        difference_table,
        component_table,
        encoding_table,
        class_table,
        dose_table,
        trend_table,
        sensitivity_table,
        point_table,
        ccd_table,
        domain_distance_table,
        relation_table,
    )
    tables = (make(study) for make in makers)
    return [table for table in tables if table is not None and table.rows]


def ccd_table(study: Study) -> Table | None:
    """Mean and median Class Center Distance, in plain numbers."""
    rows = []
    for method, seeds in sorted(ccd_by_method(study).items(), key=lambda item: method_order(item[0])):
        mean, median = (mean_of(entry.get(key) for entry in seeds.values()) for key in ("mean", "median"))
        rows.append([method_label(method), mean, median, len(seeds)])
    columns = [
        Column("Method"),
        Column("Mean CCD", "number", "min"),
        Column("Median CCD", "number", "min"),
        Column("Seeds", "count"),
    ]
    note = (
        "Measured here: Eq. 9 on features of both domains with their true labels, the same pixels for "
        "every method; lower is better. Published mean of FADA: 1.1 (ResNet-101, GTA5 to Cityscapes)."
    )
    return Table("ccd", "Class Center Distance over the classes", columns, rows, note) if rows else None
