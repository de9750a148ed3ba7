"""Words to segments: uninterrupted stretches of one speaker, readable."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard_stage.models import Segment, Word

PAUSE_S = 1.0
"""Silence that ends a segment though the same speaker goes on."""

LONGEST_S = 20.0
"""A segment is cut at the first chance after this long, so that captions stay readable."""

CHANCE_S = 0.25
"""A pause that counts as such a chance."""

ALWAYS_UPPER = frozenset(["i", "i'm", "i'll", "i've", "i'd"])


def segments(words: Sequence[Word]) -> tuple[Segment, ...]:
    """Segments in the order in which they begin; speakers who talk at once get segments that overlap."""
    open_runs: dict[tuple[int, str], list[Word]] = {}
    done: list[list[Word]] = []
    for word in sorted(words, key=lambda each: each.start_s):
        key = (word.channel, word.speaker)
        run = open_runs.get(key)
        if run is not None and _ends(run, word, open_runs):
            done.append(open_runs.pop(key))
            run = None
        if run is None:
            run = open_runs[key] = []
        run.append(word)
    done.extend(open_runs.values())
    return tuple(sorted((_segment(run) for run in done), key=lambda each: (each.start_s, each.end_s)))


def readable(words: Sequence[Word]) -> str:
    """The words as a line: the first letter and "I" in capitals, tags as they are. No full stops are
    invented.
    """
    texts = [word.text.capitalize() if word.text in ALWAYS_UPPER else word.text for word in words]
    line = " ".join(text for text in texts if text)
    return line[:1].upper() + line[1:]


def _ends(run: Sequence[Word], word: Word, others: dict[tuple[int, str], list[Word]]) -> bool:
    pause = word.start_s - run[-1].end_s
    if pause >= PAUSE_S:
        return True
    if word.end_s - run[0].start_s > LONGEST_S and pause >= CHANCE_S:
        return True
    interrupted = any(other[-1].start_s >= run[-1].end_s for other in others.values() if other is not run)
    return interrupted and pause >= CHANCE_S


def _segment(run: Sequence[Word]) -> Segment:
    return Segment(
        speaker=run[0].speaker,
        start_s=run[0].start_s,
        end_s=max(word.end_s for word in run),
        text=readable(run),
        words=tuple(run),
    )
