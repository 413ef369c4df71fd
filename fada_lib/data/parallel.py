"""Reading many files at once. Decoders release Python's lock, so threads do, also inside a notebook."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Input, Output = TypeVar("Input"), TypeVar("Output")

MOST_THREADS = 16
"""Beyond this a disk is the limit."""


@contextmanager
def in_parallel(function: Callable[[Input], Output], inputs: Sequence[Input]) -> Iterator[Iterator[Output]]:
    """An iterator over `function` of every input, in order, on all cores that this process may use.

    Leaving the context, also by an exception, drops what had not begun and waits for the rest.
    """
    pool = _readers()
    try:
        yield pool.map(function, inputs)
    finally:
        pool.shutdown(cancel_futures=True)


def read_ahead(function: Callable[[Input], Output], inputs: Iterable[Input], ahead: int) -> Iterator[Output]:
    """`function` of every input, in order, while at most `ahead` further ones are being made or wait.

    For results too large to be all kept: who reads slowly makes the threads wait, who reads fast waits for them.
    """
    pool = _readers()
    try:
        waiting = deque()
        for value in inputs:
            waiting.append(pool.submit(function, value))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _readers() -> ThreadPoolExecutor:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(min(cores, MOST_THREADS), thread_name_prefix="reader")
