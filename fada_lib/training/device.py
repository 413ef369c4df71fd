"""Where a run computes and in which precision; one place decides both."""

import contextlib
import re
from dataclasses import dataclass

import torch

from fada_lib.limits import CHOICES
from fada_lib.parameters import UserError

CONVOLUTIONS_TRIED = {"bfloat16": 10, "float32": 2}
"""Of cuDNN's ways of a convolution, best guess first, how many are timed at the first step of each image size.

10 is PyTorch's default. In float32 the later ones take minutes for VGG-16's dilated convolutions, and gained nothing
where that could be measured (docs/costs.md).
"""


@dataclass(frozen=True)
class Compute:
    """A device and the autocast type on it (None: everything in the tensors' own precision).

    Weights, losses and discriminators stay in float32; the convolutions of a segmenter run in `autocast_type`.
    """

    device: torch.device
    autocast_type: torch.dtype | None

    def autocast(self) -> contextlib.AbstractContextManager:
        """The context of a forward pass."""
        if self.autocast_type is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.autocast_type)


def prepare(device: str, precision: str, threads: int, seed: int) -> Compute:
    """Set threads and seeds, choose device and precision, and on the CPU ask for deterministic algorithms.

    Parameters
    ----------
    device : str
        ``auto`` takes a GPU if there is one, else the CPU; or ``cpu``, ``cuda``, ``cuda:1``, ...
    precision : str
        ``auto`` is bfloat16 autocast on a GPU that has it, else float32; or ``float32``, ``bfloat16``.
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
    chosen = _choose(device)
    if precision not in CHOICES["precision"]:
        raise UserError(f"unknown precision '{precision}': choose one of {', '.join(CHOICES['precision'])}")
    if precision == "auto":
        precision = "bfloat16" if _computes_bfloat16(chosen) else "float32"
    if chosen.type == "cpu":
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # costs a tenth of a step; nothing reads it
    else:
        torch.backends.cudnn.benchmark = True
        if torch.version.hip is None:  # AMD's library has no such limit and warns
            torch.backends.cudnn.benchmark_limit = CONVOLUTIONS_TRIED[precision]
    torch.manual_seed(seed)
    return Compute(chosen, torch.bfloat16 if precision == "bfloat16" else None)


def _choose(device: str) -> torch.device:
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if not re.fullmatch(r"cpu|cuda(:(0|[1-9][0-9]*))?", name):
        raise UserError(f"unknown device '{device}': choose auto, cpu, cuda or a certain GPU, as cuda:1")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"device is '{device}' but no CUDA GPU is visible: set device: cpu")
    number = name.partition(":")[2]
    if number and int(number) >= torch.cuda.device_count():
        raise UserError(f"device is '{device}' but the last visible GPU is cuda:{torch.cuda.device_count() - 1}")
    return torch.device(name)


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether it is a GPU with arithmetic in bfloat16 of its own; emulation does not count."""
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_bf16_supported(including_emulation=False)
