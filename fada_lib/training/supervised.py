"""Learning from labels, and the images that have them: source model, oracle, student, the source in adaptation."""

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.sampling import Stream, class_balanced_list
from fada_lib.data.validate import classes_by_file
from fada_lib.limits import STUDENTS_SAMPLING
from fada_lib.losses.precision import at_least_single
from fada_lib.losses.segmentation import segmentation_loss
from fada_lib.methods.interface import Method, Outputs, forward_pass
from fada_lib.models.segmenter import Segmenter, network_input, upsample
from fada_lib.parameters import AdaptParameters, TrainingParameters, UserError
from fada_lib.training.device import Compute


def supervised_step(
    segmenter: Segmenter,
    optimiser: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    compute: Compute,
    gradient_clip: float = 0.0,
) -> dict[str, torch.Tensor]:
    """One iteration of Eq. 3; the loss at input resolution.

    Parameters
    ----------
    segmenter, optimiser
    images : Tensor
        (N, 3, H, W): uint8 RGB, or floating-point and normalised already.
    labels : Tensor
        (N, H, W) channels, 255 ignored.
    compute : Compute
    gradient_clip : float
        Largest norm of the gradient; 0, the release's choice, leaves it.

    Returns
    -------
    dict
        ``segmentation``, the loss as a scalar tensor on the device.
    """
    optimiser.zero_grad(set_to_none=True)
    with compute.autocast():
        logits = segmenter(network_input(segmenter, images))
    labels = labels.to(compute.device, non_blocking=True)
    loss = segmentation_loss(upsample(at_least_single(logits), labels.shape[-2:]), labels).mean()
    loss.backward()
    if gradient_clip:
        torch.nn.utils.clip_grad_norm_(segmenter.parameters(), gradient_clip)
    optimiser.step()
    return {"segmentation": loss.detach()}


def forward(
    segmenter: Segmenter, images: torch.Tensor, compute: Compute, labels: torch.Tensor | None = None
) -> Outputs:
    """`forward_pass` in the run's precision, with the images' labels beside it where they are to be read."""
    with compute.autocast():
        outputs = forward_pass(segmenter, images)
    return outputs if labels is None else outputs._replace(labels=labels.to(compute.device, non_blocking=True))


def segmentation_terms(method: Method, source: Outputs, temperature: float = 1.0) -> dict[str, torch.Tensor]:
    """The weighted mean of Eq. 3 for every classifier that `method` has learn from the source's labels, by name."""
    labels = source.labels
    return {
        name: weight * segmentation_loss(upsample(logits, labels.shape[-2:]), labels, temperature).mean()
        for name, (weight, logits) in method.supervised(source).items()
    }


def labelled_stream(p: TrainingParameters, dataset: SegmentationDataset, name: str, size: tuple[int, ...]) -> Stream:
    """The stream of labelled images that a run's parameters describe.

    Raises
    ------
    UserError
        For an unknown `sampling`, images without labels, or class balance over pseudo labels.
    """
    dataset.require_labels("to learn from: adapt to it, or choose another domain")
    if p.sampling not in ("random", "class_balanced"):
        raise UserError(f"sampling is '{p.sampling}': choose random or class_balanced")
    order: tuple[int, ...] = ()
    if p.sampling == "class_balanced":
        if dataset.pseudo_labels is not None:
            raise UserError(f"sampling {STUDENTS_SAMPLING}")
        # The release counts target images too, where there are any, so its list is twice as long as needed then.
        images = (p.poly_horizon or p.iterations) * p.batch_size * (2 if isinstance(p, AdaptParameters) else 1)
        order = tuple(class_balanced_list(classes_by_file(dataset), len(dataset.classes), images, p.seed))
    return Stream(name, p.seed, p.batch_size, size, p.flip_probability, p.jitter, order=order)
