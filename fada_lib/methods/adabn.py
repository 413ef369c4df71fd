"""AdaBN: the target's batch-norm statistics in place of the source's (Li et al., ICLR workshop 2017).

A control that costs one pass over the target: were it enough, no alignment would be needed. It trains as continued
source training does, so that the two differ in the statistics alone.
"""

from collections.abc import Iterable

import torch
from torch import nn

from fada_lib.methods.interface import Method
from fada_lib.methods.options import AdaBnOptions
from fada_lib.models.segmenter import Segmenter, network_input
from fada_lib.parameters import UserError


class AdaBn(Method):
    """Adds nothing to the segmentation loss; after the last iteration it measures the statistics anew.

    A curve of target mIoU over training shows the network before that.
    """

    uses_target = False

    def __init__(self, options: AdaBnOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del options, channels, num_classes

    def check(self, segmenter: Segmenter) -> None:
        """Refuse a network without batch-norm statistics.

        Raises
        ------
        UserError
            For a network with group or frozen normalisation, or with none.
        """
        if not _batch_norms(segmenter):
            raise UserError("method adabn re-estimates batch-norm statistics, the source network has none: norm: batch")

    def finish(self, segmenter: Segmenter, target: Iterable[torch.Tensor]) -> None:
        """Replace the running statistics by those of the target; scale and shift stay.

        One pass, in which every batch is normalised by its own statistics, as in training. The running mean becomes
        the mean of the batches' means, the running variance that of their variances, both weighted by pixels; nothing
        of the old statistics is left, so a second call changes nothing.
        """
        layers = _batch_norms(segmenter)
        before = [(layer.training, layer.momentum) for layer in layers]
        seen = 0
        for layer in layers:
            layer.reset_running_stats()
            layer.train()
        with torch.no_grad():
            for images in target:
                seen += images.numel()
                for layer in layers:
                    layer.momentum = images.numel() / seen
                segmenter(network_input(segmenter, images))
        for layer, (training, momentum) in zip(layers, before, strict=True):
            layer.training, layer.momentum = training, momentum


def _batch_norms(segmenter: Segmenter) -> list[nn.BatchNorm2d]:
    return [module for module in segmenter.modules() if isinstance(module, nn.BatchNorm2d)]
