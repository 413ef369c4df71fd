"""What a training step of a study costs on this machine, in seconds and memory: neither data nor weights are needed.

    python -m fada_lib.study.step_costs params/paper/gta5_resnet101_paper.yaml

Images and labels are noise of the study's sizes. Reading real ones, tests and checkpoints are not in it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fada_lib.data.classes import IGNORE, class_set
from fada_lib.models.batch_norm import set_batch_norm
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.parameters import (
    STAGES,
    AdaptParameters,
    DataParameters,
    PretrainParameters,
    TrainingParameters,
    UserError,
    from_mapping,
)
from fada_lib.study.expand import expand
from fada_lib.study.plan import Plan, Run
from fada_lib.training.adapt import adapt_step, build_adversary
from fada_lib.training.device import Compute, prepare
from fada_lib.training.state import sgd
from fada_lib.training.supervised import supervised_step

Step = Callable[[], object]


@dataclass(frozen=True)
class StepCost:
    """What the steps of one training run cost.

    Attributes
    ----------
    run : str
        The run's label.
    precision : str
        ``float32``, or the type of autocast.
    seconds : float
        Of one iteration, mean.
    hours : float
        Of all the run's iterations.
    memory_gb : float or None
        Most GPU memory that tensors took at once, GB (10^9 bytes); None without a GPU.
    """

    run: str
    precision: str
    seconds: float
    hours: float
    memory_gb: float | None

    def __str__(self) -> str:
        memory = "" if self.memory_gb is None else f"  {self.memory_gb:6.1f} GB"
        return f"{self.run:32}  {self.precision:8}  {self.seconds:9.4f} s a step  {self.hours:8.2f} h{memory}"


def step_costs(plan: Plan, steps: int = 20, precision: str | None = None) -> Iterator[StepCost]:
    """Measure every training run of the first world and seed, in the order of the plan; the others cost the same.

    Parameters
    ----------
    plan : Plan
    steps : int
        Iterations that are timed, after a quarter as many that are not.
    precision : str, optional
        Instead of the study's own.

    Raises
    ------
    UserError
        For images whose size the study does not say, or a GPU with too little memory.
    """
    world = next(run for run in plan.runs if run.stage == "data")
    first = [run for run in plan.runs if world.id in run.needs and run.parameters["seed"] == plan.seeds[0]]
    networks = {run.id: run for run in first if run.stage == "pretrain"}
    for run in first:
        if run.parameters.get("iterations"):
            try:
                yield _measured(run, _network_of(run, networks, plan), _parameters(world), steps, precision)
            except torch.OutOfMemoryError as error:
                advice = "set precision: bfloat16 or a smaller batch_size"
                raise UserError(f"{run.label}: too little GPU memory: {advice}") from error


def _network_of(run: Run, networks: dict[str, Run], plan: Plan) -> PretrainParameters:
    """The parameters of the source model that a run descends from, or of the run itself."""
    by_id = {other.id: other for other in plan.runs}
    while run.id not in networks:
        run = next(by_id[name] for name in run.needs if by_id[name].stage != "data")
    return _parameters(run)


def _parameters(run: Run, **changes: object) -> Any:
    """The dataclass of the run's stage."""
    return from_mapping(STAGES[run.stage], {**run.parameters, **changes}, run.label)


def _measured(
    run: Run, network: PretrainParameters, world: DataParameters, steps: int, precision: str | None
) -> StepCost:
    p = _parameters(run, **({"precision": precision} if precision else {}))
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    on_gpu = compute.device.type == "cuda"
    step = _step(p, network, world, compute)
    for _ in range(1 + steps // 4):
        step()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds = _seconds(step, steps, on_gpu)
    memory = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else None
    kind = str(compute.autocast_type or torch.float32).removeprefix("torch.")
    return StepCost(run.label, kind, seconds, seconds * p.iterations / 3600, memory)


def _seconds(step: Step, steps: int, on_gpu: bool) -> float:
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return (time.perf_counter() - started) / steps


def _step(p: TrainingParameters, network: PretrainParameters, world: DataParameters, compute: Compute) -> Step:
    """One iteration of a run, as its stage does it, on the same batch again and again."""
    classes, norm = len(class_set(world.class_set)), getattr(p, "student_norm", "teacher")
    as_trained = norm == "teacher" or getattr(p, "student", "fresh") == "teacher"
    segmenter = build_segmenter(network.backbone, classes, network.norm if as_trained else norm).train()
    if as_trained and norm == "frozen":
        set_batch_norm(segmenter, "frozen")

    def noise(domain: str, size: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        return _noise(size or _made_size(world, domain), p.batch_size, classes, compute.device.type == "cuda")

    if isinstance(p, AdaptParameters):
        return _adaptation(p, segmenter, compute, noise("source", p.source_size), noise("target", p.target_size))
    segmenter.to(device=compute.device, memory_format=torch.channels_last)
    optimiser = sgd(p, segmenter.parameter_groups(p.classifier_learning_rate_factor))
    domain = getattr(p, "domain", "target")
    batch = noise(domain, getattr(p, "crop_size", ()) or (p.source_size if domain == "source" else p.target_size))
    return lambda: supervised_step(segmenter, optimiser, *batch, compute, p.gradient_clip)


def _adaptation(
    p: AdaptParameters,
    segmenter: Segmenter,
    compute: Compute,
    source: tuple[torch.Tensor, torch.Tensor],
    target: tuple[torch.Tensor, torch.Tensor],
) -> Step:
    """Half-way, for at the beginning a method may do less (CLAN's warm-up)."""
    set_batch_norm(segmenter, p.batch_norm)
    method, optimisers = build_adversary(p, segmenter, compute)
    return lambda: adapt_step(
        segmenter,
        method,
        optimisers,
        source,
        target[0] if method.uses_target else None,
        compute,
        target_labels=target[1] if method.reads_target_labels else None,
        progress=0.5,
        segmentation_temperature=p.segmentation_temperature,
        gradient_clip=p.gradient_clip,
    )


def _made_size(world: DataParameters, domain: str) -> tuple[int, int]:
    """(width, height) of a made domain's images; real ones have no size before they are read."""
    if world.source_root if domain == "source" else world.target_root:
        raise UserError(f"{domain} images are trained on as large as their files: set {domain}_size")
    return world.width, world.height


def _noise(size: tuple[int, ...], images: int, classes: int, pin: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 3, H, W) and (N, H, W) uint8 on the processor, one pixel in twenty without a label."""
    width, height = size
    pixels = torch.randint(256, (images, 3, height, width), dtype=torch.uint8)
    labels = torch.randint(classes, (images, height, width), dtype=torch.uint8)
    labels[torch.rand(labels.shape) < 0.05] = IGNORE
    return (pixels.pin_memory(), labels.pin_memory()) if pin else (pixels, labels)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each run; 2 for a user's mistake, in one line."""
    parser = argparse.ArgumentParser(prog="python -m fada_lib.study.step_costs", description=__doc__.splitlines()[0])
    parser.add_argument("params", type=Path, help="a study's parameter file")
    parser.add_argument("--methods", default="", help="only these, as the study names them")
    parser.add_argument("--steps", type=int, default=20, help="iterations to time")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="instead of the study's own")
    known = parser.parse_args(arguments)
    try:
        if known.steps < 1:
            raise UserError(f"--steps is {known.steps}: it must be at least 1")
        plan = expand(known.params, Path("results"), methods=known.methods.split(",") if known.methods else None)
        for cost in step_costs(plan, known.steps, known.precision):
            print(cost, flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
