"""The parameter files of the paper on miniature copies of the data: every stage, then the tables, in one process.

Only sizes, iterations with their horizon, and the backbone are made small; sampling, losses, crops and variants are
the files' own.
"""

from pathlib import Path

import pytest
import yaml
from mini_trees import make_tree

from fada_lib import files
from fada_lib.study.expand import expand
from fada_lib.study.experiments import read_experiments
from fada_lib.study.paper_tables import paper_tables
from fada_lib.study.plan import Plan

pytestmark = pytest.mark.slow

TINY = {
    "iterations": 2,
    "poly_horizon": 4,
    "batch_size": 2,
    "workers": 0,
    "source_size": [64, 32],
    "target_size": [48, 32],
}
TESTED = {"test_size": [48, 32], "second_test_size": [64, 48]}


def small_study(folder: Path, name: str, **data: object) -> Plan:
    """A study on top of a file of `params/paper`, made small."""
    pretrain = {**TINY, **TESTED, "backbone": "resnet_small", "weights": "none", "norm": "batch"}
    distill = {
        "iterations": 2,
        "poly_horizon": 4,
        "batch_size": 2,
        "workers": 0,
        "label_size": [48, 32],
        "crop_size": [32, 32],
        **TESTED,
    }
    content = {
        "base": str(files.PROJECT_ROOT / "params" / "paper" / f"{name}.yaml"),
        "study": name,
        "threads": 1,
        "data": {"source_val_images": 1, **data},
        "pretrain": pretrain,
        "adapt": {**TINY, **TESTED},
        "distill": distill,
        "analysis": None,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return expand(path, folder / "results")


def carry_out(plan: Plan) -> None:
    """What the notebooks do, without notebooks."""
    from fada_lib.study.stages import Stage, evaluate_run, prepare_data, train

    plan.write(files.PROJECT_ROOT / "notebooks")
    for run in plan.runs:
        stage = Stage(run.stage, run.parameters)
        if run.stage == "data":
            prepare_data(stage)
            stage.finish({})
        else:
            stage.finish(evaluate_run(stage, train(stage)))


@pytest.mark.parametrize(
    ("name", "source", "target", "table", "backbone"),
    [
        ("gta5_resnet101_release", "gta5", "cityscapes", "table3", "ResNet-101"),
        ("synthia_vgg16_paper", "synthia", "cityscapes", "table2", "VGG-16"),
        ("crosscity_rome_release", "cityscapes", "crosscity", "table1", "ResNet-101"),
    ],
)
def test_an_experiment_runs_from_its_file_to_its_table(name, source, target, table, backbone, tmp_path, monkeypatch):
    roots = {layout: str(make_tree(layout, tmp_path / layout)) for layout in (source, target)}
    plan = small_study(tmp_path, name, source_root=roots[source], target_root=roots[target])
    carry_out(plan)
    monkeypatch.setattr("fada_lib.study.experiments.BACKBONES", {"resnet_small": backbone})
    (experiment,) = read_experiments(tmp_path / "results")
    found = next(t for t in paper_tables([experiment]) if t.name == table)
    measured = [row for row in found.rows if str(row[2]) == f"measured, {name}"]
    assert [row[1] for row in measured] == [
        "Source only",
        "Baseline (feat. only)",
        "FADA",
        "FADA + SD",
        "FADA + SD + MST",
    ]
    assert all(0 <= row[-2].mean <= 1 for row in measured)
