"""Reading many files at once. Decoders release Python's lock, so threads do, also inside a notebook."""

import os
from collections.abc import Callable, Iterator, Sequence
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
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = ThreadPoolExecutor(min(cores, MOST_THREADS), thread_name_prefix="reader")
    try:
        yield pool.map(function, inputs)
    finally:
        pool.shutdown(cancel_futures=True)
