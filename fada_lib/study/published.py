"""The numbers of the paper's Tables 1-6 and of one related poster, as printed, for the column *published*.

The CSV files in `published/` quote Wang et al., "Classes Matter: A Fine-grained Adversarial Approach to
Cross-domain Semantic Segmentation", ECCV 2020; slips of the print are quoted too and named in the column
`note`. All are IoU in percent, on other data and with larger networks than a laptop study: for scale, never
to be mixed with measured ones.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from fada_lib.data.classes import TRAIN_NAMES
from fada_lib.parameters import UserError
from fada_lib.study.rendering import Column, Table

FOLDER = Path(__file__).parent / "published"

TABLES: dict[str, str] = {
    "crosscity": "table1_crosscity.csv",
    "synthia": "table2_synthia.csv",
    "gta5": "table3_gta5.csv",
    "components": "table4_components.csv",
    "encodings": "table5_encodings.csv",
    "clipping": "table6_clipping.csv",
    "poster": "poster_global_local.csv",
}
"""Name of a table -> its file."""


@dataclass(frozen=True)
class PublishedRow:
    """One printed row.

    Parameters
    ----------
    table, dataset, backbone, method, reference : str
        Where it stands and whose it is; `reference` is the paper's number with authors, empty for the
        paper's own.
    includes_sd : str
        ``yes``, ``no`` or ``not stated``: whether self-distillation is in the number.
    iou : dict
        Class -> IoU in percent, None where a dash is printed.
    miou, miou_13 : float or None
        Printed mIoU in percent, over all classes of the table and over SYNTHIA's 13 (mIoU*).
    settings : dict
        Other columns of the table, e.g. ``threshold`` or ``self_distillation``.
    note : str
        What to know about the row, e.g. a slip of the print.
    """

    table: str
    dataset: str
    backbone: str
    method: str
    reference: str
    includes_sd: str
    iou: dict[str, float | None]
    miou: float | None
    miou_13: float | None
    settings: dict[str, str]
    note: str


def published(table: str) -> list[PublishedRow]:
    """Rows of a table in printed order.

    Raises
    ------
    UserError
        If there is no such table.
    """
    if table not in TABLES:
        raise UserError(f"unknown published table '{table}': choose one of {', '.join(TABLES)}")
    with (FOLDER / TABLES[table]).open(encoding="utf-8", newline="") as file:
        return [_row(record) for record in csv.DictReader(file)]


def published_miou(table: str, method: str, **where: str) -> float:
    """mIoU in percent of the one row of `table` with this method, and these fields or settings.

    Examples
    --------
    >>> published_miou("gta5", "FADA", backbone="ResNet-101")
    49.2
    """
    found = [
        row
        for row in published(table)
        if row.method == method and all(_field(row, name) == value for name, value in where.items())
    ]
    if len(found) != 1:
        raise UserError(f"published table '{table}' has {len(found)} rows '{method}' with {where}, not one")
    return found[0].miou


def published_table() -> Table:
    """The paper's Tables 2 and 3 without their classes: every method by backbone, GTA5 beside SYNTHIA."""
    rows: dict[tuple[str, str], list] = {}
    for table, columns in (("gta5", (4,)), ("synthia", (5, 6))):
        for row in published(table):
            cells = rows.setdefault(
                (row.backbone, row.method), [row.backbone, row.method, row.reference, row.includes_sd, None, None, None]
            )
            for column, value in zip(columns, (row.miou, row.miou_13), strict=False):
                cells[column] = value
    headings = ("GTA5, mIoU", "SYNTHIA, mIoU", "SYNTHIA, mIoU*")
    columns = [*(Column(name) for name in ("Backbone", "Method", "Reference", "Includes SD"))]
    columns += [Column(f"published: {heading}", "published") for heading in headings]
    note = (
        "Published, not measured here: Tables 2 and 3 of the paper, target Cityscapes; mIoU* is over 13 classes. FADA "
        "without self-distillation (ResNet-101) is 46.9 and 41.5. Of CBST the mIoU* is printed as 36.1, its cells give "
        "40.7; of FADA (ResNet-101) 52.5 and 52.6; AdaptSegNet (ResNet-101, GTA5) is 41.4 in a later poster."
    )
    order = sorted(rows.values(), key=lambda cells: cells[0], reverse=True)
    return Table("published", "What the paper reports", columns, order, note)


def _row(record: dict[str, str]) -> PublishedRow:
    fixed = ("table", "dataset", "backbone", "method", "reference", "includes_sd", "note")
    text = {name: record.pop(name, "") for name in fixed}
    miou, miou_13 = _number(record.pop("mIoU")), _number(record.pop("mIoU*", ""))
    iou = {name: _number(record.pop(name)) for name in TRAIN_NAMES if name in record}
    return PublishedRow(**text, iou=iou, miou=miou, miou_13=miou_13, settings=record)


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _field(row: PublishedRow, name: str) -> str:
    return row.settings[name] if name in row.settings else getattr(row, name)
