"""Means, t intervals and Holm's adjustment against numbers worked out by hand."""

import pytest

from fada_lib.study.statistics import (
    adjust,
    holm,
    paired_difference,
    summarise,
    t_interval,
    t_test,
)


def test_mean_and_sample_standard_deviation() -> None:
    summary = summarise([1.0, 2.0, 3.0])
    assert (summary.mean, summary.sd, summary.n) == (2.0, 1.0, 3)


def test_one_value_has_no_spread_no_interval_and_no_p() -> None:
    assert summarise([0.5]).sd is None
    assert t_interval([0.5]) is None
    assert t_test([0.5]) is None


def test_no_value_has_no_summary() -> None:
    assert summarise([]) is None


def test_t_interval_of_three_values() -> None:
    low, high = t_interval([1.0, 2.0, 3.0])
    assert high - 2.0 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert low == pytest.approx(4.0 - high)


def test_p_is_005_where_the_interval_touches_zero() -> None:
    half = 4.3026527 / 3**0.5
    assert t_test([half - 1, half, half + 1]) == pytest.approx(0.05, rel=1e-5)


def test_the_sign_of_the_mean_does_not_change_p() -> None:
    assert t_test([-3.0, -2.0, -1.0]) == t_test([1.0, 2.0, 3.0]) < 0.1


@pytest.mark.parametrize(("values", "p"), [([0.0, 0.0], 1.0), ([0.5, 0.5], 0.0)])
def test_differences_without_spread_give_a_p_and_not_a_nan(values: list[float], p: float) -> None:
    assert t_test(values) == p


def test_difference_pairs_by_seed_and_leaves_out_seeds_of_one_side_only() -> None:
    difference = paired_difference("a", "b", {0: 0.5, 1: 0.6, 2: 0.9}, {1: 0.5, 0: 0.3})
    assert difference.pairs == (0, 1)
    assert difference.values == pytest.approx((0.2, 0.1))


def test_no_common_seed_gives_no_difference() -> None:
    assert paired_difference("a", "b", {0: 1.0}, {1: 1.0}) is None


def test_holm_multiplies_the_smallest_p_most_and_never_falls() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_holm_caps_at_one_and_skips_comparisons_without_p() -> None:
    assert holm([0.9, None, 0.8]) == [1.0, None, 1.0]


def test_adjust_keeps_the_differences_and_adds_p() -> None:
    differences = [
        paired_difference("a", "b", {0: 2.0, 1: 2.1}, {0: 1.0, 1: 1.0}),
        paired_difference("a", "c", {0: 2.0}, {0: 1.0}),
    ]
    adjusted = adjust(differences)
    assert adjusted[0].p_holm == adjusted[0].p == differences[0].p
    assert adjusted[1].p_holm is None
