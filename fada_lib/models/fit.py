"""Copy a state dictionary into a network, or say in one line which tensor does not fit."""

from collections.abc import Collection, Mapping

import torch
from torch import nn

from fada_lib.parameters import UserError

_COUNTER = "num_batches_tracked"
"""Batch norm's counter of batches, which frozen and older files lack."""


def fit(
    module: nn.Module,
    state: Mapping[str, torch.Tensor],
    where: str,
    network: str = "this network",
    new: Collection[str] = (),
) -> None:
    """Copy `state` into `module`.

    Parameters
    ----------
    module : Module
    state : mapping
        Name -> tensor; counters of batches may be missing or too many, nothing else may.
    where, network : str
        What the error calls the two, e.g. ``model.pth (classifier)`` and ``backbone 'vgg16'``.
    new : collection of str
        Parameters that may be missing and then stay as they are.

    Raises
    ------
    UserError
        Naming the first tensor that is missing, too many or of another shape.
    """
    expected = module.state_dict()
    given = {name: tensor for name, tensor in state.items() if name in expected or not name.endswith(_COUNTER)}
    missing = [name for name in expected if name not in given and name not in new and not name.endswith(_COUNTER)]
    surplus = [name for name in given if name not in expected]
    for problem, names in (("lacks", missing), ("has, but should not,", surplus)):
        if names:
            raise UserError(f"{where} does not fit {network}: it {problem} {names[0]}")
    for name, tensor in given.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(expected[name].shape)}"
            raise UserError(f"{where} does not fit {network}: {name} is {shapes}")
    module.load_state_dict(given, strict=False)
