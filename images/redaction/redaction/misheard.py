"""Numbers in which the recogniser misheard digits: "four one for nine", "seven six of five sick two". Digits
are joined across what sounds like a digit, and across a word or two that stand where a digit was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from redaction.dictation import CONNECTIVES, LONG, NEAR, Found, Group, entity_of, find_groups
from redaction.lists import word_list
from redaction.numbers import FILLERS, REPEATS
from redaction.topics import Topic, cues

ALIKE = word_list("sound_alikes")
"""Words that sound like a digit."""

SELDOM = frozenset(["won", "ate", "tree", "sex", "sick", "hero", "whoa"])
"""Of those, what is hardly said otherwise: a digit even with a word or two between it and a long number."""

EDGE = SELDOM | frozenset(["to", "too", "for", "fore", "o", "oh", "ou", "mine", "line", "over", "or", "free"])
"""What is a digit at the edge of a number too; the others only between digits."""

BEFORE_EDGE = FILLERS | {"is", "it's", "its", "that's", "number", "are", "be", "yes", "yeah", "sure", "okay"}
"""What stands before such a word where a number begins with it; or nothing does."""

SEPARATORS = CONNECTIVES - ALIKE
"""What people say between the groups of a number: it stays."""

STRAY = FILLERS | {"and", "then", "okay", "sorry", "so", "next", "finally", "again"}
"""What a digit by itself stands behind that still is part of the number."""

BARRIERS = word_list("misheard_barriers") | word_list("states")
"""Words at which another matter begins."""

GAP = 2
"""Words between digits that can be misheard digits."""

LONG_GAP = 3
"""The same behind so many digits that more of them must follow."""

DENSITY = 0.6
"""Share of a number's words that are, or sound like, digits."""


@dataclass(frozen=True)
class Spot:
    """A word of an utterance: characters `start` up to `end`; its digits, and whether it sounds like
    one.
    """

    start: int
    end: int
    text: str
    digits: str
    alike: bool
    barrier: bool

    @property
    def counts(self) -> bool:
        """Whether it is a digit or sounds like one."""
        return bool(self.digits) or self.alike


def find_misheard(text: str) -> list[Found]:
    """Every number with misheard digits in it that has digits enough; fewer do where one was asked for."""
    groups = {group.start: group for group in find_groups(text)}
    topic = Topic(text)
    found: list[Found] = []
    start = 0
    for number, line in enumerate(text.split("\n")):
        spots = _spots(line, start, groups)
        for first, last in _clusters(spots):
            kind = topic.at(spots[first].start, number)
            cluster = spots[_begin(spots, first, last, kind) : _end(spots, last, kind) + 1]
            if _is_number(cluster, kind):
                found.extend(_found(cluster, kind))
                topic.confirm(number)
        start += len(line) + 1
    return found


def _spots(line: str, start: int, groups: Mapping[int, Group]) -> list[Spot]:
    spots = []
    for word in line.split(" "):
        group = groups.get(start)
        pronoun = bool(group and group.exempt and group.digits == "1")
        digits = group.digits if group and not group.exempt else ""
        barrier = word in BARRIERS or (not digits and not pronoun and any(map(str.isdigit, word)))
        alike = word in ALIKE or word in REPEATS or pronoun
        spots.append(Spot(start, start + len(word), word, digits, alike, barrier))
        start += len(word) + 1
    return spots


def _clusters(spots: Sequence[Spot]) -> Iterator[tuple[int, int]]:
    """Positions of the first and the last digits of everything that may be one number."""
    first = last = -1
    digits = 0
    for at, spot in enumerate(spots):
        if not spot.digits:
            continue
        if first >= 0 and _joins(spots[last + 1 : at], digits):
            last, digits = at, digits + len(spot.digits)
            continue
        if first >= 0:
            yield first, last
        first = last = at
        digits = len(spot.digits)
    if first >= 0:
        yield first, last


def _joins(between: Sequence[Spot], digits: int) -> bool:
    """Whether the words between two runs of digits can be digits themselves."""
    gap = longest = 0
    for spot in between:
        gap = 0 if spot.alike else gap + 1
        longest = max(gap, longest)
    if longest > (LONG_GAP if digits > LONG else GAP) or len(between) > 2 * LONG_GAP:
        return False
    return not any(spot.barrier for spot in between) and not cues(" ".join(spot.text for spot in between))


def _begin(spots: Sequence[Spot], first: int, last: int, kind: str) -> int:
    """Where a number begins, with the words before that can only be digits."""
    begin = first
    while begin and spots[begin - 1].text in EDGE:
        begin -= 1
    if not (kind and (begin == 0 or spots[begin - 1].text in BEFORE_EDGE)):
        begin = first
    if sum(len(spot.digits) for spot in spots[first : last + 1]) > LONG:
        near = range(max(begin - GAP - 1, 0), begin)
        begin = next((at for at in near if spots[at].text in SELDOM), begin)
    return begin


def _end(spots: Sequence[Spot], last: int, kind: str) -> int:
    """Where a number ends, with the words behind that can only be digits."""
    end = last
    while end + 1 < len(spots) and (spots[end + 1].text in EDGE or (kind and spots[end + 1].alike)):
        end += 1
        if spots[end].text in REPEATS and end + 1 < len(spots):
            end += 1
    closed = end + 1 == len(spots) or spots[end + 1].text in SEPARATORS or spots[end].text not in ALIKE
    return end if closed else last


def _is_number(cluster: Sequence[Spot], kind: str) -> bool:
    """Whether there are digits enough for a number that is not left to stand."""
    sure = sum(len(spot.digits) for spot in cluster)
    like = sure + sum(spot.alike for spot in cluster)
    others = sum(not spot.counts and spot.text not in SEPARATORS for spot in cluster)
    if len(cluster) == 1 or like < DENSITY * (like + others) or (others and kind == "ADDRESS"):
        return False
    return sure >= LONG or bool(kind and sure >= 2 and like > NEAR)


def _found(cluster: Sequence[Spot], kind: str) -> Iterator[Found]:
    """The number in pieces: where between digits nothing stands but what people say there, that stays."""
    entity = entity_of("".join(spot.digits for spot in cluster), kind)
    for before, piece in _pieces(cluster):
        stray = piece[0].text in SELDOM or (kind and all(spot.text in STRAY for spot in before))
        if len(piece) > 1 or stray:
            yield Found(piece[0].start, piece[-1].end, entity, 0.88 if len(piece) > 1 else 0.6)


def _pieces(cluster: Sequence[Spot]) -> Iterator[tuple[list[Spot], list[Spot]]]:
    """The pieces of a number, each with what was said before it."""
    before: list[Spot] = []
    piece: list[Spot] = []
    between: list[Spot] = []
    for spot in cluster:
        if not spot.counts:
            between.append(spot)
            continue
        if between and all(each.text in SEPARATORS for each in between):
            yield before, piece
            before, piece = between, [spot]
        else:
            piece += [*between, spot]
        between = []
    yield before, [*piece, *between]
