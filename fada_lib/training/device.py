"""Where a run computes and in which precision; one place decides both."""

import contextlib
import os
from dataclasses import dataclass

import torch

from fada_lib.parameters import UserError


@dataclass(frozen=True)
class Compute:
    """A device and the autocast type on it (None: everything in the tensors' own precision).

    Weights and losses stay in float32; convolutions run in `autocast_type`.
    """

    device: torch.device
    autocast_type: torch.dtype | None

    def autocast(self) -> contextlib.AbstractContextManager:
        """The context of a forward pass."""
        if self.autocast_type is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.autocast_type)


def prepare(device: str, precision: str, threads: int, seed: int) -> Compute:
    """Set threads, seeds and deterministic algorithms, and choose device and precision.

    Parameters
    ----------
    device : str
        ``auto`` takes a GPU if there is one, else the CPU; or ``cpu``, ``cuda``, ``cuda:1``.
    precision : str
        ``auto`` is bfloat16 autocast on a GPU that has it and float32 on a CPU; or ``float32``, ``bfloat16``.
    threads : int
        CPU threads; part of a run's identity because sums depend on it.
    seed : int
        Seed of weight initialisation.

    Raises
    ------
    UserError
        For an unknown or absent device, or an unknown precision.
    """
    torch.set_num_threads(threads)
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device is '{device}' but no CUDA GPU is visible: set device: cpu")
    try:
        chosen = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"unknown device '{device}': choose auto, cpu or cuda") from error
    types = {
        "auto": torch.bfloat16 if chosen.type == "cuda" else None,
        "float32": None,
        "bfloat16": torch.bfloat16,
    }
    if precision not in types:
        raise UserError(f"unknown precision '{precision}': choose one of {', '.join(types)}")
    if chosen.type == "cpu":
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # costs a tenth of a step; nothing reads it
    else:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = True
    torch.manual_seed(seed)
    return Compute(chosen, types[precision])
