"""Which class a network takes for which, and what it makes of the source model's mistakes.

A domain encoding is the network's own prediction: where it names the wrong class, class-level alignment pulls a target
feature towards that class. How many of the source model's mistakes a method mends, and how many it keeps, tells that.
"""

from collections.abc import Mapping

import numpy as np
from sklearn.metrics import confusion_matrix

START = "source_only"
"""Whose mistakes are followed."""

Predictions = Mapping[str, Mapping[str, np.ndarray | None]]
"""Method -> seed -> (N,) predicted channels, the same N pixels for all; None for a network that diverged."""
Fate = dict[str, float | None]
NOTHING: Fate = dict.fromkeys(("mended", "exchanged", "kept", "lost"))
"""What a network that diverged gets: it stays in the tables, without a value."""


def confusions(predictions: Predictions, truth: np.ndarray, num_classes: int) -> dict[str, dict[str, list[list[int]]]]:
    """Method -> seed -> (K, K) counts of pixels, [truth, prediction]; `truth` is (N,). What diverged is left out."""
    return {
        method: {
            seed: confusion_matrix(truth, predicted, labels=range(num_classes)).tolist()
            for seed, predicted in seeds.items()
            if predicted is not None
        }
        for method, seeds in predictions.items()
    }


def fates(predictions: Predictions, truth: np.ndarray) -> dict[str, dict[str, Fate]]:
    """Method -> seed -> `fate` of the mistakes of the source model of the same seed; where there is none, no entry.

    Students and the oracle, which do not start from the source model, are compared with it like all others.
    """
    found: dict[str, dict[str, Fate]] = {}
    for method, seeds in predictions.items():
        for seed, after in seeds.items():
            before = predictions.get(START, {}).get(seed)
            if method != START and before is not None:
                found.setdefault(method, {})[seed] = NOTHING if after is None else fate(truth, before, after)
    return found


def fate(truth: np.ndarray, before: np.ndarray, after: np.ndarray) -> Fate:
    """What one network makes of the pixels that another got wrong, and of those that it got right.

    Parameters
    ----------
    truth, before, after : (N,) int arrays
        True channel, prediction of the source model, and of the other network.

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
