"""A made-up results folder: numbers that are plainly no measurement, in the files that real runs leave."""

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from fada_lib.analysis.relation import relate
from fada_lib.study.results import read_study
from fada_lib.study.scopes import scopes

CLASSES = ["road", "building", "person"]


def evaluation(miou: float, multiscale: float | None = None, tune: float | None = None) -> dict:
    """The `evaluation` of a metrics.json whose target mIoU is `miou`; the class 'person' is absent."""
    ways = {"single": {"miou": miou, "iou": [miou + 0.1, miou - 0.1, None]}}
    if multiscale is not None:
        ways["multiscale"] = {"miou": multiscale, "iou": [multiscale, multiscale, None]}
    return {
        "target_val": ways,
        "target_tune": {"single": {"miou": miou - 0.01 if tune is None else tune, "iou": [miou, miou, None]}},
        "source_val": {"single": {"miou": 0.7, "iou": [0.7, 0.7, 0.7]}},
    }


class SyntheticStudy:
    """Adds runs to a folder one by one; `plan.json` is kept up to date."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planned: list[dict] = []

    def add(self, run: str, stage: str, metrics: dict | None, parameters: dict | None = None) -> Path:
        """Plan a run; with `metrics` it is complete."""
        self.planned.append({"id": run, "stage": stage, "parameters": parameters or {}, "needs": []})
        self.folder.mkdir(parents=True, exist_ok=True)
        plan = {"schema": 1, "study": "synthetic", "runs": self.planned}
        (self.folder / "plan.json").write_text(json.dumps(plan))
        folder = self.folder / "runs" / run
        folder.mkdir(parents=True)
        (folder / "params.yaml").write_text(yaml.safe_dump(parameters or {}))
        if metrics is not None:
            provenance = {
                "seconds": 30.0,
                "peak_memory_mb": 900,
                "git_commit": "abc",
                "versions": {"torch": "9.9"},
                "hardware": {"gpu": "one that never was"},
            }
            (folder / "provenance.json").write_text(json.dumps(provenance))
            (folder / "metrics.json").write_text(json.dumps({"schema": 1, "stage": stage, "run": run, **metrics}))
        return folder

    def world(self, name: str, label_shift: float = 1.0, seed: int = 0) -> str:
        """A complete 01 run."""
        self.add(name, "data", {}, {"label_shift": label_shift, "world_seed": seed})
        return name

    def model(
        self,
        method: str,
        seed: int,
        miou: float,
        *,
        stage: str = "adapt",
        multiscale: float | None = None,
        world: str = "01_data-w0",
        options: dict | None = None,
        tune: float | None = None,
        iterations: int = 100,
        **parameters: object,
    ) -> Path:
        """A complete run that trained `method`; `stage` 'distill' makes its self-distilled student."""
        metrics = {
            "method": method,
            "self_distilled": stage == "distill",
            "seed": seed,
            "world": world,
            "iterations": iterations,
            "total_iterations": {"pretrain": 100, "adapt": 200, "distill": 300}[stage],
            "classes": CLASSES,
            "evaluation": evaluation(miou, multiscale, tune),
            "target_entropy": 0.25,
        }
        run = f"{stage}_{method}-s{seed}-{world}".replace("@", "_")
        own = {"options": options or {}, "seed": seed, "iterations": iterations}
        return self.add(run, stage, metrics, {**own, **parameters})


def three_seeds(folder: Path) -> SyntheticStudy:
    """Source only, continued, binary, FADA hard and soft, oracle, students of two; three seeds, one world."""
    study = SyntheticStudy(folder)
    study.world("01_data-w0")
    for seed in range(3):
        shift = 0.01 * seed
        study.model("source_only", seed, 0.30 + shift, stage="pretrain")
        study.model("oracle", seed, 0.80 + shift, stage="pretrain")
        study.model("source_continued", seed, 0.31 + shift)
        study.model("binary", seed, 0.40 + shift, multiscale=0.41 + shift)
        study.model("fada_hard", seed, 0.42 + shift)
        study.model("fada_soft", seed, 0.45 + 2 * shift, multiscale=0.46 + 2 * shift)
        study.model("binary", seed, 0.43 + shift, stage="distill", multiscale=0.44 + shift)
        study.model("fada_soft", seed, 0.50 + shift, stage="distill", multiscale=0.51 + shift)
    ccd = {
        name: {str(s): {"per_class": [level, level + 1, None], "mean": level + 0.5, "median": level} for s in range(3)}
        for name, level in (("source_only", 3.0), ("fada_soft", 1.0))
    }
    study.add("05_analysis", "analyse", {"ccd": ccd})
    return study


LEVELS = {"source_only": 3.0, "source_continued": 2.5, "binary": 1.5, "fada_hard": 1.1, "fada_soft": 0.9}
"""Method -> the CCD of its first class and first seed; its mIoU rises as it falls."""


def analysed_study(
    folder: Path, seeds: Sequence[int], students: Sequence[str] = (), *, seed_of_pixels: int = 0, shift: float = 0.0
) -> SyntheticStudy:
    """Five methods, and students of some, in two worlds, on the first of which notebook 05 measured their features."""
    study = SyntheticStudy(folder)
    for number, slope in enumerate((-0.1, 0.1)):
        world = study.world(f"01_data-w{number}", seed=number)
        for seed in seeds:
            for method, level in LEVELS.items():
                stage = "pretrain" if method == "source_only" else "adapt"
                study.model(method, seed, 0.7 + slope * level, stage=stage, world=world)
            for method in students:
                study.model(method, seed, 0.5, stage="distill", world=world)
    measures: dict[str, dict[str, dict[str, dict]]] = {"ccd": {}, "domain_distance": {}}
    mistakes: dict[str, dict[str, dict]] = {}
    for method, level in {**LEVELS, **{f"{name}+sd": 4.0 for name in students}}.items():
        for seed in seeds:
            for found, step in zip(measures.values(), (0.1, 0.3), strict=True):
                value = round(level + shift - step * seed, 2)
                entry = {"per_class": [value, value + 1, None], "mean": round(value + 0.5, 2), "median": value}
                found.setdefault(method, {})[str(seed)] = entry
            mistakes.setdefault(method, {})[str(seed)] = {"mended": 0.1, "exchanged": 0.2, "kept": 0.7, "lost": 0.0}
    _, relations = relate(measures, read_study(folder).iou_by_seed("01_data-w0"), scopes(LEVELS))
    parameters = {"data": "results/x/runs/01_data-w0", "samples_per_domain": 9, "seed": seed_of_pixels}
    study.add("05_analysis", "analyse", {**measures, "relations": relations, "mistakes": mistakes}, parameters)
    return study


def benchmark(results: Path, name: str, layouts: tuple[str, str], class_set: str, classes: list[str], **data) -> Path:
    """A finished study of a benchmark of the paper, two seeds: source only, binary, FADA and its student."""
    study = SyntheticStudy(results / name)
    world = {"source_layout": layouts[0], "target_layout": layouts[1], "class_set": class_set, "source_root": "/x"}
    study.add("01_data-w0", "data", {}, {**world, **data})
    for seed in (0, 1):
        for method, stage, miou in (
            ("source_only", "pretrain", 0.3),
            ("binary", "adapt", 0.4),
            ("fada_soft", "adapt", 0.5),
            ("fada_soft", "distill", 0.6),
        ):
            options = {"encoding": "soft", "clip": 0.9} if method == "fada_soft" else {}
            folder = study.model(method, seed, miou + 0.02 * seed, stage=stage, multiscale=0.7, options=options)
            metrics = json.loads((folder / "metrics.json").read_text())
            metrics["classes"] = classes
            for way in metrics["evaluation"]["target_val"].values():
                way["iou"] = [way["miou"]] * len(classes)
                way["subset_miou"] = {"synthia13": way["miou"] + 0.05}
            metrics["evaluation"]["target_val"]["2048x1024"] = {"miou": miou + 0.1, "iou": []}
            (folder / "metrics.json").write_text(json.dumps(metrics))
            parameters = {"options": options, "seed": seed, "backbone": "resnet101", "test_size": [1024, 512]}
            (folder / "params.yaml").write_text(yaml.safe_dump(parameters))
    plan = {**json.loads((study.folder / "plan.json").read_text()), "study": name}
    for entry in plan["runs"]:
        if entry["stage"] == "pretrain":
            entry["parameters"]["backbone"] = "resnet101"
    (study.folder / "plan.json").write_text(json.dumps(plan))
    return study.folder
