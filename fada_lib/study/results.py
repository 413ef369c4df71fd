"""The completed runs of a study, read from its folder: the only source of the report's numbers."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fada_lib.files import read_json, read_yaml
from fada_lib.plots.style import method_order, split_name
from fada_lib.study.statistics import summarise

STAGES = ("data", "pretrain", "adapt", "distill", "analyse")
"""Stages in the order in which they run."""


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
    def base(self) -> str:
        """The method without a variant of a grid and without `+sd`."""
        return split_name(self.method)[0]

    @property
    def world(self) -> str:
        """Id of the 01 run whose data it used, empty if it does not say."""
        return self.metrics.get("world") or ""

    @property
    def adversarial_weight(self) -> float | None:
        """lambda_adv of an adaptation, MinEnt's weight of the entropy included; None for methods without one."""
        value = self.parameters.get("options", {}).get("lambda_adv")
        return None if value is None else float(value)

    def score(self, split: str = "target_val", way: str = "single") -> float | None:
        """mIoU 0..1 on a split, ``single`` or ``multiscale``; None if it was not measured."""
        return self.metrics.get("evaluation", {}).get(split, {}).get(way, {}).get("miou")

    def class_iou(self, split: str = "target_val", way: str = "single") -> list[float | None] | None:
        """K IoU 0..1 in channel order, None if they were not measured."""
        return self.metrics.get("evaluation", {}).get(split, {}).get(way, {}).get("iou")


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

    @property
    def models(self) -> list[Run]:
        """The runs that trained a network, in the order of the story."""
        trained = [run for run in self.runs if run.stage in ("pretrain", "adapt", "distill")]
        return sorted(trained, key=lambda run: (method_order(run.method), run.world, run.metrics["seed"]))

    @property
    def methods(self) -> list[str]:
        """Names of the models, each once."""
        return list(dict.fromkeys(run.method for run in self.models))

    @cached_property
    def label_shifts(self) -> dict[str, float]:
        """World's run id -> strength of its label shift."""
        worlds = [run for run in self.runs if run.stage == "data" and "label_shift" in run.parameters]
        return {run.id: float(run.parameters["label_shift"]) for run in worlds}

    @property
    def reported_shift(self) -> float | None:
        """The strongest label shift where the study's worlds have several, None where they have one."""
        shifts = set(self.label_shifts.values())
        return max(shifts) if len(shifts) > 1 else None

    @property
    def classes(self) -> list[str]:
        """The K class names, empty while no model is done."""
        return next((run.metrics["classes"] for run in self.models), [])

    def of(self, method: str, label_shift: float | None = None) -> list[Run]:
        """Models of one method at one label shift, by default the reported one."""
        label_shift = self.reported_shift if label_shift is None else label_shift
        runs = [run for run in self.models if run.method == method]
        return [run for run in runs if label_shift is None or self.label_shifts.get(run.world) == label_shift]

    def scores(
        self, method: str, split: str = "target_val", way: str = "single", label_shift: float | None = None
    ) -> dict[tuple[str, int], float]:
        """(world, seed) -> mIoU 0..1 of one method, runs without it left out."""
        pairs = ((run, run.score(split, way)) for run in self.of(method, label_shift))
        return {(run.world, run.metrics["seed"]): value for run, value in pairs if value is not None}

    @property
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
    runs = []
    for entry in plan["runs"]:
        run_folder = folder / "runs" / entry["id"]
        if not (run_folder / "metrics.json").exists():
            continue
        metrics = read_json(run_folder / "metrics.json")
        parameters, provenance = run_folder / "params.yaml", run_folder / "provenance.json"
        runs.append(
            Run(
                id=entry["id"],
                stage=metrics.get("stage", entry["stage"]),
                folder=run_folder,
                parameters=read_yaml(parameters) if parameters.exists() else {},
                metrics=metrics,
                provenance=read_json(provenance) if provenance.exists() else None,
            )
        )
    return Study(plan.get("study", folder.name), folder, tuple(plan["runs"]), tuple(runs))
