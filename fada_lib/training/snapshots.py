"""Networks on the way: the segmenter of an adaptation every so many iterations, for what is shown over training."""

import dataclasses
from pathlib import Path

from fada_lib.files import resolve
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import AdaptParameters, UserError, to_mapping
from fada_lib.training.checkpoint import Recipe, load_checkpoint, load_trained, save_checkpoint


def adapted_recipe(p: AdaptParameters, source: Recipe, done: int) -> Recipe:
    """What a network has become `done` iterations after it was the source model of recipe `source`."""
    total = source.total_iterations + done
    return dataclasses.replace(source, method=p.name, total_iterations=total, parameters=to_mapping(p))


def keep_snapshot(p: AdaptParameters, segmenter: Segmenter, source: Recipe, done: int) -> None:
    """Write `snapshots/<done>.pt`, a checkpoint, after every `p.snapshot_every` iterations (0: never)."""
    if p.snapshot_every and done % p.snapshot_every == 0:
        save_checkpoint(_path(p.run, done), segmenter, adapted_recipe(p, source, done))


def load_snapshots(run: str | Path) -> dict[int, Segmenter]:
    """The networks along a finished adaptation, by iteration; 0 is the source model that it started from.

    Raises
    ------
    UserError
        If the run kept no snapshots, or one is missing.
    """
    parameters = load_checkpoint(run)[1].parameters
    every = parameters.get("snapshot_every", 0)
    if not every:
        raise UserError(f"{resolve(run)} kept no snapshots: run the adaptation with snapshot_every above 0")
    paths = {done: _path(run, done) for done in range(every, parameters["iterations"] + 1, every)}
    return {done: load_trained(path)[0] for done, path in ({0: parameters["source_run"]} | paths).items()}


def _path(run: str | Path, done: int) -> Path:
    return resolve(run) / "snapshots" / f"{done}.pt"
