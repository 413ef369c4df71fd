"""The images of an adaptation beside its batches: a recoloured source, and the target once more at the end."""

import dataclasses
from collections.abc import Iterator

import torch

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.domains import open_part
from fada_lib.data.recolouring import colour_transfer
from fada_lib.files import resolve, write_json
from fada_lib.inference.predict import batches_to_test
from fada_lib.parameters import AdaptParameters, UserError


def source_images(p: AdaptParameters) -> SegmentationDataset:
    """The source's training part, recoloured if the run asks for it; the statistics are then kept in `colours.json`.

    Raises
    ------
    UserError
        For an unknown `source_colours`, a damaged image or a source without colours.
    """
    if p.source_colours not in ("own", "target"):
        raise UserError(f"source_colours is '{p.source_colours}': choose own or target")
    source = open_part(p.data, "source", "train")
    if p.source_colours == "target":
        source.recolour = colour_transfer(source, open_part(p.data, "target", "train"))
        write_json(resolve(p.run) / "colours.json", dataclasses.asdict(source.recolour))
    return source


def target_images(p: AdaptParameters) -> Iterator[torch.Tensor]:
    """The target's training images as `Method.finish` takes them: (N, 3, H, W) uint8, opened when first asked for.

    N is as many images as `inference.predict.BATCH_PIXELS` allows: 16 of the default world, one of 1024 x 512.
    """
    for _, images, _ in batches_to_test(open_part(p.data, "target", "train"), p.test_size):
        yield images
