"""Which experiment of the paper a study is, told from its runs' parameters, and what its models scored there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fada_lib.study.comparisons import summary_of
from fada_lib.study.results import Run, Study, read_study
from fada_lib.study.statistics import Summary

BACKBONES = {"vgg16": "VGG-16", "resnet101": "ResNet-101", "resnet50": "ResNet-50", "resnet_small": "small ResNet"}
"""Name in a parameter file -> name in the paper's tables, the last two not there."""

_TABLES = {
    ("gta5", "cityscapes", "cityscapes19"): ("gta5", "GTA5 to Cityscapes"),
    ("synthia", "cityscapes", "synthia16"): ("synthia", "SYNTHIA to Cityscapes"),
    ("cityscapes", "crosscity", "cityscapes19"): ("crosscity", "Cityscapes to Cross-City"),
}
"""(source layout, target layout, class set) -> (published table, data set)."""


@dataclass(frozen=True)
class Experiment:
    """A study as an experiment of the paper.

    Attributes
    ----------
    study : Study
    table : str
        ``gta5``, ``synthia`` or ``crosscity``, as in `published.TABLES`.
    dataset : str
        As the published rows say it, e.g. ``Cityscapes to Cross-City Rome``.
    backbone : str
        As the published rows say it, e.g. ``ResNet-101``.
    """

    study: Study
    table: str
    dataset: str
    backbone: str

    def runs(self, method: str) -> list[Run]:
        """The models of one method, `+sd` for its student."""
        return self.study.of(method)

    def score(self, method: str, way: str = "single", subset: str = "") -> Summary | None:
        """Target mIoU 0..1 of a method over seeds, over the classes that the study is judged on or a `subset`."""
        return summary_of(_miou(run, way, subset) for run in self.runs(method))

    def class_scores(self, method: str, names: Sequence[str], way: str = "single") -> list[Summary | None]:
        """IoU 0..1 of each named class over seeds; None where nothing was measured."""
        found = [
            dict(zip(run.metrics["classes"], run.class_iou(way=way) or (), strict=False)) for run in self.runs(method)
        ]
        return [summary_of(iou.get(name) for iou in found) for name in names]


def experiment_of(study: Study) -> Experiment | None:
    """The experiment that a study is; None for a made world, other data or several worlds at once."""
    data = [entry["parameters"] for entry in study.planned if entry["stage"] == "data"]
    pretrain = next((entry["parameters"] for entry in study.planned if entry["stage"] == "pretrain"), {})
    if len(data) != 1 or not data[0].get("source_root"):
        return None
    layouts = data[0].get("source_layout"), data[0].get("target_layout"), data[0].get("class_set")
    if layouts not in _TABLES or pretrain.get("backbone") not in BACKBONES:
        return None
    table, dataset = _TABLES[layouts]
    if table == "crosscity":
        if len(data[0].get("target_groups", ())) != 1:
            return None
        dataset += f" {data[0]['target_groups'][0]}"
    return Experiment(study, table, dataset, BACKBONES[pretrain["backbone"]])


def read_experiments(results: Path) -> list[Experiment]:
    """The experiments of the paper among the studies below `results`, by name; others are left out.

    Raises
    ------
    UserError
        If a file of a study is damaged.
    """
    studies = (read_study(plan.parent) for plan in sorted(results.glob("*/plan.json")))
    return [found for study in studies if (found := experiment_of(study)) is not None]


def _miou(run: Run, way: str, subset: str) -> float | None:
    if not subset:
        return run.score(way=way)
    return run.metrics.get("evaluation", {}).get("target_val", {}).get(way, {}).get("subset_miou", {}).get(subset)
