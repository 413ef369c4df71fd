"""Features over training: one t-SNE of the same pixels of one network at several iterations.

Here a shared embedding is sound: the networks descend from one another, so their features have the same coordinates.
t-SNE treats a pixel at two iterations as two points, and draws it to itself as far as it has not moved.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fada_lib.analysis.cells import Cells, sample_cells
from fada_lib.analysis.embedding import common_initialisation, embed
from fada_lib.analysis.features import cell_outputs
from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.domains import open_part
from fada_lib.models.segmenter import Segmenter
from fada_lib.parameters import AdaptParameters, UserError
from fada_lib.training.snapshots import load_snapshots


@dataclass(frozen=True)
class Trajectory:
    """N feature pixels of both domains at F iterations.

    Attributes
    ----------
    iterations : tuple of int
        F of them, 0 for the source model.
    points : (F, N, 2) array
        Coordinates in one embedding.
    classes, domains : (N,) int arrays
        Ground-truth channel; 0 source, 1 target.
    """

    iterations: tuple[int, ...]
    points: np.ndarray
    classes: np.ndarray
    domains: np.ndarray


def embed_snapshots(
    p: AdaptParameters,
    device: torch.device | str = "cpu",
    samples_per_domain: int = 250,
    perplexity: float = 30.0,
    iterations: int = 500,
) -> Trajectory:
    """Embed the features of every snapshot of a finished adaptation, and of the source model, together.

    Pixels are drawn as in `fada_lib.analysis.alignment.analyse`, from the val parts of both domains; `perplexity` and
    `iterations` are t-SNE's. Time grows with pixels times snapshots: 3,000 points take about half a minute.

    Raises
    ------
    UserError
        If the run kept no snapshots, or its features are not finite.
    """
    networks = load_snapshots(p, device)
    stride = networks[0].feature_extractor.stride
    datasets = [open_part(p.data, domain, "val") for domain in ("source", "target")]
    cells = [sample_cells(dataset, stride, samples_per_domain, p.seed, p.test_size) for dataset in datasets]
    features = np.stack([_features(network, datasets, cells, p) for network in networks.values()])
    if not np.isfinite(features).all():
        raise UserError(f"{Path(p.run).name}: the features are not finite, the training diverged; nothing to embed")
    joint = features.reshape(-1, features.shape[-1])
    points = embed(joint, common_initialisation(joint), perplexity, iterations, p.seed)
    classes = np.concatenate([c.classes for c in cells])
    domains = np.repeat([0, 1], [len(c) for c in cells])
    return Trajectory(tuple(networks), points.reshape(*features.shape[:2], 2), classes, domains)


def _features(
    network: Segmenter, datasets: list[SegmentationDataset], cells: list[Cells], p: AdaptParameters
) -> np.ndarray:
    pairs = zip(datasets, cells, strict=True)
    return np.concatenate([cell_outputs(network, dataset, chosen, p.test_size).features for dataset, chosen in pairs])
