"""Stage 1: supervised training on one domain: the source model, and the oracle on target labels."""

import torch

from fada_lib.data.domains import data_parameters, open_part
from fada_lib.files import resolve
from fada_lib.inference.evaluate import evaluate
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.models.weights import initialise
from fada_lib.parameters import PretrainParameters, UserError, to_mapping
from fada_lib.progress import Progress
from fada_lib.training.checkpoint import Recipe, save_checkpoint
from fada_lib.training.device import prepare
from fada_lib.training.loop import run_iterations
from fada_lib.training.state import TrainingState, sgd
from fada_lib.training.supervised import labelled_stream, supervised_step


def pretrain(p: PretrainParameters, progress: Progress) -> Segmenter:
    """Train a segmenter from scratch or ImageNet weights and write `checkpoint.pt` and `history.jsonl`.

    Raises
    ------
    UserError
        For data, weights or values that do not fit.
    """
    if p.domain not in ("source", "target"):
        raise UserError(f"domain is '{p.domain}': choose source or target")
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    data = data_parameters(p.data)
    train, tune = open_part(p.data, p.domain, "train"), open_part(p.data, "target", "tune")
    segmenter = build_segmenter(p.backbone, len(train.classes), p.norm)
    initialise(segmenter, p.backbone, p.weights)
    segmenter.to(device=compute.device, memory_format=torch.channels_last).train()
    optimiser = sgd(p, segmenter.parameter_groups(p.classifier_learning_rate_factor))
    state = TrainingState({"segmenter": segmenter}, {"segmenter": optimiser})
    size = p.source_size if p.domain == "source" else p.target_size
    run_iterations(
        state,
        p,
        {"segmenter": p.learning_rate},
        [(train, labelled_stream(p, train, p.domain, size))],
        lambda _, batch: supervised_step(segmenter, optimiser, *batch[0], compute, p.gradient_clip),
        progress,
        lambda: {"target_tune_miou": evaluate(segmenter, tune, p.test_size)["miou"]},
    )
    folder = resolve(p.run)
    recipe = Recipe(p.backbone, p.norm, data.class_set, p.weights, p.method, p.iterations, to_mapping(p))
    save_checkpoint(folder / "checkpoint.pt", segmenter, recipe)
    return segmenter
