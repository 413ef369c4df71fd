"""Features of chosen cells: what F says at those pixels."""

import numpy as np
import torch

from fada_lib.analysis.cells import Cells
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.transforms import normalise
from fada_lib.models.segmenter import Segmenter


@torch.inference_mode()
def cell_features(
    segmenter: Segmenter, dataset: SegmentationDataset, cells: Cells, test_size: tuple[int, ...] = ()
) -> np.ndarray:
    """(N, C) float32 features of F at `cells`, images at `test_size`, batch norm in evaluation mode."""
    segmenter.eval()
    device = next(segmenter.parameters()).device
    features = np.empty((len(cells), segmenter.feature_extractor.channels), np.float32)
    for index in np.unique(cells.images):
        image, _ = dataset.test_example(int(index), test_size)
        normalised = normalise(image[None].to(device), segmenter.feature_extractor.input_convention)
        maps = segmenter.feature_extractor(normalised.contiguous(memory_format=torch.channels_last))[0]
        here = np.nonzero(cells.images == index)[0]
        # VGG's pooling drops a last partial row or column of cells
        rows = torch.from_numpy(cells.rows[here].clip(max=maps.shape[1] - 1))
        columns = torch.from_numpy(cells.columns[here].clip(max=maps.shape[2] - 1))
        features[here] = maps[:, rows, columns].T.float().cpu().numpy()
    return features
