"""Stage 2: adaptation of the source model by any method (paper, section 3; the release's `train_adv.py`)."""

import torch

from fada_lib.data.domains import open_part
from fada_lib.data.sampling import Stream
from fada_lib.files import resolve
from fada_lib.inference.diagnose import diagnose
from fada_lib.methods.interface import Method, Outputs
from fada_lib.methods.registry import build_method
from fada_lib.models.batch_norm import measure_statistics, set_batch_norm
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import AdaptParameters
from fada_lib.progress import Progress
from fada_lib.training.adversary import FILE as ADVERSARY
from fada_lib.training.adversary import save_adversary
from fada_lib.training.checkpoint import load_checkpoint, require_classes, save_checkpoint
from fada_lib.training.device import Compute, prepare
from fada_lib.training.gradient_ratio import measured_ratio
from fada_lib.training.images import source_images, target_images
from fada_lib.training.loop import run_iterations
from fada_lib.training.snapshots import adapted_recipe, keep_snapshot
from fada_lib.training.state import TrainingState, sgd
from fada_lib.training.supervised import forward, labelled_stream, segmentation_terms

DISCRIMINATOR_BETAS = (0.9, 0.99)
"""Adam's betas for D (paper, section 4.3)."""


def adapt_step(
    segmenter: Segmenter,
    method: Method,
    optimisers: dict[str, torch.optim.Optimizer],
    source: tuple[torch.Tensor, torch.Tensor],
    target_images: torch.Tensor | None,
    compute: Compute,
    *,
    target_labels: torch.Tensor | None = None,
    progress: float = 0.0,
    segmentation_temperature: float = 1.0,
    gradient_clip: float = 0.0,
) -> dict[str, torch.Tensor]:
    """One iteration: G against a fixed D (Eq. 2), then D on the same, detached outputs (Eq. 1 or 5).

    Parameters
    ----------
    segmenter, method, optimisers
        `optimisers` has ``segmenter`` and, if the method has a discriminator, ``discriminator``.
    source : (Tensor, Tensor)
        (N, 3, H, W) images, uint8 RGB or floating-point and normalised already, and (N, H, W) channels, 255 ignored.
    target_images : Tensor or None
        As the source's; None for a method that does not use the target.
    target_labels : Tensor, optional
        As the source's, for a method that reads them; not without `target_images`.
    progress : float
        0..1, for methods with a schedule of their own.

    Returns
    -------
    dict
        Every loss as a scalar tensor on the device (nothing is read from it).
    """
    images, labels = source
    method.requires_grad_(False)
    optimisers["segmenter"].zero_grad(set_to_none=True)
    source_outputs = forward(segmenter, images, compute, labels)
    segmentation = segmentation_terms(method, source_outputs, segmentation_temperature)
    sum(segmentation.values()).backward()
    source_outputs = source_outputs.detach()
    target_outputs = None if target_images is None else forward(segmenter, target_images, compute, target_labels)
    terms = method.generator_terms(source_outputs, target_outputs, progress) | method.weight_terms(segmenter, progress)
    if terms:
        sum(terms.values()).backward()
    if gradient_clip:
        torch.nn.utils.clip_grad_norm_(segmenter.parameters(), gradient_clip)
    optimisers["segmenter"].step()
    scalars = {**segmentation, **terms}
    if "discriminator" in optimisers:
        target_outputs = target_outputs.detach()
        scalars |= _discriminator_step(method, optimisers["discriminator"], source_outputs, target_outputs, progress)
    return {name: value.detach() for name, value in scalars.items()}


def _discriminator_step(
    method: Method, optimiser: torch.optim.Optimizer, source: Outputs, target: Outputs, progress: float
) -> dict[str, torch.Tensor]:
    method.requires_grad_(True)
    optimiser.zero_grad(set_to_none=True)
    terms = method.discriminator_terms(source, target, progress)
    sum(terms.values()).backward()
    optimiser.step()
    return terms


def build_adversary(
    p: AdaptParameters, segmenter: Segmenter, compute: Compute
) -> tuple[Method, dict[str, torch.optim.Optimizer]]:
    """The method with its discriminator, and the optimisers that `adapt_step` takes; all is moved to the device.

    `segmenter` gets the heads that the method trains.

    Raises
    ------
    UserError
        For an unknown method or option, or a network that the method cannot adapt.
    """
    method = build_method(p.method, p.options, segmenter.feature_extractor.channels, segmenter.num_classes)
    method.check(segmenter)
    segmenter.add_heads(method.heads)
    for module in (segmenter, method):
        module.to(device=compute.device, memory_format=torch.channels_last)
    optimisers = {"segmenter": sgd(p, segmenter.parameter_groups(p.classifier_learning_rate_factor))}
    if list(method.parameters()):
        optimisers["discriminator"] = torch.optim.Adam(
            method.parameters(), lr=p.discriminator_learning_rate, betas=DISCRIMINATOR_BETAS
        )
    return method, optimisers


def adapt(p: AdaptParameters, progress: Progress) -> Segmenter:
    """Adapt the source run's segmenter; write `checkpoint.pt`, `history.jsonl` and, if it has one, `discriminator.pt`.

    Raises
    ------
    UserError
        For data, options or values that do not fit.
    """
    compute = prepare(p.device, p.precision, p.threads, p.seed)
    segmenter, recipe = load_checkpoint(p.source_run, compute.device)
    set_batch_norm(segmenter.train(), p.batch_norm)
    source, tune = source_images(p), open_part(p.data, "target", "tune")
    require_classes(recipe, source.classes, f"source_run: {p.source_run}")
    source_val = open_part(p.data, "source", "val")
    method, optimisers = build_adversary(p, segmenter, compute)
    streams = [(source, labelled_stream(p, source, "adapt source", p.source_size))]
    if method.uses_target:
        target = open_part(p.data, "target", "train")
        if method.reads_target_labels:
            target.require_labels(f"for method '{p.method}', which needs them: choose another")
        streams.append((target, Stream("adapt target", p.seed, p.batch_size, p.target_size, p.flip_probability)))

    def step(iteration: int, batch: list) -> dict[str, torch.Tensor]:
        losses = adapt_step(
            segmenter,
            method,
            optimisers,
            batch[0],
            batch[1][0] if method.uses_target else None,
            compute,
            target_labels=batch[1][1] if method.reads_target_labels else None,
            progress=iteration / p.iterations,
            segmentation_temperature=p.segmentation_temperature,
            gradient_clip=p.gradient_clip,
        )
        keep_snapshot(p, segmenter, method, recipe, iteration + 1)
        return losses

    state = TrainingState({"segmenter": segmenter, "method": method}, optimisers)

    def evaluate() -> dict[str, float]:
        measured = diagnose(segmenter, method, source_val, tune, p.test_size)
        return measured | measured_ratio(
            segmenter,
            method,
            streams,
            compute,
            progress=(state.iteration - 1) / p.iterations,
            segmentation_temperature=p.segmentation_temperature,
        )

    run_iterations(
        state,
        p,
        {"segmenter": p.learning_rate, "discriminator": p.discriminator_learning_rate},
        streams,
        step,
        progress,
        evaluate,
    )
    method.finish(segmenter, target_images(p))
    if p.batch_norm == "target":
        measure_statistics(segmenter, target_images(p))
    save_adversary(resolve(p.run) / ADVERSARY, p, method, segmenter)
    save_checkpoint(resolve(p.run) / "checkpoint.pt", segmenter, adapted_recipe(p, recipe, p.iterations))
    return segmenter
