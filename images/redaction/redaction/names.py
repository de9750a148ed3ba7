"""Names of people: from word lists, and from the words that names stand behind and before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redaction.name_cues import (
    AFTER,
    ANSWER_LINES,
    AROUND,
    ASKED,
    BEHIND,
    INTRODUCED,
    LONGEST,
    NOT_SPELLED,
    RELATIVES,
    SPEAKING,
    SPELLING,
    STRONG,
    SUBJECTS,
    SURE,
    TITLES,
    WEAK,
    WORD,
    Lists,
)


@dataclass(frozen=True)
class Name:
    """A name in the text: characters `start` up to `end`, and how sure that is."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int


def find_names(text: str) -> list[Name]:
    """Every name of a person in the text, one utterance a line."""
    lists = Lists()
    names: list[Name] = []
    asked = -ANSWER_LINES - 1
    start = 0
    for number, line in enumerate(text.split("\n")):
        words = [_Word(match.group(), match.start(), match.end()) for match in WORD.finditer(line)]
        found = list(_in_line(words, line, lists))
        if number - asked <= ANSWER_LINES and not found:
            found = _answer(words, lists)
        names.extend(Name(start + first, start + end, score) for first, end, score in found)
        names.extend(
            Name(start + match.start(), start + match.end(), 0.6)
            for match in SPELLING.finditer(line)
            if not match.group().startswith(NOT_SPELLED)
        )
        asked = number if ASKED.search(line) else asked
        start += len(line) + 1
    return [*names, *_again(text, names, lists)]


def _again(text: str, names: Sequence[Name], lists: Lists) -> list[Name]:
    """Further places of names that were found where a name was due: who was named once is named again."""
    said = [text[name.start : name.end] for name in names if name.score >= SURE]
    words = {word for name in said for word in name.split() if lists.is_name(word) or lists.possible(word)}
    again = {
        word for word in words if word not in lists.common and len(word) > 2 and word not in lists.places
    }
    again |= {name for name in said if " " in name}
    if not again:
        return []
    pattern = "|".join(re.escape(each) for each in sorted(again, key=len, reverse=True))
    return [Name(match.start(), match.end(), 0.55) for match in re.finditer(rf"\b(?:{pattern})\b(?!')", text)]


def _in_line(words: Sequence[_Word], line: str, lists: Lists) -> Iterator[tuple[int, int, float]]:
    at = 0
    while at < len(words):
        length, score = _name_at(words, at, line, lists)
        if length:
            yield words[at].start, words[at + length - 1].end, score
        at += max(length, 1)


def _name_at(words: Sequence[_Word], at: int, line: str, lists: Lists) -> tuple[int, float]:
    """How many words from `at` are a name, and how sure that is; (0, 0) for none."""
    before = line[max(0, words[at].start - AROUND) : words[at].start].rstrip()
    word = words[at].text
    if at and words[at - 1].text in TITLES:
        return _take(words, at, lists, due=True), 0.9
    if STRONG.search(before):
        length = _take(words, at, lists, due=True)
        return length, 0.85 if length else 0.0
    if lists.sure(word):
        length = _take(words, at, lists, due=False)
        return (0, 0.0) if _is_place(words, at + length, lists) else (length, 0.8)
    if SPEAKING.match(line, words[at].end) and (lists.unknown(word) or lists.is_first(word)):
        return 1, 0.75
    if lists.is_name(word):
        return _ambiguous(words, at, before, lists)
    return _unheard(words, at, before, lists) if lists.unknown(word) else (0, 0.0)


def _unheard(words: Sequence[_Word], at: int, before: str, lists: Lists) -> tuple[int, float]:
    """A word that no list has, where people introduce or address each other: "this is ...", "thanks ..."."""
    if not INTRODUCED.search(before):
        return 0, 0.0
    for length in (1, 2):
        if _ends(words, at + length):
            return length, 0.75
        following = words[at + length].text
        if not (lists.unknown(following) or lists.is_name(following)):
            break
    return 0, 0.0


def _ends(words: Sequence[_Word], behind: int) -> bool:
    """Whether what comes behind a name can: nothing, or a word like "speaking"."""
    return behind >= len(words) or words[behind].text in AFTER


def _ambiguous(words: Sequence[_Word], at: int, before: str, lists: Lists) -> tuple[int, float]:
    """A name that is a common word too: with a second name beside it, or said as names are said."""
    word, following = words[at].text, words[at + 1].text if at + 1 < len(words) else ""
    pair = (
        lists.is_first(word)
        and following in lists.last
        and (following not in lists.ambiguous or word not in lists.common)
    )
    if pair and not _is_place(words, at + 2, lists):
        return 2, 0.75
    if word in lists.common:
        return 0, 0.0
    alone = _ends(words, at + 1)
    behind = bool(BEHIND.match(" ".join(each.text for each in words[at + 1 : at + 5])))
    cued = not before or bool(WEAK.search(before))
    if RELATIVES.search(before) and lists.is_first(word):
        return 1, 0.75
    said = behind or (cued and alone and not _is_place(words, at + 1, lists))
    return (1, 0.6) if said else (0, 0.0)


def _take(words: Sequence[_Word], at: int, lists: Lists, *, due: bool) -> int:
    """Words of the name that begins at `at`. `due`: a name must come here, so unknown words count."""
    length = 0
    for place in range(at, min(at + LONGEST, len(words))):
        if not _goes_on(words, at, place, lists, due=due):
            break
        length += 1
    return length


def _goes_on(words: Sequence[_Word], at: int, place: int, lists: Lists, *, due: bool) -> bool:
    """Whether the word at `place` belongs to the name that begins at `at`."""
    word, first = words[place].text, place == at
    following = words[place + 1].text if place + 1 < len(words) else ""
    after_first_name = not first and words[place - 1].text in lists.first
    if after_first_name and _ends(words, place + 1) and (word in lists.last or lists.unknown(word)):
        return True
    if word in lists.common:
        return due and following not in SUBJECTS and lists.is_name(word) and (first or after_first_name)
    if due:
        return lists.is_name(word) or lists.possible(word)
    return lists.sure(word) or (after_first_name and lists.is_name(word))


def _is_place(words: Sequence[_Word], behind: int, lists: Lists) -> bool:
    return behind < len(words) and words[behind].text in lists.places


def _answer(words: Sequence[_Word], lists: Lists) -> list[tuple[int, int, float]]:
    """A bare answer to a question for the name: two or three words that are nothing else."""
    rest = [each for each in words if each.text not in lists.common]
    if not 1 <= len(rest) <= LONGEST or not all(lists.possible(each.text) for each in rest):
        return []
    together = rest[-1].end - rest[0].start == sum(len(each.text) + 1 for each in rest) - 1
    if len(words) - len(rest) > 3 or not together or (len(rest) == 1 and len(words) > 2):
        return []
    return [(rest[0].start, rest[-1].end, 0.5)]
