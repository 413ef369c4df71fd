"""The paper's benchmarks in miniature: five data layouts and the paper's networks, through all five notebooks.

Each study is a file of `params` as `base`, run by the command line as a user runs it. Only what costs time is made
small: sizes, scales, iterations with their horizon, workers and the number of methods. Layouts, classes, backbones,
norms, sampling, losses and crops are the file's own, and a local file of random weights stands for the download. The
trees' seeds are such that source and target share two classes with feature pixels enough for the CCD.
"""

import math
from pathlib import Path

import papermill
import pytest
import torch
import yaml
from mini_trees import make_tree
from PIL import Image
from torchvision.models import resnet101, vgg16

from fada_lib.files import PROJECT_ROOT, read_json, read_json_lines, read_yaml
from fada_lib.models.tensor_files import save_tensors
from fada_lib.study import cli
from fada_lib.training.checkpoint import Recipe, load_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.long]

TINY = {"iterations": 2, "batch_size": 2, "log_every": 1, "scales": [0.5, 1.0], "test_size": [97, 65]}
SIZES = {"source_size": [65, 33], "target_size": [64, 32]}
GPU_OFF = {"poly_horizon": 4, "workers": 0}
"""Over what the paper's files set for a machine with a GPU and 20,000 iterations."""
ANALYSIS = {"samples_per_domain": 600, "perplexity": 5.0, "embedding_iterations": 250}


def run_study(folder: Path, base: str, source: Path, target: Path, data: dict, **sections: object) -> Path:
    """Run `params/<base>.yaml` under `sections` and return the study's folder."""
    content = {
        "base": str(PROJECT_ROOT / "params" / f"{base}.yaml"),
        "study": "mini",
        "threads": 1,
        "data": {"source_root": str(source), "target_root": str(target), **data},
        **sections,
    }
    path = folder / "mini.yaml"
    path.write_text(yaml.safe_dump(content))
    assert cli.main([str(path), "--output", str(folder / "results"), "--jobs", "2"]) == 0
    return folder / "results" / "mini"


def run_paper_study(folder: Path, name: str, source: Path, target: Path, weights: str) -> Path:
    """Run a file of `params/paper` with its source model, FADA with soft labels and FADA's student."""
    training = {**TINY, **SIZES, **GPU_OFF, "second_test_size": []}
    distill = {**TINY, **GPU_OFF, "second_test_size": []}
    if name.endswith("release"):
        distill |= {"label_size": [64, 32], "crop_size": [48, 32], "second_test_size": [48, 32]}
    else:
        distill |= {"target_size": SIZES["target_size"]}
    return run_study(
        folder,
        f"paper/{name}",
        source,
        target,
        {"source_val_images": 2},
        pretrain={**training, "weights": weights},
        adapt=training,
        distill=distill,
        methods={"binary": None},
        analysis={**ANALYSIS, "embedded": ["source_only", "fada_soft"]},
    )


def the_run(study: Path, prefix: str) -> Path:
    (run,) = study.glob(f"runs/{prefix}*")
    return run


def recipe_of(study: Path, prefix: str) -> Recipe:
    return load_checkpoint(the_run(study, prefix))[1]


def scores(study: Path, prefix: str) -> dict:
    return read_json(the_run(study, prefix) / "metrics.json")["evaluation"]


def assert_complete(study: Path) -> None:
    """All five notebooks were carried out, every loss is a number, every network's features too, the report stands."""
    runs = [run["id"] for run in read_json(study / "plan.json")["runs"]]
    assert {run[:2] for run in runs} == {"01", "02", "03", "04", "05"}
    for run in runs:
        assert read_json(study / "runs" / run / "metrics.json")["run"] == run
    for history in study.glob("runs/*/history.jsonl"):
        records = read_json_lines(history)
        assert [record["iteration"] for record in records][-1] == 2
        assert all(math.isfinite(value) for record in records for value in record.values())
    ccd = read_json(the_run(study, "05") / "metrics.json")["ccd"]
    assert all(found["mean"] is not None for by_seed in ccd.values() for found in by_seed.values())
    assert (study / "report.html").exists()


@pytest.fixture
def resnet_weights(tmp_path) -> str:
    """Random ResNet-101 weights under torchvision's names; small last norms keep a network of frozen ones finite."""
    torch.manual_seed(0)
    state = resnet101(weights=None).state_dict()
    state |= {k: torch.full_like(v, 0.2) for k, v in state.items() if k.endswith("bn3.weight")}
    save_tensors(tmp_path / "resnet101.pth", state)
    return str(tmp_path / "resnet101.pth")


@pytest.fixture
def caffe_weights(tmp_path) -> str:
    """Random VGG-16 weights under torchvision's names, for Caffe's input: BGR in 0..255."""
    torch.manual_seed(0)
    state = {f"features.{k}": v for k, v in vgg16(weights=None).features.state_dict().items()}
    state["features.0.weight"] = state["features.0.weight"] / 60
    save_tensors(tmp_path / "vgg16.pth", state)
    return f"caffe:{tmp_path / 'vgg16.pth'}"


def test_gta5_to_cityscapes_with_resnet101_as_the_release_has_it(tmp_path, resnet_weights):
    source, target = make_tree("gta5", tmp_path / "gta5"), make_tree("cityscapes", tmp_path / "cityscapes", seed=2)
    study = run_paper_study(tmp_path, "gta5_resnet101_release", source, target, resnet_weights)
    assert_complete(study)
    first, student = recipe_of(study, "02"), recipe_of(study, "04")
    assert (first.backbone, first.norm, first.class_set) == ("resnet101", "frozen", "cityscapes19")
    assert (first.weights, first.parameters["sampling"]) == (resnet_weights, "class_balanced")
    assert (student.backbone, student.norm, student.parameters["crop_scales"]) == ("resnet101", "batch", [0.5, 1.5])
    assert set(scores(study, "04")["target_val"]) == {"single", "multiscale", "48x32"}


def test_synthia_to_cityscapes_with_vgg16_as_the_paper_has_it(tmp_path, caffe_weights):
    source = make_tree("synthia", tmp_path / "synthia", seed=1)
    target = make_tree("cityscapes", tmp_path / "cityscapes", seed=6)
    study = run_paper_study(tmp_path, "synthia_vgg16_paper", source, target, caffe_weights)
    assert_complete(study)
    student = recipe_of(study, "04")
    assert (student.backbone, student.weights, student.class_set) == ("vgg16", caffe_weights, "synthia16")
    found = scores(study, "04")["target_val"]["single"]
    assert len(found["iou"]) == 16 and set(found["subset_miou"]) == {"synthia16", "synthia13"}


def test_cityscapes_to_rome_with_resnet101(tmp_path, resnet_weights):
    source, target = make_tree("cityscapes", tmp_path / "cs"), make_tree("crosscity", tmp_path / "nthu", seed=4)
    study = run_paper_study(tmp_path, "crosscity_rome_release", source, target, resnet_weights)
    assert_complete(study)
    found = scores(study, "04")
    assert set(found) == {"source_val", "target_val"}, "Rome's training images have no labels to tune by"
    assert len(found["target_val"]["single"]["iou"]) == 19
    assert set(found["target_val"]["single"]["subset_miou"]) == {"crosscity13"}


def test_camvid_by_day_to_dusk(tmp_path):
    root = make_tree("camvid", tmp_path / "camvid", images=8)
    small = {**TINY, **SIZES}
    study = run_study(
        tmp_path,
        "camvid",
        root,
        root,
        {"source_groups": ["0006R0"], "source_val_images": 2, "target_tune_images": 1},
        pretrain=small,
        oracle=None,
        adapt=small,
        seeds=[0],
        methods={**dict.fromkeys(read_yaml(PROJECT_ROOT / "params" / "camvid.yaml")["methods"]), "fada_soft": {}},
        distill={**TINY, "target_size": SIZES["target_size"], "teachers": ["fada_soft"]},
        analysis={**ANALYSIS, "embedded": ["source_only", "fada_soft"]},
    )
    assert_complete(study)
    assert recipe_of(study, "04").class_set == "camvid11"


def test_ones_own_folders_and_a_student_of_the_source_model_that_labels_photographs(tmp_path):
    source, target = (make_tree("folders", tmp_path / name, seed=k) for k, name in enumerate(("game", "street")))
    study = run_study(
        tmp_path,
        "own_data",
        source,
        target,
        {},
        pretrain={**TINY, **SIZES},
        adapt={**TINY, **SIZES},
        methods={"source_continued": None},
        distill={**TINY, "target_size": SIZES["target_size"]},
        analysis=ANALYSIS,
    )
    assert_complete(study)
    parameters = {
        "run": str(study / "runs" / "04_of_the_source_model"),
        "data": str(the_run(study, "01")),
        "teacher_run": str(the_run(study, "02")),
        "photographs": str(source / "train" / "images"),
        "iterations": 1,
    }
    notebook = PROJECT_ROOT / "notebooks" / "04_self_distill.ipynb"
    papermill.execute_notebook(
        notebook,
        tmp_path / "04.ipynb",
        parameters,
        kernel_name="python3",
        engine_name="ipc",
        cwd=str(PROJECT_ROOT),
        progress_bar=False,
    )
    run = Path(parameters["run"])
    assert read_json(run / "metrics.json")["method"] == "source_only"
    assert len(list((run / "photographs").iterdir())) == 3 * 4
    assert Image.open(run / "photographs" / "photo 0_labels.png").size == (96, 64)
