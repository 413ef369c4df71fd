"""What a step costs is measured with each run's own network, sizes, batch and precision."""

from pathlib import Path

import pytest
import torch
import yaml

from fada_lib.files import PROJECT_ROOT
from fada_lib.study import step_costs
from fada_lib.study.expand import expand

SIZES = {"source_size": [64, 32], "target_size": [48, 32]}


@pytest.fixture
def params(tmp_path):
    """A small study whose stages train on images of different sizes; further sections by name."""

    def write(**sections: object) -> Path:
        content = {
            "base": str(PROJECT_ROOT / "params" / "smoke.yaml"),
            "study": "costs",
            "seeds": [3, 4],
            "pretrain": SIZES,
            "adapt": SIZES,
            "distill": {"target_size": [96, 64], "crop_size": [32, 32]},
            **sections,
        }
        path = tmp_path / "costs.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def test_the_runs_of_the_first_seed_are_measured_over_all_their_iterations(params, tmp_path):
    plan = expand(params(), tmp_path)
    found = list(step_costs.step_costs(plan, steps=1))
    trained = [run for run in plan.runs if run.parameters.get("iterations") and run.parameters["seed"] == 3]
    assert [cost.run for cost in found] == [run.label for run in trained]
    for cost, run in zip(found, trained, strict=True):
        assert cost.hours == pytest.approx(cost.seconds * run.parameters["iterations"] / 3600)
        assert cost.seconds > 0 and cost.memory_gb is None and cost.precision == "float32"


def test_images_are_as_large_as_each_run_trains_on(params, tmp_path, monkeypatch):
    made, noise = [], step_costs._noise
    monkeypatch.setattr(step_costs, "_noise", lambda *a: made.append(a[:3]) or noise(*a))
    list(step_costs.step_costs(expand(params(), tmp_path, methods=["fada_soft"]), steps=1))
    source, oracle = ((64, 32), 4, 12), ((48, 32), 4, 12)
    adapted, student = [((64, 32), 2, 12), ((48, 32), 2, 12)], ((32, 32), 2, 12)
    assert made == [source, oracle, *adapted, student]


@pytest.mark.parametrize(
    ("distill", "norm"),
    [({"student_norm": "group"}, "group"), ({"student": "teacher", "student_norm": "frozen"}, "batch")],
)
def test_a_student_has_the_source_models_network_and_its_own_norm(params, tmp_path, monkeypatch, distill, norm):
    built, build = [], step_costs.build_segmenter
    monkeypatch.setattr(step_costs, "build_segmenter", lambda *a: built.append(a) or build(*a))
    monkeypatch.setattr(step_costs, "_seconds", lambda *a: 1.0)
    study = params(pretrain={**SIZES, "backbone": "resnet50"}, oracle=None, distill=distill)
    list(step_costs.step_costs(expand(study, tmp_path, methods=["fada_soft"]), steps=1))
    assert built == [("resnet50", 12, "batch"), ("resnet50", 12, "batch"), ("resnet50", 12, norm)]


def test_as_many_steps_are_timed_as_asked_for_after_a_quarter_that_are_not(params, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(step_costs, "_step", lambda *a: lambda: calls.append(a))
    (cost, *_) = step_costs.step_costs(expand(params(oracle=None), tmp_path, methods=["binary"]), steps=8)
    assert cost.run == "02_source-s3"
    assert len(calls) == 2 * (8 + 1 + 2), "source model and binary discriminator"


def test_the_precision_can_be_another_than_the_studys(params, tmp_path, capsys):
    asked = [str(params()), "--methods", "binary", "--steps", "1", "--precision", "bfloat16"]
    assert step_costs.main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all("bfloat16" in line and "GB" not in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "0"], "--steps is 0"),
        (["--methods", "nothing"], "nothing"),
    ],
)
def test_a_wrong_input_is_one_line(params, arguments, says, capsys):
    assert step_costs.main([str(params()), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and says in line


def test_one_world_of_several_stands_for_all(params, tmp_path):
    worlds = {"grid": {"world_seed": [4, 5], "label_shift": [0.0, 1.0]}}
    plan = expand(params(data=worlds, analysis=None, oracle=None, distill=None), tmp_path, methods=["binary"])
    assert len(plan.runs) == 4 * (1 + 2 * 2)
    assert len(list(step_costs.step_costs(plan, steps=1))) == 2


def test_a_made_game_has_a_size_and_real_photographs_need_one(params, tmp_path, capsys):
    real = {"target_layout": "camvid", "target_root": "data/camvid", "class_set": "camvid10", "tune_groups": []}
    shared = {"data": real, "distill": None, "oracle": None}
    unsized = expand(params(pretrain={"source_size": []}, adapt={"source_size": []}, **shared), tmp_path)
    game = next(step_costs.step_costs(unsized, steps=1))
    assert game.run.startswith("02_source")
    path = params(pretrain={"source_size": []}, adapt={"target_size": []}, **shared)
    assert step_costs.main([str(path), "--methods", "binary", "--steps", "1"]) == 2
    seen = capsys.readouterr()
    assert seen.err == "error: target images are trained on as large as their files: set target_size\n"
    assert len(seen.out.splitlines()) == 1, "what was measured before stays"


def test_too_little_memory_is_said_of_its_run(params, monkeypatch, capsys):
    def full(*_: object) -> float:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(step_costs, "_seconds", full)
    assert step_costs.main([str(params()), "--methods", "binary", "--steps", "1"]) == 2
    assert capsys.readouterr().err.startswith("error: 02_source-s3: too little GPU memory")
