"""AdaBN: the target's batch-norm statistics in place of the source's (Li et al., ICLR workshop 2017).

A control that costs one pass over the target: were it enough, no alignment would be needed. It trains as continued
source training does, so that the two differ in the statistics alone. Any method can have the same by
`batch_norm: target` (see `fada_lib.models.batch_norm`), but trains with live statistics then.
"""

from collections.abc import Iterable

import torch

from fada_lib.methods.interface import Method
from fada_lib.methods.options import AdaBnOptions
from fada_lib.models.batch_norm import measure_statistics, require_statistics
from fada_lib.models.segmenter import Segmenter


class AdaBn(Method):
    """Adds nothing to the segmentation loss; after the last iteration it measures the statistics anew.

    A curve of target mIoU over training shows the network before that.
    """

    uses_target = False

    def __init__(self, options: AdaBnOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del options, channels, num_classes

    def check(self, segmenter: Segmenter) -> None:
        """Refuse a network without batch-norm statistics, by a `UserError`."""
        require_statistics(segmenter, "method adabn")

    def finish(self, segmenter: Segmenter, target: Iterable[torch.Tensor]) -> None:
        """Replace the running statistics by those of the target; scale and shift stay."""
        measure_statistics(segmenter, target)
