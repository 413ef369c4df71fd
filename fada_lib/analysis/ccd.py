"""Class Center Distance (paper, Eq. 9): compactness of a class over its distance to the others, in feature space."""

import numpy as np

MIN_SAMPLES = 20
"""Feature pixels that a class needs in each domain to be measured."""


def class_center_distance(
    features: np.ndarray,
    classes: np.ndarray,
    num_classes: int,
    *,
    domains: np.ndarray | None = None,
    squared: bool = True,
    min_samples: int = MIN_SAMPLES,
) -> list[float | None]:
    """CCD(i) = mean over j != i of (mean over x in S_i of |x - mu_i|^2) / |mu_i - mu_j|^2 (Eq. 9).

    Parameters
    ----------
    features : (N, C) array
        Source and target features pooled: a class that lies apart in the two domains is not compact.
    classes : (N,) int array
        Ground-truth channels.
    num_classes : int
        K.
    domains : (N,) int array, optional
        0 source, 1 target: `min_samples` then holds in each domain, for a class seen in one alone shows nothing.
    squared : bool
        The paper's denominator is the squared norm, which makes CCD independent of the features' scale;
        slides about the paper print the norm itself.
    min_samples : int
        Classes with fewer samples are left out, also from the mean over j.

    Returns
    -------
    list
        K values, 0 or more, lower is better aligned; None for a class that is left out. Pairs whose centres
        coincide exactly (features that a network has lost) are left out of the mean.
    """
    kept = measurable(classes, num_classes, domains, min_samples)
    features = features.astype(np.float64)
    centres = {c: features[classes == c].mean(axis=0) for c in kept}
    spread = {c: float(((features[classes == c] - centres[c]) ** 2).sum(axis=1).mean()) for c in kept}
    values: list[float | None] = [None] * num_classes
    for i in kept:
        distances = [float(((centres[i] - centres[j]) ** 2).sum()) for j in kept if j != i]
        apart = [d if squared else d**0.5 for d in distances if d > 0]
        if apart:
            values[i] = float(np.mean([spread[i] / d for d in apart]))
    return values


def measurable(
    classes: np.ndarray, num_classes: int, domains: np.ndarray | None = None, min_samples: int = MIN_SAMPLES
) -> list[int]:
    """The classes with at least `min_samples` of the (N,) channels, in each domain if `domains` is given."""
    parts = [classes] if domains is None else [classes[domains == d] for d in (0, 1)]
    counts = np.min([np.bincount(part, minlength=num_classes) for part in parts], axis=0)
    return [c for c in range(num_classes) if counts[c] >= min_samples]


def summary(values: list[float | None]) -> dict[str, object]:
    """Per-class values with mean and median over the classes that have one, None where none has.

    Two centres that nearly meet dominate the mean, not the median; of features that a network has lost all coincide,
    and none has a value.
    """
    known = [v for v in values if v is not None]
    mean, median = (float(np.mean(known)), float(np.median(known))) if known else (None, None)
    return {"per_class": values, "mean": mean, "median": median}
