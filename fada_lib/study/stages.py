"""One run in execution: what every notebook does before and after its own stage.

A `Stage` checks the notebook's parameters, keeps the run's folder, progress and clock, and writes
`metrics.json` at the end.
"""

import difflib
import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from fada_lib.data.domains import PARTS, classes_of, data_parameters, made_world, open_part, roots
from fada_lib.data.validate import Inspection, inspect
from fada_lib.data.world.write import make_world
from fada_lib.files import read_json, read_yaml, resolve, write_json, write_text, write_yaml_if_changed
from fada_lib.inference.evaluate import evaluate, target_entropy
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import (
    STAGES,
    AdaptParameters,
    DataParameters,
    PretrainParameters,
    TrainingParameters,
    UserError,
    from_mapping,
    to_mapping,
)
from fada_lib.plots.style import save
from fada_lib.progress import Progress
from fada_lib.study.provenance import identify, write_provenance
from fada_lib.training.adapt import adapt
from fada_lib.training.checkpoint import load_checkpoint, record_metrics
from fada_lib.training.distill import distill, label_target
from fada_lib.training.pretrain import pretrain

SCHEMA = 1
INTERACTIVE = "results/interactive/"


class Stage:
    """One run of one stage.

    Parameters
    ----------
    stage : str
        ``data``, ``pretrain``, ``adapt``, ``distill`` or ``analyse``.
    values : mapping
        The notebook's parameters.

    Raises
    ------
    UserError
        For parameters that do not fit.
    """

    def __init__(self, stage: str, values: Mapping[str, object]) -> None:
        self.stage = stage
        self.p = from_mapping(STAGES[stage], values, f"parameters of stage '{stage}'")
        self.folder = resolve(self.p.run)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._made_by = identify(self.folder.name)
        self._forget_what_cannot_go_on()
        (self.folder / "metrics.json").unlink(missing_ok=True)
        write_yaml_if_changed(self.folder / "params.yaml", to_mapping(self.p))
        self.progress = Progress(self.folder)
        self._started = time.time()

    @classmethod
    def from_namespace(cls, stage: str, namespace: Mapping[str, object]) -> "Stage":
        """The run that a notebook describes: those of its variables that name a parameter; the rest are defaults."""
        names = STAGES[stage].__dataclass_fields__
        for name, value in namespace.items():
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
            if near and name not in names and isinstance(value, (str, int, float, list, dict)):
                raise UserError(f"unknown parameter '{name}'; did you mean '{near[0]}'?")
        return cls(stage, {name: namespace[name] for name in names if name in namespace})

    def keep(self, figure: Figure, name: str) -> Figure:
        """Save a figure as PNG and PDF in the run's folder and return it, so that the notebook shows it."""
        save(figure, self.folder / "figures" / name)
        return figure

    def finish(self, metrics: Mapping[str, object]) -> dict:
        """Write `provenance.json`, then `metrics.json` as the mark of completion; returns the metrics."""
        write_provenance(
            self.folder,
            made_by=self._made_by,
            started=self._started,
            seconds_by_part=self.progress.seconds_by_part,
            iterations_per_second=self.progress.rate_by_part.get("training"),
        )
        content = {"schema": SCHEMA, "stage": self.stage, "run": self.folder.name, "seed": self.p.seed, **metrics}
        if (self.folder / "checkpoint.pt").exists():
            record_metrics(self.folder, content)
        write_json(self.folder / "metrics.json", content)
        # Only now: a kill in between loses nothing, and a finished run that is begun anew does not continue from it.
        (self.folder / "resume.pt").unlink(missing_ok=True)
        return content

    def _forget_what_cannot_go_on(self) -> None:
        """A run continues what the same code and versions began from the same predecessors and have not finished.

        Otherwise its digits, and its figures, would be nobody's.
        """
        mark, resume, figures = (self.folder / name for name in ("resume.code", "resume.pt", "figures"))
        begun_by = json.dumps({name: self._made_by[name] for name in ("code_hash", "versions")}, sort_keys=True)
        ours = mark.exists() and mark.read_text(encoding="utf-8") == begun_by
        if not ours or (self.folder / "metrics.json").exists() or self._reads_newer_than(resume):
            resume.unlink(missing_ok=True)
        if not ours:
            if figures.exists():
                shutil.rmtree(figures)
            write_text(mark, begun_by)

    def _reads_newer_than(self, path: Path) -> bool:
        """Whether a predecessor was finished after `path` was written, or is still to be made."""
        runs = [getattr(self.p, name) for name in ("data", "source_run", "teacher_run") if hasattr(self.p, name)]
        results = [resolve(run) / "metrics.json" for run in runs]
        moment = path.stat().st_mtime_ns if path.exists() else math.inf
        return any(not result.exists() or result.stat().st_mtime_ns > moment for result in results)


def evaluate_run(stage: Stage, segmenter: Segmenter) -> dict:
    """Metrics of a trained network: target val (single and multi-scale), target tune and source val.

    With a `second_test_size`, target val also at that size (single scale), under e.g. ``2048x1024``. The entropy on
    the target's training images needs no label; it is the choice without target labels.
    """
    p = stage.p
    _, recipe = load_checkpoint(p.run)
    parts = {f"{d}_{n}": open_part(p.data, d, n) for d, n in (("target", "val"), ("target", "tune"), ("source", "val"))}
    subsets = data_parameters(p.data).judged_on
    stage.progress.start("evaluation", 5)
    results: dict[str, dict] = {}
    for done, (name, dataset) in enumerate(parts.items()):
        if dataset.labelled:
            results[name] = {"single": evaluate(segmenter, dataset, p.test_size, subsets=subsets)}
        stage.progress.update(done + 1)
    results["target_val"]["multiscale"] = evaluate(
        segmenter, parts["target_val"], p.test_size, p.scales, flip=True, subsets=subsets
    )
    if p.second_test_size:
        name = "x".join(map(str, p.second_test_size))
        results["target_val"][name] = evaluate(segmenter, parts["target_val"], p.second_test_size, subsets=subsets)
    stage.progress.update(4)
    entropy = target_entropy(segmenter, open_part(p.data, "target", "train"), p.test_size)
    stage.progress.update(5)
    return {
        "method": with_variant(recipe.method, getattr(p, "variant", "")),
        "self_distilled": stage.stage == "distill",
        "world": resolve(p.data).name,
        "iterations": p.iterations,
        "total_iterations": recipe.total_iterations,
        "classes": list(parts["target_val"].classes.names),
        "evaluation": results,
        "target_entropy": entropy if math.isfinite(entropy) else None,
    }


def with_variant(method: str, variant: str) -> str:
    """The name under which a study's variant of self-distillation is reported: ``fada_soft@sd=frozen_bn``."""
    joint = "," if "@" in method else "@"
    return f"{method}{joint}sd={variant}" if variant else method


def prepare_data(stage: Stage) -> None:
    """Make the world, or beside a real target its game, of a data run that names no source; real data stay as they are.

    An interactive run replaces a world of other parameters; a study's run never holds one.
    """
    p: DataParameters = stage.p
    roots(p)
    if not p.source_root:
        spec = made_world(p)
        world = stage.folder / "world"
        described = world / "world.json"
        if str(p.run).startswith(INTERACTIVE) and described.exists() and read_json(described)["spec"] != asdict(spec):
            shutil.rmtree(world)
        stage.progress.start("world", spec.images)
        make_world(world, spec, lambda done, _: stage.progress.update(done))


def inspect_parts(stage: Stage) -> dict[str, Inspection]:
    """Every file of the prepared data, read once, by part, e.g. ``source train``.

    Raises
    ------
    UserError
        For the first part with a damaged file, naming it.
    """
    found = {}
    for name in (f"{domain} {part}" for domain, parts in PARTS.items() for part in parts):
        dataset = open_part(stage.p.run, *name.split())
        stage.progress.start(f"validation of {name}", len(dataset))
        found[name] = inspect(dataset, stage.progress.update)
        found[name].require_sound(name)
    return found


def data_metrics(stage: Stage, found: Mapping[str, Inspection]) -> dict:
    """What a run of stage 01 tells of its parts: number of images and class frequencies."""
    return {
        "classes": list(classes_of(stage.p).names),
        "images": {name: inspection.images for name, inspection in found.items()},
        "frequencies": {name: inspection.frequencies.tolist() for name, inspection in found.items()},
    }


def train(stage: Stage) -> Segmenter:
    """Run the training of a stage 02, 03 or 04."""
    p: TrainingParameters = stage.p
    if isinstance(p, PretrainParameters):
        return pretrain(p, stage.progress)
    if isinstance(p, AdaptParameters):
        return adapt(p, stage.progress)
    label_target(p, stage.progress)
    return distill(p, stage.progress)


def finished_metrics(run: str | Path) -> dict:
    """The metrics of a finished run."""
    return read_json(resolve(run) / "metrics.json")


def source_metrics(run: str | Path) -> dict:
    """The metrics of the source model that a finished adaptation started from; a source model's are its own."""
    return finished_metrics(read_yaml(resolve(run) / "params.yaml").get("source_run", run))
