"""Continued source training: the fair "no adaptation" row, with as many iterations as the adaptations get."""

from fada_lib.methods.interface import Method
from fada_lib.methods.options import SourceContinuedOptions


class SourceContinued(Method):
    """Adds nothing to the segmentation loss and never sees a target image."""

    uses_target = False

    def __init__(self, options: SourceContinuedOptions, channels: int, num_classes: int) -> None:
        super().__init__()
        del options, channels, num_classes
