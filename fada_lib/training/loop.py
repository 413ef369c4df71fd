"""The one loop of all three stages: schedule, batches, history, checkpoints, resuming."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.sampling import Stream, batches, decode_once
from fada_lib.files import write_json_lines
from fada_lib.parameters import TrainingParameters, UserError
from fada_lib.progress import Progress
from fada_lib.training.state import TrainingState, learning_rate_factor

Batch = tuple[torch.Tensor, torch.Tensor]


def run_iterations(
    state: TrainingState,
    p: TrainingParameters,
    base_rates: Mapping[str, float],
    streams: Sequence[tuple[SegmentationDataset, Stream]],
    step: Callable[[int, Sequence[Batch]], dict[str, torch.Tensor]],
    progress: Progress,
    evaluate: Callable[[], dict[str, float]],
) -> None:
    """Train from where `resume.pt` left off to `p.iterations`.

    Parameters
    ----------
    state : TrainingState
    p : TrainingParameters
    base_rates : mapping
        Learning rate by optimiser at iteration 0.
    streams : sequence of (dataset, Stream)
        One batch of each goes to `step`.
    step : callable
        (iteration, batches) to scalar tensors by name; it updates the networks.
    progress : Progress
        Reports, and knows the run's folder.
    evaluate : callable
        Called every `p.evaluate_every` iterations; its numbers join the history.
    """
    _check(p)
    folder, identity = progress.folder, _identity(p)
    state.load(folder / "resume.pt", identity)
    for data, stream in streams:
        decode_once(data, stream, progress)
    progress.start("training", p.iterations, state.iteration)
    loaders = [batches(data, stream, state.iteration, p.iterations, p.workers) for data, stream in streams]
    since_log: list[dict[str, torch.Tensor]] = []
    for iteration, batch in zip(range(state.iteration, p.iterations), zip(*loaders, strict=True), strict=True):
        factor = learning_rate_factor(p, iteration)
        state.set_learning_rates(base_rates, factor)
        since_log.append(step(iteration, batch))
        state.iteration = done = iteration + 1
        if done % p.log_every == 0 or done == p.iterations:
            state.history.append(
                {"iteration": done, "learning_rate": base_rates["segmenter"] * factor, **_means(since_log)}
            )
            since_log = []
        if p.evaluate_every and done % p.evaluate_every == 0:
            state.history.append({"iteration": done, **evaluate()})
        if done % p.checkpoint_every == 0 or done == p.iterations:
            state.save(folder / "resume.pt", identity)
        progress.update(done, _latest(state))
    write_json_lines(folder / "history.jsonl", state.history)


def _means(rows: list[dict[str, torch.Tensor]]) -> dict[str, float]:
    """Read the logged scalars from the device, once for all iterations since the last log."""
    return {name: float(torch.stack([row[name] for row in rows]).double().mean()) for name in rows[0]}


def _latest(state: TrainingState) -> str:
    loss = next((row["segmentation"] for row in reversed(state.history) if "segmentation" in row), None)
    return "" if loss is None else f"loss {loss:.3f}"


def _identity(p: TrainingParameters) -> str:
    return json.dumps(dataclasses.asdict(p), sort_keys=True)


def _check(p: TrainingParameters) -> None:
    for name in ("iterations", "batch_size", "log_every", "checkpoint_every", "threads"):
        if getattr(p, name) < 1:
            raise UserError(f"{name} is {getattr(p, name)}: it must be at least 1")
    for name in ("checkpoint_every", "evaluate_every"):
        if getattr(p, name) % p.log_every:
            raise UserError(f"{name} is {getattr(p, name)}: it must be a multiple of log_every ({p.log_every})")
    if p.poly_horizon and p.poly_horizon < p.iterations:
        raise UserError(f"poly_horizon is {p.poly_horizon}: it must be 0 or at least iterations ({p.iterations})")
