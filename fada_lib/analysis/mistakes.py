"""Which class a network takes for which, and what adaptation makes of the mistakes that it started with.

A domain encoding is the network's own prediction: where it names the wrong class, class-level alignment pulls a target
feature towards that class. How many of the source model's mistakes a method mends, and how many it keeps, tells that.
"""

from collections.abc import Mapping

import numpy as np
from sklearn.metrics import confusion_matrix

START = "source_only"
"""Whose mistakes are followed."""

Predictions = Mapping[str, Mapping[str, np.ndarray]]
"""Method -> seed -> (N,) predicted channels, the same N pixels for all."""


def confusions(predictions: Predictions, truth: np.ndarray, num_classes: int) -> dict[str, dict[str, list[list[int]]]]:
    """Method -> seed -> (K, K) counts of pixels, [truth, prediction]."""
    return {
        method: {
            seed: confusion_matrix(truth, predicted, labels=range(num_classes)).tolist()
            for seed, predicted in seeds.items()
        }
        for method, seeds in predictions.items()
    }


def fates(predictions: Predictions, truth: np.ndarray) -> dict[str, dict[str, dict[str, float | None]]]:
    """Method -> seed -> `fate` of the mistakes of the source model of the same seed; where there is none, no entry."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for method, seeds in predictions.items():
        for seed, after in seeds.items():
            before = predictions.get(START, {}).get(seed)
            if method != START and before is not None:
                found.setdefault(method, {})[seed] = fate(truth, before, after)
    return found


def fate(truth: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, float | None]:
    """What became of the pixels that were wrong, and of those that were right.

    Parameters
    ----------
    truth, before, after : (N,) int arrays
        True channel, prediction of the network that training went on from, and of the network after it.

    Returns
    -------
    dict
        Fractions 0..1. Of the pixels that were wrong: ``mended``, ``exchanged`` (for another mistake) and ``kept``,
        which add up to 1. Of those that were right: ``lost``. None where there is no such pixel.
    """
    wrong = before != truth
    right_now, same = after == truth, after == before
    return {
        "mended": _share(right_now[wrong]),
        "exchanged": _share(~right_now[wrong] & ~same[wrong]),
        "kept": _share(same[wrong]),
        "lost": _share(~right_now[~wrong]),
    }


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if len(chosen) else None
