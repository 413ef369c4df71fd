"""Which image comes when: batches as pure functions of (seed, stream, iteration, position).

Nothing has to be saved to resume, and the order is the same for any number of loader processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from fada_lib.data.dataset import SegmentationDataset
from fada_lib.data.transforms import draw_augmentation
from fada_lib.parameters import UserError
from fada_lib.progress import Progress

STREAMS = {"source": 0, "target": 1, "distill target": 2, "adapt source": 3, "adapt target": 4}
"""Stages see different batches of the same seed: adaptation does not replay pretraining."""


@lru_cache(maxsize=8)
def epoch_order(length: int, seed: int, stream: int, epoch: int) -> np.ndarray:
    """A random permutation of `length` images, different in every epoch."""
    return np.random.default_rng((seed, stream, epoch)).permutation(length)


def random_index(length: int, seed: int, stream: int, draw: int) -> int:
    """The `draw`-th image of a stream that visits every image once an epoch."""
    return int(epoch_order(length, seed, stream, draw // length)[draw % length])


def class_balanced_list(classes_of_file: list[set[int]], num_classes: int, length: int, seed: int) -> list[int]:
    """The release's class-balanced source list (`core/datasets/gta5.py`), by its own seeded generator.

    In sub-epochs of 3000 draws a class c is drawn with a weight proportional to 1 / ln(1.01 + its share so
    far); the next file of that class is taken and every class in the file is counted. A class list that is
    used up is shuffled and read on from its second element, as in the release; a class with a single file,
    where the release divides by zero, just repeats it. The finished list is shuffled.

    Parameters
    ----------
    classes_of_file : list of set of int
        For each file (sorted by name) the channels that occur in it.
    num_classes : int
        K; classes without a file are never drawn.
    length : int
        Entries wanted; the result has (length // 3000 + 1) * 3000.
    seed : int
        Seed of the generator; nothing else is random, so every process of a run gets the same list.

    Raises
    ------
    UserError
        If no file holds any class.
    """
    rng = np.random.default_rng((seed, 97))
    files = [[i for i, present in enumerate(classes_of_file) if c in present] for c in range(num_classes)]
    drawable = np.array([bool(f) for f in files])
    if not drawable.any():
        raise UserError("sampling is 'class_balanced', but no label holds a class of class_set: use 'random'")
    position = [0] * num_classes
    chosen: list[int] = []
    for _ in range(length // 3000 + 1):
        counter = np.zeros(num_classes)
        for _ in range(3000):
            weight = drawable / np.log(1.01 + counter / max(counter.sum(), 1.0))
            cumulated = (weight / weight.sum()).cumsum()
            # what rng.choice does with these weights, without its checks, which take half of the time
            c = int((cumulated / cumulated[-1]).searchsorted(rng.random(), side="right"))
            if position[c] == len(files[c]):
                rng.shuffle(files[c])
                position[c] = len(files[c]) % (len(files[c]) - 1) if len(files[c]) > 1 else 0
            file = files[c][position[c]]
            position[c] += 1
            chosen.append(file)
            counter[list(classes_of_file[file])] += 1
    rng.shuffle(chosen)
    return chosen


@dataclass(frozen=True)
class Stream:
    """How one domain is sampled and augmented; `order`, if given, lists the images (class-balanced sampling)."""

    name: str
    seed: int
    batch_size: int
    size: tuple[int, ...] = ()
    flip_probability: float = 0.0
    jitter: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    scales: tuple[float, ...] = (1.0, 1.0)
    crop: tuple[int, ...] = ()
    order: tuple[int, ...] = ()


class _Examples(Dataset):
    """Training examples addressed by their draw number: iteration x batch size + position."""

    def __init__(self, dataset: SegmentationDataset, stream: Stream, draws: int) -> None:
        self.dataset, self.stream, self.draws = dataset, stream, draws

    def __len__(self) -> int:
        return self.draws

    def __getitem__(self, draw: int) -> tuple[torch.Tensor, torch.Tensor]:
        s, number = self.stream, STREAMS[self.stream.name]
        if s.order:
            index = s.order[draw % len(s.order)]
        else:
            index = random_index(len(self.dataset), s.seed, number, draw)
        rng = np.random.default_rng((s.seed, number, draw, 1))
        choice = replace(draw_augmentation(rng, s.flip_probability, s.jitter, s.scales), crop=s.crop)
        return self.dataset.example(index, s.size, choice)


def decode_once(dataset: SegmentationDataset, stream: Stream, progress: Progress) -> None:
    """Fill the data set's cache, if it has one, with what the stream reads; what is there already is kept."""
    if dataset.cache is not None:
        progress.start(f"decoding for {stream.name}", len(dataset))
        dataset.decode_once(stream.size, stream.jitter, progress.update)


def batches(
    dataset: SegmentationDataset, stream: Stream, first: int, last: int, workers: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of iterations `first`..`last` - 1: (N, 3, H, W) uint8 images and (N, H, W) uint8 channels.

    Raises
    ------
    UserError
        For a damaged file, or images that differ in size because no training size is set.
    """
    draws = range(first * stream.batch_size, last * stream.batch_size)
    loader = DataLoader(
        _Examples(dataset, stream, last * stream.batch_size),
        batch_size=stream.batch_size,
        sampler=draws,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=workers > 0,
    )
    try:
        yield from loader
    except UserError as error:
        raise UserError(str(error).splitlines()[-1].rpartition("UserError: ")[2]) from error
    except RuntimeError as error:
        if "stack expects each tensor to be equal size" in str(error):
            domain = stream.name.split()[-1]
            raise UserError(f"the {domain} images differ in size: set {domain}_size to [width, height]") from error
        raise
