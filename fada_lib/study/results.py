"""The completed runs of a study, read from its folder: the only source of the report's numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from fada_lib.files import read_json, read_json_lines, read_yaml, resolve
from fada_lib.plots.style import method_order, split_name
from fada_lib.study.statistics import summarise

STAGES = ("data", "pretrain", "adapt", "distill", "analyse")
"""Stages in the order in which they run."""


class Gap(NamedTuple):
    """How far a world's domains lie apart: strength of the label and of the appearance shift, each 0 (none) up."""

    label: float
    appearance: float


@dataclass(frozen=True)
class Run:
    """One completed run: its folder and what it wrote."""

    id: str
    stage: str
    folder: Path
    parameters: dict
    metrics: dict
    provenance: dict | None

    @property
    def method(self) -> str:
        """Name in the study's YAML, `+sd` appended for a distilled student."""
        return self.metrics.get("method", self.stage) + ("+sd" if self.metrics.get("self_distilled") else "")

    @property
    def world(self) -> str:
        """Id of the 01 run whose data it used, empty if it does not say."""
        return self.metrics.get("world") or ""

    @property
    def adversarial_weight(self) -> float | None:
        """lambda_adv of an adaptation, MinEnt's weight of the entropy included; None for methods without one."""
        value = self.parameters.get("options", {}).get("lambda_adv")
        return None if value is None else float(value)

    @cached_property
    def history(self) -> list[dict]:
        """Rows of `history.jsonl`, empty without one."""
        path = self.folder / "history.jsonl"
        return read_json_lines(path) if path.exists() else []

    @property
    def restated(self) -> bool:
        """Whether its network got the target's batch-norm statistics after its last iteration, so its history is of
        another network: AdaBN, and every method with ``batch_norm: target``."""
        return self.parameters.get("method") == "adabn" or self.parameters.get("batch_norm") == "target"

    @property
    def diverged(self) -> bool:
        """Whether its network predicts no finite probabilities; its mIoU stays in every mean."""
        return "target_entropy" in self.metrics and self.metrics["target_entropy"] is None

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways in which it was tested on the target's val part: ``single``, ``multiscale``, or a second size."""
        return tuple(self.metrics.get("evaluation", {}).get("target_val", {}))

    def score(self, split: str = "target_val", way: str = "single") -> float | None:
        """mIoU 0..1 on a split, tested in one of the `ways`; None if it was not measured."""
        return self.metrics.get("evaluation", {}).get(split, {}).get(way, {}).get("miou")

    def class_iou(self, way: str = "single") -> list[float | None] | None:
        """K IoU 0..1 on the target's val part in channel order, None if they were not measured."""
        return self.metrics.get("evaluation", {}).get("target_val", {}).get(way, {}).get("iou")


@dataclass(frozen=True)
class Study:
    """A study's folder: what was planned and what is done."""

    name: str
    folder: Path
    planned: tuple[dict, ...]
    runs: tuple[Run, ...]

    @property
    def missing(self) -> list[str]:
        """Ids of planned runs without metrics."""
        done = {run.id for run in self.runs}
        return [entry["id"] for entry in self.planned if entry["id"] not in done]

    @cached_property
    def models(self) -> list[Run]:
        """The runs that trained a network, in the order of the story."""
        trained = [run for run in self.runs if run.stage in ("pretrain", "adapt", "distill")]
        return sorted(trained, key=lambda run: (method_order(run.method), run.world, run.metrics["seed"]))

    @cached_property
    def methods(self) -> list[str]:
        """Names of the models, each once."""
        return list(dict.fromkeys(run.method for run in self.models))

    @property
    def failed(self) -> list[str]:
        """Ids of planned runs that ended in an error and have no metrics."""
        return [name for name in self.missing if (self.folder / "runs" / name / "failed").exists()]

    @property
    def diverged(self) -> list[Run]:
        """The trained networks that predict no finite probabilities."""
        return [run for run in self.models if run.diverged]

    @cached_property
    def gaps(self) -> dict[str, Gap]:
        """World's run id -> its gap; empty for runs that do not say."""
        worlds = [run for run in self.runs if run.stage == "data" and "label_shift" in run.parameters]
        return {
            run.id: Gap(float(run.parameters["label_shift"]), float(run.parameters.get("appearance_shift", 1.0)))
            for run in worlds
        }

    @cached_property
    def world_seeds(self) -> dict[str, int]:
        """World's run id -> the seed of its data, 0 where it does not say."""
        return {run.id: int(run.parameters.get("world_seed", 0)) for run in self.runs if run.stage == "data"}

    @property
    def reported_gap(self) -> Gap | None:
        """The widest gap (label shift first) where the study's worlds have several, None where they have one."""
        gaps = set(self.gaps.values())
        return max(gaps) if len(gaps) > 1 else None

    @property
    def analysis(self) -> Run | None:
        """The run of notebook 05, None while it is not done."""
        return next((run for run in reversed(self.runs) if run.stage == "analyse"), None)

    def analysed(self, key: str) -> dict:
        """What notebook 05 kept: ``ccd``, ``domain_distance`` and ``mistakes`` by method and seed; ``relations``."""
        return self.analysis.metrics.get(key, {}) if self.analysis else {}

    @property
    def analysed_world(self) -> str:
        """Id of the one world over whose models notebook 05 ran, empty if it does not say."""
        return self.analysis.parameters.get("data", "").rsplit("/", 1)[-1] if self.analysis else ""

    @property
    def classes(self) -> list[str]:
        """The K class names, empty while no model is done."""
        return next((run.metrics["classes"] for run in self.models), [])

    def of(self, method: str, gap: Gap | None = None) -> list[Run]:
        """Models of one method in the worlds of one gap, by default the reported one."""
        gap = gap or self.reported_gap
        return [run for run in self.models if run.method == method and (gap is None or self.gaps.get(run.world) == gap)]

    def scores(
        self, method: str, split: str = "target_val", way: str = "single", gap: Gap | None = None
    ) -> dict[tuple[str, int], float]:
        """(world, seed) -> mIoU 0..1 of one method, runs without it left out."""
        pairs = ((run, run.score(split, way)) for run in self.of(method, gap))
        return {(run.world, run.metrics["seed"]): value for run, value in pairs if value is not None}

    def iou_by_seed(self, world: str = "") -> dict[str, dict[str, list[float | None]]]:
        """Method -> seed -> K IoU 0..1 on the target's val part of the models of one world, of any if it is empty."""
        found: dict[str, dict[str, list[float | None]]] = {}
        for run in self.models:
            if (iou := run.class_iou()) and (run.world == world or not world):
                found.setdefault(run.method, {})[str(run.metrics["seed"])] = iou
        return found

    @cached_property
    def reported_methods(self) -> list[str]:
        """The methods without the points of a grid that another one stands for."""
        return [name for name in self.methods if name.removesuffix("+sd") == self.representative(split_name(name)[0])]

    def representative(self, base: str) -> str | None:
        """The method that stands for `base`: itself, or of a grid the variant best on the tune split."""
        names = [name for name in self.methods if split_name(name)[0] == base and not split_name(name)[2]]
        if base in names or not names:
            return base if names else None
        means = {name: summarise(list(self.scores(name, "target_tune").values())) for name in names}
        return max(names, key=lambda name: means[name].mean if means[name] else 0.0)


def read_study(folder: Path) -> Study:
    """Read the completed runs that the plan of a study lists.

    Raises
    ------
    UserError
        If there is no plan, or a file of a completed run is damaged.
    """
    plan = read_json(folder / "plan.json")
    folders = [(folder / "runs" / entry["id"], entry["stage"]) for entry in plan["runs"]]
    runs = tuple(_read_run(run, stage) for run, stage in folders if (run / "metrics.json").exists())
    return Study(plan.get("study", folder.name), folder, tuple(plan["runs"]), runs)


def study_of_runs(runs: Iterable[str | Path]) -> Study:
    """The completed runs in these folders as a study, whether they belong to one or were made one by one.

    Raises
    ------
    UserError
        If one is not complete, or a file of it is damaged.
    """
    folders = [resolve(run) for run in runs]
    return Study("", folders[0].parent.parent, (), tuple(_read_run(folder) for folder in folders))


def _read_run(folder: Path, stage: str = "") -> Run:
    metrics = read_json(folder / "metrics.json")
    parameters, provenance = folder / "params.yaml", folder / "provenance.json"
    return Run(
        id=folder.name,
        stage=metrics.get("stage", stage),
        folder=folder,
        parameters=read_yaml(parameters) if parameters.exists() else {},
        metrics=metrics,
        provenance=read_json(provenance) if provenance.exists() else None,
    )
