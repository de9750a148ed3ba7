"""Whose word it is."""

from bisect import bisect_left
from collections import defaultdict

from switchboard_stage.models import Turn, Turns

NOBODY = "speaker-0"
"""Where a channel has no turn at all: a call always has a first speaker."""


class Speakers:
    """Turns, to be asked for the speaker at a time."""

    def __init__(self, turns: Turns) -> None:
        self._turns: dict[int, list[Turn]] = defaultdict(list)
        for turn in sorted(turns.turns, key=lambda t: t.start_s):
            self._turns[turn.channel].append(turn)
        longest = max((t.end_s - t.start_s for t in turns.turns), default=0.0)
        self._reach_s = longest
        """A turn that starts earlier than this before a word is over when the word begins."""

    def of(self, channel: int, start_s: float, end_s: float) -> str:
        """The speaker whose turns cover most of a word; where none does, that of the nearest turn."""
        turns = self._turns.get(channel)
        if not turns:
            return NOBODY
        first = bisect_left(turns, start_s - self._reach_s, key=lambda t: t.start_s)
        last = bisect_left(turns, end_s, key=lambda t: t.start_s)
        # One more on either side: the nearest, where none overlaps.
        near = turns[max(0, first - 1) : last + 1]
        covered: dict[str, float] = defaultdict(float)
        for turn in near:
            covered[turn.speaker] += max(0.0, min(end_s, turn.end_s) - max(start_s, turn.start_s))
        best = max(covered, key=lambda speaker: covered[speaker])
        if covered[best] > 0:
            return best
        return min(near, key=lambda t: max(t.start_s - end_s, start_s - t.end_s)).speaker
