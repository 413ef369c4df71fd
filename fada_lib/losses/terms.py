"""A loss as a sum and a count, so that parts of a map, taken one by one, have the mean of the whole."""

from typing import NamedTuple

import torch


class Term(NamedTuple):
    """`total` over `count` pixels (both scalars, `count` without gradient)."""

    total: torch.Tensor
    count: torch.Tensor

    def mean(self) -> torch.Tensor:
        """The mean over counted pixels; 0 (with a gradient of 0) when nothing was counted."""
        return self.total / self.count.clamp(min=1)


def whole(number: int, like: torch.Tensor) -> torch.Tensor:
    """`number` as a scalar tensor made on the device of `like`: copying it there would wait for the device."""
    return torch.full((), number, device=like.device)
