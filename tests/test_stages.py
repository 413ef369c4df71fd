"""One run of a notebook from its parameters to its metrics: what is refused, tested, written, replaced and removed."""

import pytest
import torch
from conftest import TINY_WORLD
from refusals import refused

from fada_lib.data.domains import open_part
from fada_lib.files import read_json
from fada_lib.parameters import UserError
from fada_lib.study import stages
from fada_lib.study.stages import Stage, evaluate_run, prepare_data


def test_a_misspelt_variable_of_a_notebook_is_refused():
    told = refused(Stage.from_namespace, "pretrain", {"iteration": 5})
    assert told == "unknown parameter 'iteration'; did you mean 'iterations'?"


def test_a_network_is_tested_at_one_scale_at_several_and_at_the_second_size(data_run, save_run, tmp_path, monkeypatch):
    parts = ("target val", "target tune", "source val", "target train")
    part_of = {open_part(data_run, *part.split()).items[0].name: part for part in parts}
    asked = []

    def evaluate(_, dataset, size=(), scales=(1.0,), flip=False, subsets=()):
        asked.append((part_of[dataset.items[0].name], size, tuple(scales), flip))
        return {"miou": len(asked) / 10}

    entropy = {("target train", (64, 32)): 0.5}
    monkeypatch.setattr(stages, "evaluate", evaluate)
    monkeypatch.setattr(stages, "target_entropy", lambda _, part, size: entropy[part_of[part.items[0].name], size])
    sizes = {"test_size": [64, 32], "second_test_size": [80, 40], "scales": [0.7, 1.0]}
    stage = Stage("pretrain", {"run": save_run(tmp_path / "02_source"), "data": data_run, **sizes})
    found = evaluate_run(stage, None)
    plain = [(part, (64, 32), (1.0,), False) for part in ("target val", "target tune", "source val")]
    assert asked == [*plain, ("target val", (64, 32), (0.7, 1.0), True), ("target val", (80, 40), (1.0,), False)]
    scores = {way: score["miou"] for way, score in found["evaluation"]["target_val"].items()}
    assert scores == {"single": 0.1, "multiscale": 0.4, "80x40": 0.5}
    assert found["target_entropy"] == 0.5


def test_a_finished_run_has_its_metrics_in_the_checkpoint_too_and_no_resume_point(data_run, save_run, tmp_path):
    folder = tmp_path / "02_source"
    stage = Stage("pretrain", {"run": save_run(folder), "data": data_run})
    (folder / "resume.pt").touch()
    told = stage.finish({"method": "source_only"})
    checkpoint = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert told == read_json(folder / "metrics.json") == checkpoint["metrics"]
    assert not (folder / "resume.pt").exists()


def test_only_an_interactive_run_replaces_a_world_of_other_parameters(tmp_path, monkeypatch):
    values = {**TINY_WORLD, "run": str(tmp_path / "01_data")}
    prepare_data(Stage("data", values))
    other = Stage("data", {**values, "world_seed": 1})
    with pytest.raises(UserError, match="a world of another spec"):
        prepare_data(other)
    monkeypatch.setattr(stages, "INTERACTIVE", str(tmp_path))
    prepare_data(other)
    assert read_json(tmp_path / "01_data" / "world" / "world.json")["spec"]["world_seed"] == 1
