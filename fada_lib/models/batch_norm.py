"""Whose statistics batch norm uses: the source's, each batch's own, the target's (AdaBN; Li et al., 2017)."""

from collections.abc import Iterable

import torch
from torch import nn

from fada_lib.models.segmenter import Segmenter, network_input
from fada_lib.parameters import UserError

MODES = ("frozen", "live", "target")


def set_batch_norm(segmenter: Segmenter, mode: str) -> None:
    """Batch norm while a network is adapted; scale and shift stay trainable.

    ``frozen`` keeps the source's statistics: the release's choice for the adversarial stage and the default, for with
    live ones even a method that ignores the target would adapt to it. ``live`` normalises every batch, which is of
    one domain, by its own, and tests with the running mixture of both. ``target`` trains as ``live`` does;
    `measure_statistics` is to follow. Networks with group or already frozen normalisation take the first two alike.

    Raises
    ------
    UserError
        For an unknown `mode`, or ``target`` and a network without batch-norm statistics.
    """
    if mode not in MODES:
        raise UserError(f"batch_norm is '{mode}': choose {', '.join(MODES[:-1])} or {MODES[-1]}")
    if mode == "target":
        require_statistics(segmenter, "batch_norm: target")
    for layer in _layers(segmenter):
        layer.train(mode != "frozen")


def require_statistics(segmenter: Segmenter, who: str) -> None:
    """Refuse a network whose statistics cannot be measured again.

    Raises
    ------
    UserError
        For group or frozen normalisation, or none; it begins with `who` wants them.
    """
    if not _layers(segmenter):
        raise UserError(f"{who} re-estimates batch-norm statistics, the source network has none: norm: batch")


def measure_statistics(segmenter: Segmenter, batches: Iterable[torch.Tensor]) -> None:
    """Replace the running statistics by those of (N, 3, H, W) images; scale, shift and modes stay.

    One pass, in which every batch is normalised by its own statistics, as in training. The running mean becomes
    the mean of the batches' means, the running variance that of their variances, both weighted by pixels; nothing
    of the old statistics is left, so a second call changes nothing.
    """
    layers = _layers(segmenter)
    before = [(layer.training, layer.momentum) for layer in layers]
    seen = 0
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
    with torch.no_grad():
        for images in batches:
            seen += images.numel()
            for layer in layers:
                layer.momentum = images.numel() / seen
            segmenter(network_input(segmenter, images))
    for layer, (training, momentum) in zip(layers, before, strict=True):
        layer.training, layer.momentum = training, momentum


def _layers(segmenter: Segmenter) -> list[nn.BatchNorm2d]:
    return [module for module in segmenter.modules() if isinstance(module, nn.BatchNorm2d)]
