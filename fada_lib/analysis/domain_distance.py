"""Proxy A-distance within a class: how well a linear probe tells source from target features of the same class.

CCD asks for compact classes, t-SNE for a picture; this asks the question of domain adaptation itself (Ben-David et al.,
Analysis of Representations for Domain Adaptation, NIPS 2006; the estimate by a linear classifier is theirs): whether
anything linear in the features still says where they come from, once the class is known.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fada_lib.analysis.ccd import MIN_SAMPLES

FOLDS = 5
"""Parts of the cross-validation; as many as a domain has images of the class where those are fewer."""


def proxy_a_distance(
    features: np.ndarray,
    classes: np.ndarray,
    domains: np.ndarray,
    images: np.ndarray,
    num_classes: int,
    *,
    seed: int = 0,
) -> list[float | None]:
    """PAD(k) = 2 (1 - 2 e), e being the cross-validated error of a logistic regression on features of class k.

    Images are held out whole: pixels of one image resemble each other, so a probe that had seen some would know the
    others' domain by the image. e is the mean of the two domains' error rates, so that a class with more pixels in one
    domain is no easier. Features are standardised on the probe's own training part.

    Parameters
    ----------
    features : (N, C) array
        Finite.
    classes, domains, images : (N,) int arrays
        Ground-truth channel; 0 source, 1 target; index of the image within its domain.
    num_classes : int
        K.
    seed : int
        Of the images' assignment to folds.

    Returns
    -------
    list
        K values: 0 where the probe guesses, 2 where it never errs, slightly below 0 by chance; None for a class with
        fewer than `MIN_SAMPLES` pixels in a domain, or all of them in one image.
    """
    features = features.astype(np.float64)
    values = []
    for c in range(num_classes):
        chosen = classes == c
        rng = np.random.default_rng((seed, c))
        values.append(_distance(features[chosen], domains[chosen], images[chosen], rng))
    return values


def _distance(features: np.ndarray, domains: np.ndarray, images: np.ndarray, rng: np.random.Generator) -> float | None:
    pixels = min(int((domains == d).sum()) for d in (0, 1))
    folds = min(FOLDS, *(len(np.unique(images[domains == d])) for d in (0, 1)))
    if pixels < MIN_SAMPLES or folds < 2:
        return None
    fold = _folds(domains, images, folds, rng)
    wrong = np.empty(len(domains), bool)
    for held in (fold == part for part in range(folds)):
        probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
        probe.fit(features[~held], domains[~held])
        wrong[held] = probe.predict(features[held]) != domains[held]
    error = float(np.mean([wrong[domains == d].mean() for d in (0, 1)]))
    return 2 * (1 - 2 * error)


def _folds(domains: np.ndarray, images: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) fold of every pixel: each domain's images in random order, dealt out one by one."""
    fold = np.empty(len(domains), int)
    for d in (0, 1):
        here = domains == d
        order = rng.permutation(np.unique(images[here]))
        rank = {image: position % folds for position, image in enumerate(order)}
        fold[here] = [rank[image] for image in images[here]]
    return fold
