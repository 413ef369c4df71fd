"""What becomes of the source model's mistakes: by hand, drawn, and as a table."""

import json

import numpy as np
import pytest
from matplotlib.colors import to_hex
from synthetic_study import three_seeds

from fada_lib.analysis.mistakes import confusions, fate, fates
from fada_lib.data.classes import class_set
from fada_lib.plots.mistakes import fate_figure, taken_for_figure
from fada_lib.study.alignment_tables import mistake_table
from fada_lib.study.results import read_study
from fada_lib.study.statistics import Summary

TRUTH = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
BEFORE = np.array([1, 1, 1, 1, 0, 1, 2, 2, 2])
AFTER = np.array([0, 1, 1, 2, 1, 1, 2, 2, 0])


def test_of_the_wrong_ones_some_are_mended_exchanged_or_kept_and_of_the_right_ones_some_are_lost():
    assert fate(TRUTH, BEFORE, AFTER) == {"mended": 2 / 5, "exchanged": 1 / 5, "kept": 2 / 5, "lost": 1 / 4}


def test_it_counts_what_a_loop_over_pixels_counts():
    truth, before, after = np.random.default_rng(0).integers(0, 5, (3, 400))
    counts = dict.fromkeys(("mended", "exchanged", "kept", "lost", "stayed"), 0)
    for t, b, a in zip(truth, before, after, strict=True):
        if b == t:
            counts["stayed" if a == t else "lost"] += 1
        elif a == t:
            counts["mended"] += 1
        else:
            counts["kept" if a == b else "exchanged"] += 1
    wrong = counts["mended"] + counts["exchanged"] + counts["kept"]
    expected = {key: counts[key] / wrong for key in ("mended", "exchanged", "kept")}
    assert fate(truth, before, after) == {**expected, "lost": counts["lost"] / (400 - wrong)}


def test_where_nothing_was_wrong_or_nothing_right_there_is_no_share():
    assert fate(TRUTH, TRUTH, AFTER)["mended"] is fate(TRUTH, TRUTH, AFTER)["kept"] is None
    assert fate(TRUTH[:4], BEFORE[:4], AFTER[:4])["lost"] is None


def test_each_method_is_followed_from_the_source_model_of_its_seed():
    predictions = {"source_only": {"1": BEFORE, "2": TRUTH}, "binary": {"1": AFTER, "2": AFTER, "3": AFTER}}
    found = fates(predictions, TRUTH)
    assert found == {"binary": {"1": fate(TRUTH, BEFORE, AFTER), "2": fate(TRUTH, TRUTH, AFTER)}}
    assert fates({"binary": {"1": AFTER}}, TRUTH) == {}


def test_a_network_that_diverged_stays_without_a_value():
    predictions = {"source_only": {"1": BEFORE}, "binary": {"1": None}}
    assert fates(predictions, TRUTH) == {
        "binary": {"1": {"mended": None, "exchanged": None, "kept": None, "lost": None}}
    }
    assert confusions(predictions, TRUTH, 4)["binary"] == {}
    left, right = fate_figure(fates(predictions, TRUTH)).axes
    assert [bar.get_width() for bar in (*left.patches, *right.patches)] == [0, 0, 0, 0]


def test_confusions_count_true_classes_down_and_predictions_across():
    found = confusions({"binary": {"1": AFTER}}, TRUTH, 4)
    assert found == {"binary": {"1": [[1, 2, 1, 0], [0, 2, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]}}
    json.dumps(found)


# Figures


def test_a_bar_begins_with_the_right_share_and_shows_the_rest_in_the_colours_of_the_predictions():
    classes = class_set("road, car, sky")
    confusion = {"binary": {"1": [[1, 3, 0], [0, 0, 0], [0, 0, 4]], "2": [[3, 1, 0], [0, 0, 0], [0, 0, 4]]}}
    panels = [a for a in taken_for_figure(confusion, ["binary"], classes).axes if a.get_visible()]
    assert [panel.get_title() for panel in panels] == ["road", "sky"], "no pixel of a car was looked at"
    bars = [(round(bar.get_x()), round(bar.get_width()), to_hex(bar.get_facecolor())) for bar in panels[0].patches]
    assert bars[:2] == [(0, 50, "#804080"), (50, 50, "#00008e")]
    assert [text.get_text() for text in panels[0].texts] == ["car", "50"], "a big mistake is named"
    assert panels[0].texts[0].get_color() == "white", "on dark blue"
    assert to_hex(panels[1].patches[0].get_facecolor()) == "#4682b4", "the sky's panel begins with sky"
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["Binary discriminator"]


def test_the_fates_of_a_mistake_fill_the_bar_in_the_order_of_the_story():
    one = {"mended": 0.2, "exchanged": 0.3, "kept": 0.5, "lost": 0.1}
    two = {"mended": 0.4, "exchanged": 0.3, "kept": 0.3, "lost": None}
    left, right = fate_figure({"fada_soft": {"1": one, "2": two}, "binary": {"1": one}}).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["Binary discriminator", "FADA, soft labels"]
    soft = [(bar.get_x(), bar.get_width()) for bar in left.patches[1::2]]
    assert np.allclose(soft, [(0, 30), (30, 30), (60, 40)])
    assert [bar.get_width() for bar in right.patches] == pytest.approx([10, 10])
    assert left.get_ylim()[0] > left.get_ylim()[1], "the first method on top"


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("lost", [0.1, 0.6])
def test_what_is_lost_is_drawn_on_the_scale_of_what_is_mended(seeds, lost):
    entry = {"mended": 0.2, "exchanged": 0.3, "kept": 0.5, "lost": lost}
    figure = fate_figure({"binary": dict.fromkeys(map(str, range(seeds)), entry)})
    figure.draw_without_rendering()
    left, right = figure.axes
    assert right.get_xlim()[1] > 100 * lost
    assert np.isclose(*(axes.bbox.width / axes.get_xlim()[1] for axes in (left, right)), rtol=0.02)


def test_spread_is_explained_only_where_there_is_some():
    entry = {"mended": 0.2, "exchanged": 0.3, "kept": 0.5, "lost": 0.1}
    labels = [fate_figure({"binary": seeds}).axes[0].get_xlabel() for seeds in ({"1": entry}, {"1": entry, "2": entry})]
    assert ["standard deviation" in label for label in labels] == [False, True]


# The table


def test_the_table_has_mean_and_spread_over_seeds(tmp_path):
    written = three_seeds(tmp_path)
    path = tmp_path / "runs" / "05_analysis" / "metrics.json"
    one = {"mended": 0.25, "exchanged": 0.25, "kept": 0.5, "lost": None}
    two = {"mended": 0.75, "exchanged": 0.25, "kept": 0.0, "lost": 0.125}
    mistakes = {"fada_soft": {"0": one, "1": two}, "binary": {"0": one}, "oracle": {"0": two}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "mistakes": mistakes}))
    table = mistake_table(read_study(written.folder))
    binary, soft, _ = table.rows
    assert table.unranked == {2}, "the oracle competes with no method"
    mended, exchanged, kept = (Summary(share, None, 1) for share in (0.25, 0.25, 0.5))
    assert binary == ["Binary discriminator", mended, exchanged, kept, None, 1]
    assert soft[0] == "FADA, soft labels"
    assert soft[1] == Summary(0.5, pytest.approx(0.125**0.5), 2)
    assert soft[4:] == [Summary(0.125, None, 1), 2]


def test_an_analysis_that_followed_no_mistakes_gives_no_table(tmp_path):
    assert mistake_table(read_study(three_seeds(tmp_path).folder)) is None
