"""The diagnosis of an adaptation at one moment, on held-out images of both domains.

Target labels serve to measure only: no step of a method's training sees them (an upper bound's may, see
`fada_lib.methods.oracle_encodings`), and none sees a number of this module.
"""

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.outputs import dataset_outputs, decision_logits
from fada_lib.losses.adversarial import SOURCE, TARGET
from fada_lib.losses.encodings import soft_labels
from fada_lib.methods.interface import Method
from fada_lib.metrics.calibration import Calibration
from fada_lib.metrics.domains import DomainDecisions
from fada_lib.metrics.iou import ConfusionMatrix, mean_iou
from fada_lib.models.segmenter import Segmenter, upsample


def class_knowledge(method: Method, logits: torch.Tensor) -> torch.Tensor:
    """The encodings' half a by the method's own rule, (N, K, H, W) as the classifier's logits.

    Methods that do not use their network's predictions as class knowledge get the paper's soft labels (T = 1.8, clipped
    at 0.9): what FADA would have been told by their network.
    """
    own = method.knowledge(logits)
    return own if own is not None and own.shape == logits.shape else soft_labels(logits)


@torch.inference_mode()
def diagnose(
    segmenter: Segmenter,
    method: Method,
    source: SegmentationDataset,
    target: SegmentationDataset,
    test_size: tuple[int, ...] = (),
) -> dict[str, float]:
    """Measure networks in training, one forward pass an image; they and all random states stay as they are.

    Parameters
    ----------
    segmenter : Segmenter
    method : Method
        With its discriminator, if it has one, as it is now.
    source, target : SegmentationDataset
        Held-out images with labels: source val, target tune.
    test_size : tuple of int
        As in `fada_lib.inference.evaluate.evaluate`.

    Returns
    -------
    dict
        Fractions 0..1. ``target_tune_miou``, ``source_val_miou``: as `evaluate` measures them.
        ``encoding_coverage``, ``encoding_accuracy``, ``encoding_ece``: the encodings a_T against the target's labels at
        label resolution, see `Calibration`. ``frequency_distance``: total variation distance, half the sum of absolute
        differences, of predicted and true class frequencies on the target's labelled pixels.
        ``discriminator_domain_accuracy``, ``discriminator_class_accuracy``: see `DomainDecisions.accuracies`.
        What a method does not have is left out.

    Raises
    ------
    UserError
        If the target has no labels.
    """
    target.require_labels("to be judged by: set evaluate_every: 0")
    device = next(segmenter.parameters()).device
    classes = len(target.classes)
    confusion = [ConfusionMatrix(classes, device) for _ in (SOURCE, TARGET)]
    encodings, decisions = Calibration(device), DomainDecisions(classes, device)
    for domain, dataset in ((SOURCE, source), (TARGET, target)):
        for _, outputs, labels in dataset_outputs(segmenter, dataset, test_size):
            logits = upsample(outputs.logits, tuple(labels.shape[-2:]))
            confusion[domain].update(torch.softmax(logits, dim=1).argmax(dim=1), labels)
            if domain == TARGET:
                encodings.update(class_knowledge(method, logits), labels)
            if (said := decision_logits(method, outputs)) is not None:
                decisions.update(said, labels, domain)
    found = {f"encoding_{name}": value for name, value in encodings.result().items()}
    found["frequency_distance"] = frequency_distance(confusion[TARGET].counts)
    if decisions.joint is not None:
        accuracies = decisions.accuracies()
        found["discriminator_domain_accuracy"] = accuracies["domain"]
        found["discriminator_class_accuracy"] = accuracies.get("domain_and_class")
    means = {"target_tune_miou": TARGET, "source_val_miou": SOURCE}
    scores = {name: mean_iou(confusion[domain].iou()) for name, domain in means.items()}
    return scores | {name: value for name, value in found.items() if value is not None}


def frequency_distance(counts: torch.Tensor) -> float:
    """Total variation distance, 0..1, of the rows' and the columns' shares in (K, K) counts [truth, prediction]."""
    counts = counts.double().cpu()
    return float((counts.sum(1) - counts.sum(0)).abs().sum() / (2 * counts.sum().clamp(min=1)))
