"""How work is shared out to Spark's tasks."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def pack(weights: Sequence[float], bins: int) -> list[list[int]]:
    """Share things out so that no bin is much heavier than another.

    The heaviest goes first, each to the bin that is lightest by then ("LPT"): the heaviest bin is at most 4/3
    of what is possible (Graham 1969, "Bounds on multiprocessing timing anomalies"). Where there are as many
    bins as things, that is an order: the long ones are begun first, so the short ones fill the gaps.

    Returns
    -------
    Positions in `weights`, bin by bin, the heaviest bin first. No bin is empty.
    """
    count = min(bins, len(weights))
    packed: list[list[int]] = [[] for _ in range(count)]
    lightest = [(0.0, 0, number) for number in range(count)]  # where weights say nothing, by their number
    for position in sorted(range(len(weights)), key=lambda position: -weights[position]):
        weight, things, number = heapq.heappop(lightest)
        packed[number].append(position)
        heapq.heappush(lightest, (weight + weights[position], things + 1, number))
    return sorted(packed, key=lambda bin_: -sum(weights[position] for position in bin_))
