"""Pseudo labels on disk: what self-distillation's student learns from."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fada_lib.data.classes import IGNORE
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.decode import write_png
from fada_lib.inference.predict import predict_dataset
from fada_lib.models.segmenter import Segmenter


def write_pseudo_labels(
    teacher: Segmenter,
    dataset: SegmentationDataset,
    folder: Path,
    *,
    test_size: tuple[int, ...] = (),
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    threshold: float = 0.0,
    on_progress: Callable[[int], None] = lambda done: None,
) -> float:
    """Write the teacher's prediction for every image as `<name>.png`, channels at label resolution.

    The release keeps the arg max of all pixels (threshold 0, one scale). With a threshold, pixels of lower
    confidence become `IGNORE`.

    Returns
    -------
    float
        Share of pixels kept, 0..1.
    """
    kept = pixels = 0
    for indices, p, _ in predict_dataset(teacher, dataset, test_size, scales, flip):
        confidence, channel = p.max(dim=1)
        maps = channel.masked_fill(confidence < threshold, IGNORE).byte().cpu().numpy()
        for index, channels in zip(indices, maps, strict=True):
            write_png(folder / f"{dataset.items[index].name}.png", channels)
        kept += int((maps != IGNORE).sum())
        pixels += maps.size
        on_progress(indices[-1] + 1)
    return kept / pixels
