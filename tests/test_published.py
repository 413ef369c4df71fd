"""The paper's printed numbers: complete, consistent with their own means, slips known by name."""

from itertools import pairwise

import pytest

from fada_lib.data.classes import CLASS_SETS
from fada_lib.parameters import UserError
from fada_lib.study.published import TABLES, PublishedRow, published, published_miou, published_table

SLIPS = {("synthia", "VGG-16", "CBST", "mIoU*"), ("synthia", "ResNet-101", "FADA", "mIoU*")}
"""Printed means that their own cells do not give."""

ROUNDING = 0.065
"""Cells and means are printed with one decimal, so a recomputed mean may be off by this much."""


def recomputed_means(row: PublishedRow) -> dict[str, float]:
    """mIoU (and mIoU* for SYNTHIA) from the printed cells in percent; none where a cell is missing."""
    means = {}
    if row.iou and None not in row.iou.values():
        means["mIoU"] = sum(row.iou.values()) / len(row.iou)
    thirteen = CLASS_SETS["synthia13"].names
    if row.miou_13 is not None and all(row.iou.get(name) is not None for name in thirteen):
        means["mIoU*"] = sum(row.iou[name] for name in thirteen) / len(thirteen)
    return means


@pytest.mark.parametrize(
    ("table", "rows"),
    [("crosscity", 20), ("synthia", 20), ("gta5", 22), ("components", 4), ("encodings", 6), ("clipping", 4)],
)
def test_every_printed_row_is_there(table: str, rows: int) -> None:
    assert len(published(table)) == rows


@pytest.mark.parametrize(
    ("table", "classes"), [("crosscity", "crosscity13"), ("synthia", "synthia16"), ("gta5", "cityscapes19")]
)
def test_columns_are_the_classes_that_the_benchmark_is_judged_on(table: str, classes: str) -> None:
    for row in published(table):
        assert tuple(row.iou) == CLASS_SETS[classes].names


@pytest.mark.parametrize("table", ["crosscity", "synthia", "gta5"])
def test_printed_means_follow_from_the_cells_except_where_the_print_slips(table: str) -> None:
    off = set()
    for row in published(table):
        printed = {"mIoU": row.miou, "mIoU*": row.miou_13}
        for name, mean in recomputed_means(row).items():
            if abs(mean - printed[name]) > ROUNDING:
                off.add((table, row.backbone, row.method, name))
    assert off == {slip for slip in SLIPS if slip[0] == table}


@pytest.mark.parametrize(
    ("table", "backbone", "method"),
    [("synthia", "VGG-16", "CBST"), ("synthia", "ResNet-101", "FADA"), ("gta5", "ResNet-101", "FADA")],
)
def test_rows_that_mislead_carry_a_note(table: str, backbone: str, method: str) -> None:
    (row,) = (r for r in published(table) if (r.backbone, r.method) == (backbone, method))
    assert row.note


def test_cross_city_rows_printed_twice_are_marked() -> None:
    rows = published("crosscity")
    twice = [b for a, b in pairwise(rows) if a.iou == b.iou]
    assert [row.dataset.split()[-1] for row in twice] == ["Tokyo", "Taipei"]
    assert all("slip" in row.note for row in twice)


def test_the_headline_numbers_are_the_papers() -> None:
    assert published_miou("gta5", "FADA", backbone="ResNet-101") == 49.2
    assert published_miou("gta5", "FADA-MST") == 50.1
    assert published_miou("encodings", "soft labels", dataset="SYNTHIA to Cityscapes") == 41.5
    assert published_miou("clipping", "soft labels", threshold="0.9") == 46.9


def test_which_numbers_include_self_distillation_is_stated() -> None:
    flags = {(r.backbone, r.method): r.includes_sd for r in published("gta5") if r.method.startswith("FADA")}
    assert flags == {
        ("VGG-16", "FADA"): "not stated",
        ("ResNet-101", "FADA"): "yes",
        ("ResNet-101", "FADA-MST"): "yes",
    }


def test_a_dash_is_missing_and_not_zero() -> None:
    siban = next(row for row in published("synthia") if row.method == "SIBAN")
    assert siban.iou["wall"] is None
    assert siban.miou is None
    assert siban.miou_13 == 37.2


def test_the_overview_puts_both_benchmarks_side_by_side_and_orders_nothing_by_result() -> None:
    rows = {tuple(row[:2]): row[4:] for row in published_table().rows}
    assert rows["ResNet-101", "FADA"] == [49.2, 45.2, 52.5]
    assert rows["VGG-16", "CyCADA"] == [35.4, None, None]
    assert [row[1] for row in published_table().rows][:2] == ["FCNs in the wild", "CDA"]


def test_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="unknown published table 'table9'"):
        published("table9")


def test_an_ambiguous_row_is_refused() -> None:
    with pytest.raises(UserError, match="2 rows 'FADA'"):
        published_miou("gta5", "FADA")


@pytest.mark.parametrize("table", TABLES)
def test_iou_is_in_percent(table: str) -> None:
    values = [v for row in published(table) for v in (*row.iou.values(), row.miou, row.miou_13) if v is not None]
    assert values and min(values) >= 0 and 1 < max(values) <= 100
