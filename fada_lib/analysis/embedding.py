"""t-SNE of features of both domains: one embedding a method, all from one initialisation."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from fada_lib.parameters import UserError

MAX_DIMENSIONS = 50
"""Features are reduced to this many principal components first, t-SNE's usual practice."""


def common_initialisation(features: np.ndarray) -> np.ndarray:
    """(N, 2) start: the first two principal components of the first method's features, at t-SNE's usual scale.

    Starting every method there makes panels comparable in layout; their coordinates still are not shared. Features
    that are all the same start, and stay, in one point.
    """
    if (features == features[0]).all():
        return np.zeros((len(features), 2), np.float32)
    start = PCA(n_components=2, svd_solver="full").fit_transform(features.astype(np.float64))
    return (start / start[:, 0].std() * 1e-4).astype(np.float32)


def embed(features: np.ndarray, start: np.ndarray, perplexity: float, iterations: int, seed: int) -> np.ndarray:
    """(N, 2) t-SNE coordinates of (N, C) features of source and target together."""
    if perplexity >= len(features):
        raise UserError(f"perplexity is {perplexity}: it must be below the number of points ({len(features)})")
    if features.shape[1] > MAX_DIMENSIONS:
        dimensions = min(MAX_DIMENSIONS, len(features))
        features = PCA(n_components=dimensions, svd_solver="full").fit_transform(features)
    tsne = TSNE(perplexity=perplexity, init=start, max_iter=iterations, random_state=seed, n_jobs=1)
    return tsne.fit_transform(features.astype(np.float32))
