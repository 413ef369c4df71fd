"""A measure by method, seed and class: which columns it has, their values over the seeds, mean and spread."""

from collections.abc import Mapping, Sequence

import numpy as np

BySeed = Mapping[object, Mapping[str, object]]
"""Seed -> ``per_class`` (K values or None), ``mean``, ``median``."""


def measured_columns(measure: Mapping[str, BySeed], num_classes: int) -> list[int | str]:
    """The channels that any method has a value of, then ``mean`` and ``median``."""
    shown = [k for k in range(num_classes) if any(values_over_seeds(seeds, k) for seeds in measure.values())]
    return [*shown, "mean", "median"]


def values_over_seeds(seeds: BySeed, column: int | str) -> list[float]:
    """Values of a class (by channel) or of ``mean`` / ``median`` over the seeds, missing ones left out."""
    cells = [entry["per_class"][column] if isinstance(column, int) else entry[column] for entry in seeds.values()]
    return [float(value) for value in cells if value is not None]


def means_over_seeds(seeds: BySeed, columns: Sequence[int | str]) -> np.ndarray:
    """Mean over seeds of each column, NaN where there is none."""
    cells = [values_over_seeds(seeds, column) for column in columns]
    return np.array([np.mean(cell) if cell else np.nan for cell in cells])


def spreads_over_seeds(seeds: BySeed, columns: Sequence[int | str]) -> np.ndarray:
    """Standard deviation over seeds of each column, see `spread`."""
    return np.array([spread(values_over_seeds(seeds, column)) for column in columns])


def spread(values: Sequence[float]) -> float:
    """Standard deviation of a sample; NaN, which no figure draws, of fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
