"""Sensitivity to lambda against what lambda amounts to: the figure, and how a study's histories become its points."""

import json
import math
from pathlib import Path

import pytest
from synthetic_study import SyntheticStudy

from fada_lib.plots.curves import training_curves
from fada_lib.plots.sensitivity import ratio_figure, sensitivity_figure
from fada_lib.study.figures import CAPTIONS, draw_figures
from fada_lib.study.ratios import by_ratio, mean_over_training, mean_ratio
from fada_lib.study.results import Run, read_study

LINE = [(0.02, [0.3, 0.32]), (0.5, [0.4, 0.41]), (3.0, [0.2, 0.1])]


def run_with(folder: Path, ratios: list[float], miou: float = 0.4) -> Run:
    """A run whose history has these ratios, between rows without one."""
    folder.mkdir(exist_ok=True)
    rows = [{"iteration": i, "segmentation": 1.0} for i in range(2)]
    rows += [{"iteration": i, "gradient_ratio": r} for i, r in enumerate(ratios)]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Run(folder.name, "adapt", folder, {}, {"evaluation": {"target_tune": {"single": {"miou": miou}}}}, None)


def test_a_methods_curve_lies_at_its_ratios_with_a_ring_at_its_best() -> None:
    axes = ratio_figure({"binary": LINE}).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata().tolist() == [0.02, 0.5, 3.0]
    assert axes.lines[0].get_ydata().tolist() == pytest.approx([31.0, 40.5, 15.0])
    (ring,) = axes.collections[1:]
    assert ring.get_offsets().tolist() == [pytest.approx([0.5, 40.5])]


def test_the_band_is_one_standard_deviation_each_way() -> None:
    band = ratio_figure({"binary": LINE}).axes[0].collections[0].get_paths()[0].vertices
    at_best = band[band[:, 0] == 0.5][:, 1]
    assert max(at_best) - min(at_best) == pytest.approx(2 * 100 * 0.01 / math.sqrt(2))


@pytest.mark.parametrize(("largest", "drawn"), [(0.9, 0), (3.0, 1)])
def test_a_dotted_line_marks_equal_gradients_where_the_curves_reach_them(largest: float, drawn: int) -> None:
    axes = ratio_figure({"binary": [*LINE[:2], (largest, [0.2])]}).axes[0]
    assert sum(line.get_linestyle() == ":" for line in axes.lines) == drawn


def test_both_figures_draw_the_same_heights() -> None:
    by_weight = {0.001: LINE[0][1], 0.01: LINE[1][1], 0.1: LINE[2][1]}
    one, two = sensitivity_figure({"fada_soft": by_weight}), ratio_figure({"fada_soft": LINE})
    heights = [figure.axes[0].lines[0].get_ydata().tolist() for figure in (one, two)]
    assert heights[0] == heights[1]


def test_a_method_without_a_lambda_above_0_has_no_place_on_the_log_axis() -> None:
    axes = sensitivity_figure({"binary": {0.0: [0.2], 0.01: [0.3]}, "fada_soft": {0.0: [0.3]}}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["Binary discriminator"]
    assert axes.lines[0].get_xdata().tolist() == [0.01]


@pytest.mark.parametrize("draw", [ratio_figure, lambda c, r: sensitivity_figure({m: dict(p) for m, p in c.items()}, r)])
def test_methods_from_elsewhere_have_a_panel_beside_that_of_fada_and_its_baseline(draw) -> None:
    low = [(ratio, [0.5 * miou for miou in scores]) for ratio, scores in LINE]
    figure = draw({"clan": LINE, "fada_soft": LINE, "binary": LINE, "minent": low}, {"source_only": 0.3})
    own, others = figure.axes
    assert own.get_ylim() == others.get_ylim()
    names = [[line.get_label() for line in axes.lines if line.get_label()[0] != "_"] for axes in figure.axes]
    assert names == [["Binary discriminator", "FADA, soft labels"], ["MinEnt", "CLAN", "Source only"]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*names[0], *names[1]]
    dashed = [[line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"] for axes in figure.axes]
    assert dashed == [[30.0], [30.0]]


def test_a_run_has_the_mean_of_its_ratios_in_which_a_faded_last_one_counts_little(tmp_path: Path) -> None:
    assert mean_over_training(run_with(tmp_path / "a", [0.1, 0.2, 0.0]).history) == pytest.approx(0.1)
    assert mean_over_training(run_with(tmp_path / "b", [0.1, math.nan, 0.3]).history) == pytest.approx(0.2)


def test_ratios_are_written_as_plain_numbers() -> None:
    axis = ratio_figure({"binary": LINE}).axes[0].xaxis
    assert [write(0.3) for write in (axis.get_major_formatter(), axis.get_minor_formatter())] == ["0.3", "0.3"]


@pytest.mark.parametrize("ratios", [[], [0.0], [math.nan], [math.inf]])
def test_a_run_without_a_usable_ratio_has_none(tmp_path: Path, ratios: list[float]) -> None:
    assert mean_over_training(run_with(tmp_path / "a", ratios).history) is None


def test_a_run_without_a_history_has_no_ratio(tmp_path: Path) -> None:
    assert mean_over_training(Run("a", "adapt", tmp_path, {}, {}, None).history) is None


def test_points_follow_lambda_and_leave_out_runs_that_measured_nothing(tmp_path: Path) -> None:
    runs = {
        0.1: [run_with(tmp_path / "a", [4.0], 0.2), run_with(tmp_path / "b", [1.0], 0.3)],
        0.01: [run_with(tmp_path / "c", [0.2], 0.5), run_with(tmp_path / "d", [], 0.9)],
        1.0: [run_with(tmp_path / "e", [])],
    }
    points = by_ratio(runs)
    assert [ratio for ratio, _ in points] == pytest.approx([0.2, 2.0])
    assert [scores for _, scores in points] == [[0.5], [0.2, 0.3]]


def test_the_mean_over_runs_is_geometric_and_passes_over_what_was_not_measured(tmp_path: Path) -> None:
    runs = [run_with(tmp_path / name, ratios) for name, ratios in (("a", [0.1]), ("b", [0.4]), ("c", []))]
    assert mean_ratio(runs) == pytest.approx(0.2)
    assert mean_ratio(runs[2:]) is None


@pytest.mark.parametrize("measured", [True, False])
def test_a_study_draws_the_figure_if_its_runs_measured_the_ratio(tmp_path: Path, measured: bool) -> None:
    study = SyntheticStudy(tmp_path / "grid")
    study.world("01_data-w0")
    for weight, miou in ((0.001, 0.4), (0.01, 0.3)):
        for seed in (0, 1):
            folder = study.model(f"binary@lambda_adv={weight}", seed, miou, options={"lambda_adv": weight})
            row = {"iteration": 100, "target_tune_miou": miou}
            row |= {"gradient_ratio": 50 * weight} if measured else {}
            (folder / "history.jsonl").write_text(json.dumps(row) + "\n")
    drawn = draw_figures(read_study(study.folder))
    assert "sensitivity" in drawn
    assert ("sensitivity_ratio" in drawn) is measured
    assert "sensitivity_ratio" in CAPTIONS


def test_curves_of_training_do_not_take_norms_of_gradients_for_losses() -> None:
    keys = ("gradient_segmentation", "gradient_adversarial", "gradient_ratio")
    losses = [{"iteration": i, "learning_rate": 0.1, "segmentation": 1.0} for i in (1, 2)]
    measured = [{"iteration": i, **dict.fromkeys(keys, 0.5)} for i in (1, 2)]
    figure = training_curves([*losses, *measured])
    assert [line.get_label() for axes in figure.axes for line in axes.lines] == ["segmentation", "learning rate"]
