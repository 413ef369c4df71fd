"""Copying weights into a network that may lack batch norm's counters or have them."""

import pytest
import torch
from torch import nn

from fada_lib.models.fit import fit
from fada_lib.parameters import UserError


class WithoutCounter(nn.BatchNorm2d):
    """Batch norm as frozen networks and older files have it."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.num_batches_tracked = None


@pytest.mark.parametrize(("giver", "taker"), [(nn.BatchNorm2d, WithoutCounter), (WithoutCounter, nn.BatchNorm2d)])
def test_counters_of_batches_may_be_too_many_or_missing(giver, taker):
    state = {name: tensor + 3 for name, tensor in giver(2).state_dict().items()}
    network = taker(2)
    fit(network, state, "file")
    assert torch.equal(network.running_mean, torch.tensor([3.0, 3.0]))
    assert torch.equal(network.weight, torch.tensor([4.0, 4.0]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"bias": None}, "it lacks bias"),
        ({"surplus": torch.zeros(2)}, "it has, but should not, surplus"),
        ({"weight": torch.zeros(3)}, r"weight is \(3,\), not \(2,\)"),
    ],
)
def test_the_first_tensor_that_does_not_fit_is_named_and_nothing_is_copied(change, problem):
    state = {name: tensor + 3 for name, tensor in nn.BatchNorm2d(2).state_dict().items()} | change
    network = nn.BatchNorm2d(2)
    with pytest.raises(UserError, match=f"^file does not fit backbone 'b': {problem}$"):
        fit(network, {name: tensor for name, tensor in state.items() if tensor is not None}, "file", "backbone 'b'")
    assert torch.equal(network.running_mean, torch.zeros(2))


def test_what_is_new_stays_as_it_is():
    network = nn.Linear(2, 1)
    before = network.bias.clone()
    fit(network, {"weight": torch.ones(1, 2)}, "file", new=["bias"])
    assert torch.equal(network.weight, torch.ones(1, 2))
    assert torch.equal(network.bias, before)
