"""Stage 1: supervised training on one domain: the source model, and the oracle on target labels."""

import torch

from fada_lib.data.classes import class_set
from fada_lib.data.domains import data_parameters, open_part
from fada_lib.files import resolve, write_json_lines
from fada_lib.inference.evaluate import evaluate
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.models.weights import initialise
from fada_lib.parameters import PretrainParameters, UserError, to_mapping
from fada_lib.progress import Progress
from fada_lib.training.checkpoint import Recipe, load_trained, require_classes, save_checkpoint
from fada_lib.training.device import prepare
from fada_lib.training.loop import run_iterations
from fada_lib.training.state import TrainingState, sgd
from fada_lib.training.supervised import labelled_stream, supervised_step


def starting_point(p: PretrainParameters, classes: str) -> tuple[Segmenter, Recipe]:
    """The segmenter before the first iteration, and what it has behind it.

    Parameters
    ----------
    p : PretrainParameters
    classes : str
        Class set of the data.

    Raises
    ------
    UserError
        For weights or a `checkpoint` that do not fit.
    """
    if not p.checkpoint:
        segmenter = build_segmenter(p.backbone, len(class_set(classes)), p.norm)
        initialise(segmenter, p.backbone, p.weights)
        return segmenter, Recipe(p.backbone, p.norm, classes, p.weights, p.method, 0, to_mapping(p))
    segmenter, recipe = load_trained(p.checkpoint)
    require_classes(recipe, class_set(classes), f"checkpoint: {p.checkpoint}")
    norm = p.norm if p.backbone == "vgg16" else recipe.norm
    if (p.backbone, p.norm) != (recipe.backbone, norm):
        fitting = f"backbone: {recipe.backbone} and norm: {recipe.norm}"
        raise UserError(f"checkpoint: {p.checkpoint} is no '{p.backbone}' with norm '{p.norm}': set {fitting}")
    return segmenter, recipe


def pretrain(p: PretrainParameters, progress: Progress) -> Segmenter:
    """Train a segmenter from scratch, ImageNet weights or a checkpoint; write `checkpoint.pt` and `history.jsonl`.

    Raises
    ------
    UserError
        For data, weights or values that do not fit.
    """
    if p.domain not in ("source", "target"):
        raise UserError(f"domain is '{p.domain}': choose source or target")
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    data, folder = data_parameters(p.data), resolve(p.run)
    train, tune = open_part(p.data, p.domain, "train"), open_part(p.data, "target", "tune")
    segmenter, before = starting_point(p, data.class_set)
    segmenter.to(device=compute.device, memory_format=torch.channels_last).train()

    def score() -> dict[str, float]:
        return {"target_tune_miou": evaluate(segmenter, tune, p.test_size)["miou"]}

    if p.checkpoint and p.iterations == 0:
        write_json_lines(folder / "history.jsonl", [{"iteration": 0, **(score() if tune.labelled else {})}])
    else:
        optimiser = sgd(p, segmenter.parameter_groups(p.classifier_learning_rate_factor))
        size = p.source_size if p.domain == "source" else p.target_size
        run_iterations(
            TrainingState({"segmenter": segmenter}, {"segmenter": optimiser}),
            p,
            {"segmenter": p.learning_rate},
            [(train, labelled_stream(p, train, p.domain, size))],
            lambda _, batch: supervised_step(segmenter, optimiser, *batch[0], compute, p.gradient_clip),
            progress,
            score,
        )
    total = before.total_iterations + p.iterations
    recipe = Recipe(p.backbone, p.norm, data.class_set, before.weights, p.method, total, to_mapping(p))
    save_checkpoint(folder / "checkpoint.pt", segmenter, recipe)
    return segmenter
