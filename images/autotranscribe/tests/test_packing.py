"""Sharing work out: nothing lost, nothing empty, and evenly."""

import heapq
import random
from itertools import pairwise

import pytest

from autotranscribe.packing import pack


def loads(weights: list[float], packed: list[list[int]]) -> list[float]:
    return [sum(weights[position] for position in bin_) for bin_ in packed]


@pytest.mark.parametrize(("things", "bins"), [(0, 3), (1, 3), (5, 3), (100, 7), (7, 100)])
def test_everything_is_in_one_bin_and_no_bin_is_empty(things: int, bins: int) -> None:
    packed = pack([float(number % 5) for number in range(things)], bins)
    assert sorted(position for bin_ in packed for position in bin_) == list(range(things))
    assert len(packed) == min(things, bins)
    assert all(packed)


def test_the_heaviest_bin_comes_first() -> None:
    weights = [1.0, 9.0, 4.0, 4.0, 2.0]
    carried = loads(weights, pack(weights, 3))
    assert all(first >= second for first, second in pairwise(carried))
    assert pack(weights, 5)[0] == [1]


def test_skewed_lengths_are_evened_out() -> None:
    """Three hours among minutes, in chunks of half a minute: no bin has more than its share and one chunk."""
    chunks = [30.0] * 360 + [random.Random(1).uniform(5, 30) for _ in range(600)]
    carried = loads(chunks, pack(chunks, 16))
    assert max(carried) - sum(chunks) / 16 < 30
    assert max(carried) < 1.05 * min(carried)


def test_the_heaviest_bin_is_within_grahams_bound() -> None:
    """Of random instances whose best packing is known: pieces of `bins` equal rods."""
    source = random.Random(2)
    for _ in range(50):
        bins = source.randint(2, 6)
        weights = [piece for _ in range(bins) for piece in broken(source, 1.0, source.randint(1, 5))]
        source.shuffle(weights)
        assert max(loads(weights, pack(weights, bins))) <= 4 / 3 - 1 / (3 * bins) + 1e-9


def broken(source: random.Random, length: float, pieces: int) -> list[float]:
    marks = [0.0, *sorted(source.uniform(0, length) for _ in range(pieces - 1)), length]
    return [after - before for before, after in pairwise(marks)]


@pytest.mark.parametrize("cores", [1, 2, 4, 12])
def test_a_call_of_three_hours_among_minutes_leaves_no_core_idle(cores: int) -> None:
    """Spark begins with the first partition, and gives each core that is free the next one."""
    source = random.Random(3)
    lengths = [3 * 3600.0, *(source.uniform(60, 600) for _ in range(20))]
    chunks = [30.0 for length in lengths for _ in range(int(length / 30))]
    free = [0.0] * cores
    for carried in loads(chunks, pack(chunks, 8 * cores)):
        heapq.heapreplace(free, free[0] + carried)
    assert sum(chunks) / (cores * max(free)) > 0.95
    whole = max(lengths) / (sum(lengths) / cores)
    assert cores == 1 or whole > 0.95, "call by call, the long one would hold up the rest"
