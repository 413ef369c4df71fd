"""Plain self-training: the source model's own pseudo labels, as a row of a study beside those of adapted teachers."""

import pytest

from fada_lib.parameters import PretrainParameters
from fada_lib.progress import Progress
from fada_lib.study.results import Run
from fada_lib.study.stages import Stage, evaluate_run, train
from fada_lib.training.checkpoint import load_checkpoint
from fada_lib.training.pretrain import pretrain

SMALL = {"batch_size": 2, "log_every": 1, "checkpoint_every": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def source(data_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "02_source"
    folder.mkdir()
    pretrain(PretrainParameters(data=data_run, run=str(folder), iterations=2, **SMALL), Progress(folder, live=False))
    return folder


def test_the_source_models_student_states_its_iterations_and_is_named_after_it(data_run, source, tmp_path):
    folder = tmp_path / "04_source_only"
    values = {"data": data_run, "run": str(folder), "teacher_run": str(source), "iterations": 3, **SMALL}
    stage = Stage("distill", values)
    metrics = evaluate_run(stage, train(stage))
    assert (metrics["method"], metrics["self_distilled"], metrics["total_iterations"]) == ("source_only", True, 2 + 3)
    assert Run("04", "distill", folder, {}, metrics, None).method == "source_only+sd"
    assert load_checkpoint(folder)[1].parameters["teacher_run"] == str(source)
    assert len(list((folder / "pseudo_labels").iterdir())) == 6
