"""Losses at input resolution whose memory does not grow with it: a strip of rows at a time.

The release upsamples logits of 2K channels to the input's size before it takes the loss. Kept for the backward
pass, these maps and their log-softmax need several times the memory of the discriminator itself. Here only the columns
are enlarged at once; rows follow strip by strip and are computed again in the backward pass. The number is the same.
"""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from fada_lib.losses.terms import Term

STRIP_ELEMENTS = {"cpu": 2**22, "cuda": 2**26}
"""Upsampled values, all maps together, that a strip may hold, by kind of device: 16 MB in float32 suit a processor's
cache, and any other device; on a GPU, where starting a strip's kernels costs more than they do, 256 MB are little
beside what the network keeps."""


def sum_over_strips(term: Callable[..., Term], maps: Sequence[torch.Tensor], size: tuple[int, int]) -> Term:
    """`term` of maps upsampled to the input's size, where `term` is a sum over pixels.

    Parameters
    ----------
    term : callable
        From (N, C, rows, W) tensors, one for each of `maps`, to a total and a count that add up over rows.
    maps : sequence of Tensor
        (N, C, h, w), C of their own.
    size : (int, int)
        (H, W); upsampling is bilinear with aligned corners, `fada_lib.models.segmenter.upsample`.

    Returns
    -------
    Term
        The sums of what `term` returns.
    """
    height, width = size
    widened = [functional.interpolate(m, size=(m.shape[2], width), mode="bilinear", align_corners=True) for m in maps]
    a_row = sum(m.shape[0] * m.shape[1] for m in maps) * width
    elements = STRIP_ELEMENTS.get(maps[0].device.type, STRIP_ELEMENTS["cpu"])
    rows = max(1, elements // a_row)
    whole = None
    for first in range(0, height, rows):
        strip = range(first, min(first + rows, height))
        part = checkpoint(_of_strip, term, strip, height, *widened, use_reentrant=False, preserve_rng_state=False)
        whole = part if whole is None else Term(whole.total + part.total, whole.count + part.count)
    return whole


def _of_strip(term: Callable[..., Term], strip: range, height: int, *widened: torch.Tensor) -> Term:
    return term(*(_rows(maps, strip, height) for maps in widened))


def _rows(maps: torch.Tensor, strip: range, height: int) -> torch.Tensor:
    """Rows `strip` of (N, C, h, W) `maps` enlarged to `height` rows: linear, corners aligned."""
    h = maps.shape[2]
    first, upper = (min(row * (h - 1) // max(height - 1, 1), max(h - 2, 0)) for row in (strip[0], strip[-1]))
    last = min(upper + 2, h)
    rows = torch.arange(strip.start, strip.stop, dtype=torch.float64, device=maps.device)
    position = rows * (h - 1) / max(height - 1, 1)
    distance = (position[:, None] - torch.arange(first, last, device=maps.device)).abs()
    weights = (1 - distance).clamp(min=0).to(maps)
    return weights @ maps[:, :, first:last]
