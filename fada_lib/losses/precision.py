"""The precision that losses and probabilities are taken in: what the network gives, but never less than float32."""

import torch

_HALVES = (torch.bfloat16, torch.float16)


def at_least_single(x: torch.Tensor) -> torch.Tensor:
    """Half precision (autocast's logits) as float32; float32 and float64 stay as they are."""
    return x.float() if x.dtype in _HALVES else x
