"""Stage 3: self-distillation: the adapted network's pseudo labels train a fresh student (paper, section 4.3)."""

import dataclasses

import torch

from fada_lib.data.classes import class_set
from fada_lib.data.domains import open_part
from fada_lib.files import resolve
from fada_lib.inference.evaluate import evaluate
from fada_lib.inference.pseudo_labels import write_pseudo_labels
from fada_lib.models.batch_norm import set_batch_norm
from fada_lib.models.segmenter import Segmenter, build_segmenter
from fada_lib.models.weights import initialise
from fada_lib.parameters import DistillParameters, UserError, to_mapping
from fada_lib.progress import Progress
from fada_lib.training.checkpoint import Recipe, load_checkpoint, require_classes, save_checkpoint
from fada_lib.training.device import prepare
from fada_lib.training.loop import run_iterations
from fada_lib.training.state import TrainingState, sgd
from fada_lib.training.supervised import labelled_stream, supervised_step


def label_target(p: DistillParameters, progress: Progress) -> float:
    """Write the teacher's pseudo labels of the target's training images to `pseudo_labels/`.

    Returns
    -------
    float
        Share of pixels that keep a label, 0..1.

    Raises
    ------
    UserError
        For a teacher of other classes than the data have.
    """
    folder = resolve(p.run)
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    teacher, recipe = load_checkpoint(p.teacher_run, compute.device)
    train = open_part(p.data, "target", "train")
    require_classes(recipe, train.classes, f"teacher_run: {p.teacher_run}")
    progress.start("pseudo labels", len(train))
    return write_pseudo_labels(
        teacher,
        train,
        folder / "pseudo_labels",
        test_size=p.label_size or p.test_size,
        scales=p.scales if p.teacher_multiscale else (1.0,),
        flip=p.teacher_multiscale,
        threshold=p.confidence_threshold,
        on_progress=progress.update,
    )


def build_student(p: DistillParameters) -> tuple[Segmenter, Recipe]:
    """The student before its first iteration, and its teacher's recipe.

    ``fresh`` starts as the source model did (ImageNet weights, or from scratch), the release's choice;
    ``teacher`` continues from the teacher's weights. A fresh student's normalisation may differ from the teacher's
    (`student_norm`): the release thaws batch norm for GTA5's student. One that continues may be ``frozen``: `distill`
    then keeps the statistics that its batch norm has.

    Raises
    ------
    UserError
        For an unknown `student`, or another normalisation for a student that is the teacher.
    """
    if p.student not in ("fresh", "teacher"):
        raise UserError(f"student is '{p.student}': choose fresh or teacher")
    teacher, recipe = load_checkpoint(p.teacher_run)
    if p.student == "teacher":
        frozen = p.student_norm == "frozen" and recipe.norm == "batch"
        if p.student_norm not in ("teacher", recipe.norm) and not frozen:
            raise UserError(f"student_norm is '{p.student_norm}': a student that is the teacher keeps '{recipe.norm}'")
        return teacher, recipe
    norm = recipe.norm if p.student_norm == "teacher" else p.student_norm
    student = build_segmenter(recipe.backbone, len(class_set(recipe.class_set)), norm)
    initialise(student, recipe.backbone, recipe.weights)
    return student, dataclasses.replace(recipe, norm=norm)


def distill(p: DistillParameters, progress: Progress) -> Segmenter:
    """Train the student on the pseudo labels and write `checkpoint.pt` and `history.jsonl`."""
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    student, recipe = build_student(p)
    student.to(device=compute.device, memory_format=torch.channels_last).train()
    if p.student_norm == "frozen":
        set_batch_norm(student, "frozen")
    folder = resolve(p.run)
    train = open_part(p.data, "target", "train", folder / "pseudo_labels")
    tune = open_part(p.data, "target", "tune")
    optimiser = sgd(p, student.parameter_groups(p.classifier_learning_rate_factor))
    stream = dataclasses.replace(
        labelled_stream(p, train, "distill target", p.target_size), scales=p.crop_scales, crop=p.crop_size
    )
    run_iterations(
        TrainingState({"segmenter": student}, {"segmenter": optimiser}),
        p,
        {"segmenter": p.learning_rate},
        [(train, stream)],
        lambda _, batch: supervised_step(student, optimiser, *batch[0], compute, p.gradient_clip),
        progress,
        lambda: {"target_tune_miou": evaluate(student, tune, p.test_size)["miou"]},
    )
    total = recipe.total_iterations + p.iterations
    written = dataclasses.replace(recipe, total_iterations=total, parameters=to_mapping(p))
    save_checkpoint(folder / "checkpoint.pt", student, written)
    return student
