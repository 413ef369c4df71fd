"""What a layout is: how a data set keeps its files and encodes its labels."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from fada_lib.data.classes import TRAIN_ID_OF_LABEL_ID
from fada_lib.data.decode import read_label_values
from fada_lib.data.layouts.item import Item


@dataclass(frozen=True)
class Layout:
    """A data set's way to find files and to encode labels.

    Parameters
    ----------
    name : str
        Key in `LAYOUTS`.
    find : callable
        (root, split) to the items found there, labels not yet looked for; an absent folder holds none.
    legal_values : collection of int
        What a label file may store.
    train_id_of_value : (256,) uint8 array
        From stored value to train id (see `fada_lib.data.classes`), 255 for what is ignored.
    read_values : callable
        From a label file to its stored (H, W) uint8 values.
    counts : mapping of str to int
        Images of a whole copy by split, as published; a split that is not listed is not counted.
    counted_by_group : bool
        `counts` are of one group (city), not of all together.
    name_of_number : callable, optional
        Name of the i-th image, i = 0, 1, …, where names are numbers without gap.
    listed : callable, optional
        (root, split) to the names that the copy's own lists promise, by the group that `counts` are of.
    left_out : mapping of str to str
        Names of images that are never used, and why.
    groups_by_split : bool
        The splits consist of different groups, as Cityscapes' train and val do of different cities.
    """

    name: str
    find: Callable[[Path, str], list[Item]]
    legal_values: Collection[int]
    train_id_of_value: np.ndarray
    read_values: Callable[[Path], np.ndarray] = read_label_values
    counts: Mapping[str, int] = field(default_factory=dict)
    counted_by_group: bool = False
    name_of_number: Callable[[int], str] | None = None
    listed: Callable[[Path, str], Mapping[str, Collection[str]]] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    groups_by_split: bool = False

    @property
    def legal_text(self) -> str:
        """The legal values for a message: ``0..33, 255``."""
        numbered = enumerate(sorted(self.legal_values))
        runs = [[value for _, value in run] for _, run in groupby(numbered, lambda pair: pair[1] - pair[0])]
        parts = [f"{run[0]}..{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
        return ", ".join(parts) or "nothing"

    @property
    def stores_label_ids(self) -> bool:
        """Whether labels store Cityscapes' label ids."""
        return self.train_id_of_value is TRAIN_ID_OF_LABEL_ID
