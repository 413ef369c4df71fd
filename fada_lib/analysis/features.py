"""What a network says at chosen cells: its features and its prediction."""

from typing import NamedTuple

import numpy as np
import torch

from fada_lib.analysis.cells import Cells
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.inference.predict import evaluating
from fada_lib.methods.interface import forward_pass
from fada_lib.models.segmenter import Segmenter


class CellOutputs(NamedTuple):
    """What a network says of N cells.

    Attributes
    ----------
    features : (N, C) float32 array
        Those of F.
    channels : (N,) int64 array
        The predicted class, 0..K-1, by the logits before they are brought to the image's size.
    """

    features: np.ndarray
    channels: np.ndarray


@torch.inference_mode()
def cell_outputs(
    segmenter: Segmenter, dataset: SegmentationDataset, cells: Cells, test_size: tuple[int, ...] = ()
) -> CellOutputs:
    """Features and predictions at `cells`, batch norm in evaluation mode.

    `test_size` (width, height) is the size that images are tested at, () their own; `cells` are of maps of that size.
    """
    features = np.empty((len(cells), segmenter.feature_extractor.channels), np.float32)
    channels = np.empty(len(cells), np.int64)
    with evaluating(segmenter):
        for index in np.unique(cells.images):
            image, _ = dataset.test_example(int(index), test_size)
            outputs = forward_pass(segmenter, image[None])
            maps, predicted = outputs.features[0], outputs.logits[0].argmax(dim=0)
            here = np.nonzero(cells.images == index)[0]
            # VGG's pooling drops a last partial row or column of cells
            rows = torch.from_numpy(cells.rows[here].clip(max=maps.shape[1] - 1))
            columns = torch.from_numpy(cells.columns[here].clip(max=maps.shape[2] - 1))
            features[here] = maps[:, rows, columns].T.float().cpu().numpy()
            channels[here] = predicted[rows, columns].cpu().numpy()
    return CellOutputs(features, channels)
