"""Reading ahead: in order, never far ahead, errors where they belong, nothing begun after the reader has left."""

import threading
import time

import pytest

from fada_lib.data.parallel import read_ahead


def test_results_come_in_the_order_of_the_inputs():
    def slow_at_first(value: int) -> int:
        time.sleep(0.02 if value == 0 else 0)
        return value * value

    assert list(read_ahead(slow_at_first, range(20), ahead=4)) == [value * value for value in range(20)]
    assert list(read_ahead(slow_at_first, [], ahead=4)) == []


def test_the_next_is_begun_while_the_reader_still_has_the_last():
    begun = threading.Event()
    reading = read_ahead(lambda value: value == 1 and begun.set(), range(3), ahead=1)
    next(reading)
    assert begun.wait(10)
    reading.close()


def test_no_more_than_so_many_are_begun_ahead():
    begun = []
    for seen, _ in enumerate(read_ahead(begun.append, range(20), ahead=3)):
        time.sleep(0.002)
        assert len(begun) <= seen + 1 + 3
    assert sorted(begun) == list(range(20)), "two threads may swap neighbours"


def test_an_error_comes_up_at_its_place_and_ends_the_reading():
    def third_fails(value: int) -> int:
        if value == 2:
            raise ValueError("damaged")
        return value

    reading = read_ahead(third_fails, range(20), ahead=5)
    assert [next(reading), next(reading)] == [0, 1]
    with pytest.raises(ValueError, match="damaged"):
        next(reading)


def test_who_leaves_early_leaves_nothing_running():
    begun = []
    reading = read_ahead(begun.append, range(100), ahead=3)
    next(reading)
    reading.close()
    count = len(begun)
    time.sleep(0.01)
    assert len(begun) == count <= 4
