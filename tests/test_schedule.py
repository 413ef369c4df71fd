"""The poly learning rate policy and how it reaches the optimisers."""

import pytest
import torch

from fada_lib.parameters import TrainingParameters, UserError
from fada_lib.training.schedule import poly_factor
from fada_lib.training.state import TrainingState, learning_rate_factor, set_learning_rate, sgd


def test_the_first_iteration_has_the_whole_rate():
    assert poly_factor(0, 100) == 1.0


def test_the_power_is_0_9():
    assert poly_factor(50, 100) == pytest.approx(0.5**0.9)


def test_a_power_of_one_is_a_straight_line():
    assert poly_factor(25, 100, 1.0) == pytest.approx(0.75)


def test_the_rate_falls_at_every_iteration_and_stays_above_zero():
    factors = [poly_factor(i, 100) for i in range(100)]
    assert factors == sorted(factors, reverse=True)
    assert 0 < factors[-1] < 0.02


@pytest.mark.parametrize(("iteration", "horizon"), [(-1, 100), (101, 100), (0, 0)])
def test_an_iteration_beyond_the_horizon_is_refused(iteration, horizon):
    with pytest.raises(UserError, match=f"iteration {iteration} is not in 0..{horizon}"):
        poly_factor(iteration, horizon)


@pytest.mark.parametrize(("iterations", "horizon"), [(20_000, 31_250), (40_000, 62_500)])
def test_the_releases_longer_horizon_ends_at_0_3987_of_the_rate(iterations, horizon):
    p = TrainingParameters(iterations=iterations, poly_horizon=horizon)
    assert learning_rate_factor(p, iterations) == pytest.approx(0.3987, abs=5e-5)


def test_without_a_horizon_the_rate_ends_with_the_run():
    assert learning_rate_factor(TrainingParameters(iterations=200), 100) == pytest.approx(0.5**0.9)
    assert learning_rate_factor(TrainingParameters(iterations=200, poly_power=1.0), 100) == 0.5


def test_the_classifiers_rate_is_a_multiple_of_the_extractors():
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "factor": factor} for factor in (1.0, 10.0)]
    optimiser = torch.optim.SGD(groups, lr=1.0)
    set_learning_rate(optimiser, 5e-4)
    assert [group["lr"] for group in optimiser.param_groups] == [5e-4, 5e-3]


def test_every_group_gets_base_times_schedule_times_its_own_factor():
    first, second, third = (torch.nn.Parameter(torch.zeros(1)) for _ in range(3))
    p = TrainingParameters(learning_rate=0.1, momentum=0.8, weight_decay=0.002)
    optimisers = {
        "segmenter": sgd(p, [{"params": [first], "factor": 1.0}, {"params": [second], "factor": 10.0}]),
        "discriminator": torch.optim.Adam([third], lr=1.0),
    }
    TrainingState({}, optimisers).set_learning_rates({"segmenter": 0.1, "discriminator": 0.02}, 0.5)
    rates = [group["lr"] for optimiser in optimisers.values() for group in optimiser.param_groups]
    assert rates == pytest.approx([0.05, 0.5, 0.01])
    assert {(g["momentum"], g["weight_decay"]) for g in optimisers["segmenter"].param_groups} == {(0.8, 0.002)}
