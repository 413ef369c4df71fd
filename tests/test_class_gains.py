"""FADA minus the binary discriminator, class by class: by hand, and as drawn."""

from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from synthetic_study import CLASSES, SyntheticStudy, three_seeds

from fada_lib.plots.class_gains import class_gain_figure
from fada_lib.plots.style import method_colour
from fada_lib.study.class_gains import class_gain_table, class_gains
from fada_lib.study.report import write_report
from fada_lib.study.results import read_study


def test_a_gain_is_the_mean_of_the_pairs_and_a_class_that_is_absent_has_none(tmp_path: Path) -> None:
    gains = class_gains(read_study(three_seeds(tmp_path / "study").folder))
    assert list(gains) == ["fada_hard", "fada_soft"]
    road, building, person = gains["fada_soft"]
    assert road.values == pytest.approx((0.05, 0.06, 0.07))
    assert building.values == pytest.approx((0.05, 0.06, 0.07))
    assert road.summary.mean == pytest.approx(0.06)
    assert person is None


def test_p_is_adjusted_over_the_classes_of_a_variant(tmp_path: Path) -> None:
    road, building, _ = class_gains(read_study(three_seeds(tmp_path / "study").folder))["fada_soft"]
    assert road.p_holm == pytest.approx(2 * road.p)
    assert building.p_holm == pytest.approx(2 * building.p)


def test_the_table_has_a_row_a_class_and_variant_and_none_without_the_binary_discriminator(tmp_path: Path) -> None:
    table = class_gain_table(read_study(three_seeds(tmp_path / "study").folder))
    names = [f"FADA, {kind} labels" for kind in ("hard", "soft")]
    assert [row[:2] for row in table.rows] == [[name, seen] for name in names for seen in CLASSES[:2]]
    alone = SyntheticStudy(tmp_path / "alone")
    alone.world("01_data-w0")
    alone.model("fada_soft", 0, 0.4)
    assert class_gain_table(read_study(alone.folder)) is None


def test_a_mark_is_filled_where_its_interval_leaves_out_zero() -> None:
    gains = {"fada_soft": [(0.02, (0.01, 0.03)), (0.02, (-0.01, 0.05)), None, (-0.01, None)]}
    figure = class_gain_figure(gains, ["road", "pole", "person", "car"])
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [tuple(mark.get_xdata()) + tuple(mark.get_ydata()) for mark in marks] == [(0, 2.0), (1, 2.0), (3, -1.0)]
    colour = method_colour("fada_soft").lower()
    assert [to_hex(mark.get_markerfacecolor()) for mark in marks] == [colour, "#ffffff", "#ffffff"]
    bars = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] in (0, 1)]
    assert [list(bar.get_ydata()) for bar in bars if bar.get_marker() != "o"][:2] == [[1.0, 3.0], [-1.0, 5.0]]
    assert all(bar.get_solid_capstyle() == "butt" for bar in bars)


def test_the_report_shows_gains_by_class_as_table_and_figure(tmp_path: Path) -> None:
    report = write_report(three_seeds(tmp_path / "study").folder).read_text(encoding="utf-8")
    assert "FADA minus the binary discriminator, by class" in report
    assert "figures/class_gains.png" in report
