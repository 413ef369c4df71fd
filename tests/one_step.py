"""What tests of single iterations share: optimisers, and the state of a module before and after."""

import torch
from torch import nn


def optimisers_of(segmenter: nn.Module, method: nn.Module) -> dict[str, torch.optim.Optimizer]:
    """SGD for the network and, if the method has a discriminator, Adam for that."""
    found = {"segmenter": torch.optim.SGD(segmenter.parameter_groups(1.0), lr=0.1, momentum=0.9)}
    if list(method.parameters()):
        found["discriminator"] = torch.optim.Adam(method.parameters(), lr=0.01)
    return found


def copies(module: nn.Module) -> dict[str, torch.Tensor]:
    """The module's tensors as they are now."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether every tensor of `a` is in `b`, bit for bit."""
    return all(torch.equal(a[name], b[name]) for name in a)
