"""Networks on the way: segmenter and discriminator every so many iterations, for what is shown over training."""

import dataclasses
from pathlib import Path

import torch

from fada_lib.files import resolve
from fada_lib.methods.interface import Method
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import AdaptParameters, UserError, to_mapping
from fada_lib.training.adversary import FILE as ADVERSARY
from fada_lib.training.adversary import load_adversary, save_adversary
from fada_lib.training.checkpoint import Recipe, load_trained, save_checkpoint


def adapted_recipe(p: AdaptParameters, source: Recipe, done: int) -> Recipe:
    """What a network has become `done` iterations after it was the source model of recipe `source`."""
    total = source.total_iterations + done
    return dataclasses.replace(source, method=p.name, total_iterations=total, parameters=to_mapping(p))


def keep_snapshot(p: AdaptParameters, segmenter: Segmenter, method: Method, source: Recipe, done: int) -> None:
    """Write `snapshots/<done>.pt`, a checkpoint, and its discriminator, every `p.snapshot_every` iterations (0: never).

    `source` is the recipe of the source model.
    """
    if p.snapshot_every and done % p.snapshot_every == 0:
        save_checkpoint(_path(p.run, done), segmenter, adapted_recipe(p, source, done))
        save_adversary(_adversary(p.run, done), p, method, segmenter)


def load_snapshots(p: AdaptParameters, device: torch.device | str = "cpu") -> dict[int, Segmenter]:
    """The networks along a finished adaptation, by iteration; 0 is the source model that it started from.

    Raises
    ------
    UserError
        If the run kept no snapshots, or one is missing.
    """
    paths = {done: _path(p.run, done) for done in _kept(p)}
    return {done: load_trained(path, device)[0] for done, path in ({0: p.source_run} | paths).items()}


def load_snapshot_adversaries(p: AdaptParameters, device: torch.device | str = "cpu") -> dict[int, Method]:
    """The discriminators along a finished adaptation, by iteration; empty for a method that kept none.

    Raises
    ------
    UserError
        If the run kept no snapshots, or one is damaged.
    """
    found = {done: load_adversary(_adversary(p.run, done), device) for done in _kept(p)}
    return {done: method for done, method in found.items() if method is not None}


def _kept(p: AdaptParameters) -> range:
    """The iterations at which a run kept its networks."""
    if not p.snapshot_every:
        raise UserError(f"{resolve(p.run)} kept no snapshots: run the adaptation with snapshot_every above 0")
    return range(p.snapshot_every, p.iterations + 1, p.snapshot_every)


def _path(run: str | Path, done: int) -> Path:
    return resolve(run) / "snapshots" / f"{done}.pt"


def _adversary(run: str | Path, done: int) -> Path:
    return resolve(run) / "snapshots" / f"{done}.{ADVERSARY}"
