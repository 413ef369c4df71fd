"""Figures: what they show, that they bear missing pieces and single seeds, and that their bytes do not change."""

import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fada_lib.data.classes import IGNORE, class_set
from fada_lib.inference.photographs import Labelled
from fada_lib.methods.options import FadaOptions
from fada_lib.plots.alignment_and_miou import KINDS, alignment_and_miou_figure
from fada_lib.plots.ccd import ccd_figure
from fada_lib.plots.class_cells import MOST_MARKS
from fada_lib.plots.comparison import comparison_figure
from fada_lib.plots.curves import series, target_curves, training_curves
from fada_lib.plots.differences import differences_figure
from fada_lib.plots.domain_distance import domain_distance_figure
from fada_lib.plots.dose import Step, dose_figure
from fada_lib.plots.embedding import embedding_figure
from fada_lib.plots.encodings import encodings_figure
from fada_lib.plots.frequencies import class_frequencies, colour_histograms
from fada_lib.plots.ladder import ladder_figure
from fada_lib.plots.per_class import class_heatmap
from fada_lib.plots.photographs import photograph_figure
from fada_lib.plots.relation import relation_figure
from fada_lib.plots.scenes import colour, domain_grid, image_grid, prediction_grid
from fada_lib.plots.sensitivity import sensitivity_figure
from fada_lib.plots.style import SOURCE_COLOUR, TARGET_COLOUR, method_colour, method_label, method_order, save

CLASSES = class_set("world12")
SPREAD = [(k, 2.0 * k / 24) for k in range(1, 25)]
EIGHT = ("source_only", "source_continued", "minent", "advent", "clan", "binary", "fada_soft", "oracle")
K = len(CLASSES)
IMAGE = np.full((24, 48, 3), 100, np.uint8)
LABELS = np.tile(np.arange(48) % K, (24, 1))


def texts(figure: Figure) -> list[str]:
    """All words drawn in the axes and legends of a figure."""
    found = [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, axes.yaxis.label)]
    found += [tick.get_text() for axes in figure.axes for tick in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    return found + [text.get_text() for legend in legends for text in legend.get_texts()]


def test_method_names_become_words() -> None:
    assert method_label("fada_soft") == "FADA, soft labels"
    assert method_label("binary@lambda_adv=0.01,iterations=500+sd") == (
        "Binary discriminator (λ = 0.01, iterations = 500) + SD"
    )
    assert method_label("my_method") == "My method"
    assert method_label("binary_slow") == "Binary discriminator, slow"
    assert method_label("fada_soft_clip_0.7+sd") == "FADA, soft labels, clip 0.7 + SD"
    assert method_label("oracle_encodings_slow") == "FADA, true encodings, slow", "not of the oracle: the longest name"
    assert method_label("binaryslow") == "Binaryslow"


def test_colour_belongs_to_the_method_and_not_to_its_place_in_a_figure() -> None:
    assert method_colour("binary") == method_colour("binary@lambda_adv=0.1") == method_colour("binary+sd")
    known = ["source_only", "source_continued", "binary", "fada_hard", "fada_soft", "oracle"]
    assert len({method_colour(name) for name in known}) == 6
    assert method_colour("my_method") not in {method_colour(name) for name in known}


def test_a_variant_of_a_method_has_a_shade_of_its_colour_and_the_place_after_it() -> None:
    names = ("fada_soft", "fada_soft_slow", "fada_soft_fast", "binary", "binary_slow", "binary_fast")
    colours = [method_colour(name) for name in names]
    assert len(set(colours)) == len(colours)
    hues = [round(rgb_to_hsv(to_rgb(colour))[0], 1) for colour in colours]
    assert hues == [hues[0]] * 3 + [hues[3]] * 3
    assert hues[0] != hues[3]
    assert sorted(names, key=method_order) == [*sorted(names[3:]), *sorted(names[:3])]


def test_fada_at_temperature_one_is_much_darker_than_at_the_papers() -> None:
    lightness = [rgb_to_hsv(to_rgb(method_colour(name)))[2] for name in ("fada_soft", "fada_soft_temperature_1.0")]
    assert lightness[1] < lightness[0] / 2
    labels = [method_label(f"fada_soft_temperature_{value}") for value in ("1.0", "2.5")]
    assert labels == ["FADA, soft labels, T = 1.0", "FADA, soft labels, T = 2.5"]


def test_methods_are_told_in_the_order_of_the_study_with_the_oracle_last() -> None:
    names = ["oracle", "my_method", "fada_soft", "source_only", "binary"]
    assert sorted(names, key=method_order) == ["source_only", "binary", "fada_soft", "my_method", "oracle"]


def test_labels_are_painted_in_cityscapes_colours_and_ignored_pixels_dark() -> None:
    painted = colour(np.array([[0, IGNORE]]), CLASSES)
    assert painted[0, 0].tolist() == [128, 64, 128]
    assert painted[0, 1].max() <= 112


def test_grids_name_domains_methods_and_classes() -> None:
    grid = domain_grid({"game": [(IMAGE, LABELS)], "camera": [(IMAGE, LABELS)] * 2}, CLASSES)
    assert {"game\nimage", "camera\nlabels", "road"} <= set(texts(grid))
    assert "ignored" not in texts(grid)
    truth = np.where(LABELS == 0, IGNORE, LABELS)
    row = {"image": IMAGE, "truth": truth, "predictions": {"fada_soft": LABELS}}
    assert {"Truth", "FADA,\nsoft labels", "ignored"} <= set(texts(prediction_grid([row], CLASSES)))


def test_predictions_of_many_networks_go_on_in_a_second_block_of_columns() -> None:
    row = {"image": IMAGE, "truth": LABELS, "predictions": dict.fromkeys(EIGHT, LABELS)}
    figure = prediction_grid([row, row], CLASSES)
    columns = figure.axes[0].get_subplotspec().get_gridspec().ncols
    titled = [place for place, axes in enumerate(figure.axes) if axes.get_title()]
    assert columns == 5, "ten pictures: two blocks of five"
    assert titled == [*range(5), *range(10, 15)], "each block names its columns above its first image"


def test_photographs_of_any_shape_stand_beside_labels_overlay_and_confidence() -> None:
    upright = Labelled(Path("b.jpg"), IMAGE.swapaxes(0, 1), LABELS.T, np.ones((48, 24), np.float32))
    figure = photograph_figure(
        [Labelled(Path("a.jpg"), IMAGE, LABELS, np.zeros((24, 48), np.float32)), upright], CLASSES
    )
    assert {"Photograph", "Labels", "Overlay", "Confidence", "road"} <= set(texts(figure))
    assert [axes.get_images()[0].get_clim() for axes in figure.axes[3:8:4]] == [(0, 1), (0, 1)]


def test_class_frequencies_write_the_ratio_and_say_what_is_absent() -> None:
    source, target = np.full(K, 0.1), np.full(K, 0.2)
    target[3] = 0.0
    written = texts(class_frequencies(source, target, CLASSES))
    assert written.count("× 2") == K - 1
    assert "absent in target" in written


def test_colour_histograms_are_shares_that_add_up() -> None:
    figure = colour_histograms([IMAGE], [IMAGE, IMAGE])
    heights = figure.axes[0].patches[0].get_data().values
    assert heights.sum() == pytest.approx(100)


def test_training_curves_give_losses_rate_and_scores_a_panel_each() -> None:
    history = [{"iteration": i, "segmentation": 1.0, "learning_rate": 0.1} for i in (1, 2)]
    assert len(training_curves(history).axes) == 2
    assert len(training_curves([*history, {"iteration": 2, "target_tune_miou": 0.4}]).axes) == 3


def test_what_names_a_domain_has_its_colour_in_the_curves() -> None:
    losses = ("learning_rate", "adversarial", "discriminator_source", "discriminator_target")
    scores = ("source_val_miou", "target_tune_miou", "encoding_accuracy")
    figure = training_curves(
        [{"iteration": i, **dict.fromkeys(keys, 0.5)} for i in (1, 2) for keys in (losses, scores)]
    )
    colours = {line.get_label(): line.get_color() for axes in figure.axes for line in axes.lines}
    assert colours.pop("adversarial") not in (SOURCE_COLOUR, TARGET_COLOUR)
    assert colours.pop("learning rate") not in (SOURCE_COLOUR, TARGET_COLOUR)
    assert colours == {
        "discriminator source": SOURCE_COLOUR,
        "source val": SOURCE_COLOUR,
        "discriminator target": TARGET_COLOUR,
        "target tune": TARGET_COLOUR,
    }


def test_series_leaves_out_rows_without_the_key() -> None:
    iterations, values = series([{"iteration": 1, "a": 2.0}, {"iteration": 2}, {"iteration": 3, "a": None}], "a")
    assert (iterations.tolist(), values.tolist()) == ([1], [2.0])


def test_target_curves_average_seeds_at_the_iterations_that_all_have() -> None:
    short = [{"iteration": 1, "target_tune_miou": 0.2}]
    long = [{"iteration": 1, "target_tune_miou": 0.4}, {"iteration": 2, "target_tune_miou": 0.5}]
    (line,) = target_curves({"binary": [short, long]}).axes[0].lines
    assert line.get_xydata().tolist() == [pytest.approx([1, 30])]


def test_target_curves_of_many_methods_have_a_panel_each_before_the_others_in_grey() -> None:
    names = ("binary", "clan", "advent", "minent", "fada_hard", "fada_soft")
    histories = {
        name: [[{"iteration": i, "target_tune_miou": 0.1 * number + 0.01 * i} for i in (1, 2)]]
        for number, name in enumerate(names)
    }
    figure = target_curves(histories, references={"source_only": 0.3})
    titled = {axes.get_title(): axes for axes in figure.axes if axes.get_visible()}
    assert list(titled) == [method_label(name) for name in sorted(names, key=method_order)]
    lines = titled["CLAN"].lines
    own = [line for line in lines if line.get_color() == method_colour("clan")]
    assert [line.get_ydata().tolist() for line in own] == [pytest.approx([11, 12])]
    others = [name for name in sorted(names, key=method_order) if name != "clan"]
    grey = [line.get_ydata()[0] for line in lines if line.get_color() == "#d0d0d0"]
    assert grey == pytest.approx([10 * names.index(name) + 1 for name in others]), "in an order of their own"
    grey_and_level = ["the other methods' means", "Source only"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == grey_and_level


def test_the_legend_of_target_curves_shows_every_line_as_it_is_drawn() -> None:
    row = [{"iteration": 1, "target_tune_miou": 0.2}, {"iteration": 2, "target_tune_miou": 0.3}]
    figure = target_curves({"source_continued": [row], "binary": [row], "clan": []})
    drawn = {line.get_label(): line.get_linestyle() for line in figure.axes[0].lines}
    handles = {handle.get_label(): handle.get_linestyle() for handle in figure.legends[0].legend_handles}
    assert drawn == {"Source, continued": "--", "Binary discriminator": "-"}
    assert {name: handles[name] for name in drawn} == drawn


@pytest.mark.parametrize(("domain", "first"), [("source", 0), ("target", K)])
def test_an_encoding_fills_only_the_half_of_its_domain(domain: str, first: int) -> None:
    soft = np.full((1, K), 1 / K)
    hard = np.eye(K)[[2]]
    axes = encodings_figure(IMAGE, LABELS, [(5, 40)], soft, hard, CLASSES, FadaOptions(), domain).axes
    bars = axes[3].containers[0]
    assert [round(bar.get_center()[0]) for bar in bars] == list(range(first, first + K))
    assert [bar.get_height() for bar in axes[1].containers[0]] == [domain == "source", domain == "target"]


def test_the_true_class_stands_under_each_pixel() -> None:
    truth = np.where(LABELS == 0, IGNORE, LABELS)
    knowledge = np.full((2, K), 1 / K)
    axes = encodings_figure(IMAGE, truth, [(5, 2), (5, 0)], knowledge, knowledge, CLASSES, FadaOptions()).axes
    assert [axes[row].get_xlabel() for row in (0, 4)] == [f"truth: {CLASSES.names[2]}", "truth: no label"]


def test_a_pixel_that_hard_labels_ignore_is_said_to_be_ignored() -> None:
    options = FadaOptions(temperature=2.5, clip=0.8, threshold=0.7)
    figure = encodings_figure(IMAGE, LABELS, [(0, 0)], np.full((1, K), 1 / K), np.zeros((1, K)), CLASSES, options)
    assert "ignored:\nnot confident" in texts(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[2:] == ["hard, Eq. 7 (at least 0.7 sure)", "soft, Eq. 8 (T = 2.5, clipped at 0.8)"]


def test_comparison_writes_spread_only_where_there_is_one() -> None:
    one = texts(comparison_figure({"binary": {"single": [0.4]}}))
    several = texts(comparison_figure({"binary": {"single": [0.4, 0.42], "sd_mst": [0.5, 0.5]}}))
    assert "40.0" in one
    assert "41.0 ± 1.4" in several
    assert "self-distilled, multi-scale" in several


def test_differences_of_one_seed_say_that_there_is_no_spread() -> None:
    figure = differences_figure(["a − b"], [[-0.01]], [None])
    assert "−1.0" in texts(figure)
    assert "one seed, no spread" in figure.axes[0].get_xlabel()


def test_heat_map_leaves_the_oracle_out_of_the_contest_and_dashes_missing_classes() -> None:
    figure = class_heatmap({"oracle": [0.9, None], "binary": [0.4, None], "fada_soft": [0.5, None]}, ["a", "b"])
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"]
    assert bold == ["50"]
    assert texts(figure).count("—") == 3


def test_names_of_methods_stand_upright_however_few_there_are() -> None:
    figure = class_heatmap(dict.fromkeys(("held-out source", "target"), [0.5] * 12), [f"class {k}" for k in range(12)])
    assert {label.get_rotation() for label in figure.axes[0].get_yticklabels()} == {0}


def test_images_stand_in_titled_rows() -> None:
    figure = image_grid({"Game": [IMAGE, IMAGE], "Camera": [IMAGE, IMAGE]})
    assert len(figure.axes) == 4
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["Game", "Camera"]


def test_ladder_skips_steps_that_were_not_run() -> None:
    figure = ladder_figure({"binary": [[0.3], [0.4], None, None]}, ["source only", "+ adaptation", "+ SD", "+ MST"])
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["Binary discriminator  40.0"]
    assert figure.axes[0].get_ylabel() == "target mIoU (%)", "one seed has no bar"


def test_however_many_methods_a_ladder_has_their_marks_stay_at_their_step_and_bars_are_named() -> None:
    figure = ladder_figure({f"method_{k}": [[0.3, 0.4], [0.4, 0.5]] for k in range(30)}, ["source only", "+ SD"])
    places = np.array([container[0].get_xdata() for container in figure.axes[0].containers])
    assert np.abs(places - [0, 1]).max() <= 0.3
    assert "standard deviation" in figure.axes[0].get_ylabel()


def test_ccd_ends_with_mean_and_median_and_leaves_out_absent_classes() -> None:
    entry = {"per_class": [1.0, None, 2.0], "mean": 1.5, "median": 1.5}
    figure = ccd_figure({"binary": {"0": entry}, "fada_soft": {"0": entry}}, ["a", "b", "c"])
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["a", "c", "mean", "median"]


def test_of_many_methods_ccd_and_domain_distance_are_written_into_cells() -> None:
    def entry(value: float) -> dict:
        return {"per_class": [value, None], "mean": value, "median": None}

    seeds = {f"method_{k}": {0: entry(k + 0.0), 1: entry(k + 0.5)} for k in range(MOST_MARKS + 1)}
    for figure in (ccd_figure(seeds, ["a", "b"]), domain_distance_figure(seeds, ["a", "b"])):
        assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["a", "mean", "median"]
        assert {"0.25", "9.25"} <= set(texts(figure)), "means over the seeds"


@pytest.mark.parametrize("seeds", [1, 2])
def test_what_a_line_is_stands_on_the_axis_where_there_is_one(seeds: int) -> None:
    distances = {"binary": {seed: {"per_class": [1.0], "mean": 1.0, "median": 1.0} for seed in range(seeds)}}
    figures = (
        domain_distance_figure(distances, ["a"]),
        alignment_and_miou_figure({"binary": [(1.0, 0.4)] * seeds}, {}, ""),
    )
    for figure in figures:
        assert ("line: one standard deviation" in figure.axes[0].get_xlabel()) == (seeds > 1)


def luminance(colour) -> float:
    """Relative luminance of sRGB by WCAG 2."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_numbers_in_cells_stand_out_from_every_colour() -> None:
    values = {f"method_{k}": {0: {"per_class": [value], "mean": value, "median": value}} for k, value in SPREAD}
    for figure in (ccd_figure(values, ["a"]), domain_distance_figure(values, ["a"])):
        axes = figure.axes[0]
        for text, face in zip(axes.texts, axes.collections[0].get_facecolors(), strict=True):
            dark, light = sorted((luminance(text.get_color()), luminance(face[:3])))
            assert (light + 0.05) / (dark + 0.05) > 3.8, f"{text.get_text()} on {face}"


def test_the_kind_of_a_network_is_a_shape_and_each_scope_has_its_correlation() -> None:
    values = {name: np.array([0.1, 0.2]) for name in ("binary", "fada_soft", "adabn", "oracle")}
    within_class = {"all": [{"rho": -0.5, "n": 4}, None], "with the oracle": [{"rho": 0.25, "n": 5}, None]}
    found = {"within_class": within_class, "within_method": {name: {"rho": 0.75, "n": 4} for name in values}}
    figure = relation_figure(values, values, found, class_set("road, car"), "CCD")
    shown = [handle.get_label() for handle in figure.legends[0].get_lines()]
    assert shown == [*KINDS, "road", "car"]
    right = figure.axes[1]
    assert [marks.get_offsets()[0][0] for marks in right.collections] == [-0.5, 0.25]
    assert [bar.get_width() for bar in right.patches] == [0.75] * 4


def test_of_alignment_and_miou_every_network_is_named_and_every_scope_told() -> None:
    points = {"binary": [(1.0, 0.4), (1.2, 0.42)], "fada_soft": [(1.1, 0.41)], "oracle": [(1.9, 0.7)]}
    figure = alignment_and_miou_figure(points, {"of all": -0.7, "of none": None}, "CCD")
    assert {"Binary discriminator", "FADA, soft labels", "Oracle (target labels)"} <= set(texts(figure))
    assert figure.axes[0].get_title() == "rank correlation with mIoU: −0.70 of all"
    binary = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert (binary.get_xdata()[0], binary.get_ydata()[0]) == pytest.approx((1.1, 41.0))


def test_labels_that_meet_make_room_for_each_other() -> None:
    figure = alignment_and_miou_figure(
        {"binary": [(1.0, 0.4)], "fada_soft": [(1.0, 0.4)], "clan": [(2.0, 0.5)]}, {}, ""
    )
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))


def test_of_a_crowd_some_labels_stand_afar_with_a_line_and_all_inside_the_axes() -> None:
    names = ("binary", "fada_hard", "fada_soft", "fada_soft_temperature_1.0", "clan", "advent", "adaptsegnet")
    crowd = {name: [(0.95 + 0.002 * i, 0.40 + 0.002 * i)] for i, name in enumerate(names)}
    figure = alignment_and_miou_figure({**crowd, "oracle": [(1.9, 0.7)], "source_only": [(1.7, 0.2)]}, {}, "")
    figure.draw_without_rendering()
    labels = figure.axes[0].texts
    assert any(label.arrow_patch for label in labels) and not all(label.arrow_patch for label in labels)
    boxes = [Text.get_window_extent(label) for label in labels]
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))
    assert all(figure.axes[0].bbox.x0 <= box.x0 and box.x1 <= figure.axes[0].bbox.x1 for box in boxes)


def test_labels_keep_off_the_bars_of_their_neighbours() -> None:
    spread = {"binary": (1.2, 0.24), "fada_soft": (1.19, 0.25), "fada_hard": (1.25, 0.244), "clan": (1.35, 0.22)}
    seeds = {name: [(x - 0.06, y - 0.012), (x + 0.06, y + 0.012)] for name, (x, y) in spread.items()}
    figure = alignment_and_miou_figure({**seeds, "source_only": [(1.9, 0.3), (1.8, 0.2)]}, {}, "")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [Text.get_window_extent(label) for label in axes.texts]
    segments = [segment for lines in axes.containers for bar in lines[2] for segment in bar.get_segments()]
    bars = [Bbox(axes.transData.transform(segment)) for segment in segments]
    assert len(bars) == 2 * len(labels)
    assert not any(label.overlaps(bar) for label in labels for bar in bars)
    assert all(axes.bbox.y0 <= box.y0 and box.y1 <= axes.bbox.y1 for box in labels)


def test_a_ccd_that_towers_over_the_others_is_cut_and_written() -> None:
    entry = {"per_class": [1.0, 1.1, 50.0], "mean": 1.0, "median": 1.0}
    figure = ccd_figure({"binary": {0: entry}}, ["a", "b", "c"])
    assert figure.axes[0].get_ylim()[1] < 10
    assert "50.0" in texts(figure)


def test_embedding_has_a_second_row_by_domain() -> None:
    panel = {"points": np.zeros((4, 2)), "classes": np.array([0, 1, 0, 1]), "domains": np.array([0, 0, 1, 1])}
    assert len(embedding_figure({"binary": panel, "fada_soft": panel}, CLASSES).axes) == 4


def test_of_many_methods_the_maps_wrap_into_blocks_of_two_rows() -> None:
    panel = {"points": np.zeros((4, 2)), "classes": np.array([0, 1, 0, 1]), "domains": np.array([0, 0, 1, 1])}
    figure = embedding_figure({f"method_{k}": panel for k in range(7)}, CLASSES)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown if axes.get_title()] == [f"Method {k}" for k in range(7)]
    assert len(shown) == 14 and len({axes.get_subplotspec().rowspan.start for axes in shown}) == 4


def test_sensitivity_rings_the_best_lambda() -> None:
    figure = sensitivity_figure({"binary": {0.001: [0.3, 0.32], 0.01: [0.4, 0.41], 0.1: [0.2, 0.1]}})
    (ring,) = figure.axes[0].collections[1:]
    assert ring.get_offsets().tolist() == [pytest.approx([0.01, 40.5])]


def test_dose_has_a_column_a_shift_and_fada_a_row_an_opponent_and_a_mark_a_world() -> None:
    steps = {0.0: Step({7: [0.0], 8: [0.0]}, None), 1.0: Step({7: [0.03], 8: [0.03]}, (0.02, 0.04))}
    figure = dose_figure(
        {
            ("label shift", "fada_soft"): {"binary": steps, "adaptsegnet": steps},
            ("appearance shift", "fada_soft_temperature_1.0"): {"binary": steps},
        }
    )
    (top_left, top_right), (bottom_left, bottom_right) = np.reshape(figure.axes, (2, 2))
    assert [axes.get_title() for axes in (top_left, top_right)] == ["FADA, soft labels", "FADA, soft labels, T = 1.0"]
    below = [axes.get_xlabel() for axes in (bottom_left, bottom_right)]
    assert below == ["label shift (0: none)", "appearance shift (0: none)"]
    assert [axes.get_ylabel() for axes in (top_left, bottom_left)] == [
        "minus Binary\ndiscriminator",
        "minus AdaptSegNet",
    ]
    assert {"+0.0", "+3.0", "world 7", "world 8"} <= set(texts(figure))
    assert not bottom_right.collections, "AdaptSegNet was not run there"


def test_differences_stand_under_the_headings_of_their_families() -> None:
    figure = differences_figure(["a − b", "c − d", "e − f"], [[0.1]] * 3, [None] * 3, ["first", "first", "second"])
    assert texts(figure).count("first") == texts(figure).count("second") == 1
    heights = figure.axes[0].get_yticks()
    assert heights[1] - heights[2] > heights[0] - heights[1]
    headings = [text for text in figure.axes[0].texts if text.get_text() in ("first", "second")]
    assert all(text.get_bbox_patch().get_facecolor() == (1, 1, 1, 1) for text in headings), "no line strikes them"


def test_figures_are_not_left_open() -> None:
    differences_figure(["a"], [[0.1]], [None])
    assert plt.get_fignums() == []


def test_saved_files_are_the_same_on_every_run(tmp_path: Path) -> None:
    first, second = (
        save(
            dose_figure({("label shift", "fada_soft"): {"binary": {0.0: Step({0: [0.1]}, None)}}}),
            tmp_path / name / "dose",
        )
        for name in "ab"
    )
    assert [path.name for path in first] == ["dose.png", "dose.pdf"]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_sensitivity_has_a_dashed_level_for_what_was_not_adapted() -> None:
    figure = sensitivity_figure({"binary": {0.001: [0.3], 0.01: [0.2]}}, references={"source_only": 0.25})
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == pytest.approx([25.0])


def test_the_oracle_stands_on_the_axis_of_the_methods() -> None:
    figure = comparison_figure({"binary": {"single": [0.30, 0.32]}, "oracle": {"single": [0.70, 0.72]}})
    assert figure.axes[0].get_xlim()[1] > 72
    assert {"31.0 ± 1.4", "71.0 ± 1.4"} <= set(texts(figure))
