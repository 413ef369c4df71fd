"""Which trained network a run holds, and which one stands for its method where a figure has room for one."""

from collections.abc import Iterable, Mapping, Sequence

import torch

from fada_lib.files import read_json, resolve
from fada_lib.models.segmenter import Segmenter
from fada_lib.training.checkpoint import load_checkpoint


def method_and_seed(run: str) -> tuple[str, int]:
    """The `method_key` of a finished run's network, and its seed."""
    metrics = read_json(resolve(run) / "metrics.json")
    return method_key(metrics), metrics["seed"]


def method_key(metrics: Mapping) -> str:
    """What tables call the network whose metrics these are: its method, with ``+sd`` when it was self-distilled."""
    return metrics["method"] + ("+sd" if metrics["self_distilled"] else "")


def lowest_seeds(runs: Iterable[str], methods: Sequence[str]) -> dict[str, str]:
    """Method -> its run of the lowest seed, in the order of `methods`, for those that have a run."""
    names = {run: method_and_seed(run) for run in runs}
    first: dict[str, str] = {}
    for run, (method, _) in sorted(names.items(), key=lambda item: item[1][1]):
        first.setdefault(method, run)
    return {method: first[method] for method in methods if method in first}


def load_lowest_seeds(runs: Iterable[str], methods: Sequence[str], device: torch.device) -> dict[str, Segmenter]:
    """The networks of `lowest_seeds`, on `device`."""
    return {method: load_checkpoint(run, device)[0] for method, run in lowest_seeds(runs, methods).items()}
