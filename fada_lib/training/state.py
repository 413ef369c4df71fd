"""Everything a training run is at one moment, and its way to disk and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from fada_lib.models.tensor_files import save_tensors
from fada_lib.parameters import TrainingParameters, UserError
from fada_lib.training.schedule import poly_factor


@dataclass
class TrainingState:
    """Networks, optimisers, the next iteration and the history of one run."""

    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    iteration: int = 0
    history: list[dict] = field(default_factory=list)

    def set_learning_rates(self, base: Mapping[str, float], factor: float) -> None:
        """Set every group to base x schedule `factor` x the group's own factor."""
        for name, optimiser in self.optimisers.items():
            set_learning_rate(optimiser, base[name] * factor)

    def save(self, path: Path, identity: str) -> None:
        """Write the state atomically; `identity` (the parameters as text) guards against a foreign resume."""
        content = {
            "identity": identity,
            "iteration": self.iteration,
            "modules": {n: m.state_dict() for n, m in self.modules.items()},
            "optimisers": {n: o.state_dict() for n, o in self.optimisers.items()},
            "history": self.history,
            "random": torch.get_rng_state(),
        }
        save_tensors(path, content)

    def load(self, path: Path, identity: str) -> None:
        """Continue from `path`, unless there is none or it belongs to other parameters."""
        if not path.exists():
            return
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise UserError(f"{path} is damaged ({type(error).__name__}): delete it and run again") from error
        if content["identity"] != identity:
            return
        for name, module in self.modules.items():
            module.load_state_dict(content["modules"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(content["optimisers"][name])
        self.iteration, self.history = content["iteration"], content["history"]
        torch.set_rng_state(content["random"])


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set every group to `rate` x the group's own factor (10 for the classifier in the release)."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


def sgd(p: TrainingParameters, groups: list[dict]) -> torch.optim.SGD:
    """SGD with the run's momentum and weight decay (biases and affine parameters included, as in the release)."""
    return torch.optim.SGD(groups, lr=p.learning_rate, momentum=p.momentum, weight_decay=p.weight_decay)


def learning_rate_factor(p: TrainingParameters, iteration: int) -> float:
    """The poly factor of this run; `poly_horizon: 0` means the number of iterations (paper)."""
    return poly_factor(iteration, p.poly_horizon or p.iterations, p.poly_power)
