"""The words of a call as text that patterns can be looked for in, and the way back from the text to the
words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from redaction.emails import join_emails
from redaction.numbers import normalise
from switchboard_stage.models import Word

INTERRUPTED_S = 0.8
"""A pause of this length ends an utterance if somebody else spoke in it; shorter ones are talked over."""

PAUSE_S = 2.0
"""A pause of this length ends an utterance in any case."""

PUNCTUATION = '.,;:!?"()[]{}«»“”…'


@dataclass(frozen=True)
class Piece:
    """Characters `start` up to `end` of the text stand for these positions in the list of words."""

    start: int
    end: int
    words: tuple[int, ...]


class Document:
    """A call's words, one utterance a line, numbers as digits and spoken e-mail addresses as written ones.

    Attributes
    ----------
    text
        What is analysed. It is personal data and must not leave the process.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        self._pieces: list[Piece] = []
        lines = []
        offset = 0
        for utterance in utterances(words):
            line = self._line([words[index] for index in utterance], utterance, offset)
            lines.append(line)
            offset += len(line) + 1
        self.text = "\n".join(lines)
        self._starts = [piece.start for piece in self._pieces]

    def words_at(self, start: int, end: int) -> list[int]:
        """Positions of the words that characters `start` up to `end` of the text stand for."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        found: list[int] = []
        for piece in self._pieces[first:]:
            if piece.start >= end:
                break
            if piece.end > start:
                found.extend(piece.words)
        return sorted(set(found))

    def _line(self, words: Sequence[Word], positions: Sequence[int], offset: int) -> str:
        plain: list[str] = []
        origin: list[int] = []
        for word, position in zip(words, positions, strict=True):
            for part in split(word.text):
                plain.append(part)
                origin.append(position)
        texts = []
        for token in join_emails(normalise(plain)):
            spanned = tuple(dict.fromkeys(origin[token.start : token.end]))
            self._pieces.append(Piece(offset, offset + len(token.text), spanned))
            texts.append(token.text)
            offset += len(token.text) + 1
        return " ".join(texts)


def split(text: str) -> list[str]:
    """A word as the parts that are looked at one by one: lower case, no punctuation, "twenty-one" in two,
    "4,111" whole.
    """
    clean = text.lower().replace("’", "'").strip(PUNCTUATION)
    clean = re.sub(r"(?<=\d),(?=\d{3}\b)", "", clean)
    if "-" in clean and not any(char.isdigit() for char in clean):
        return [part for part in clean.split("-") if part]
    if clean.endswith("'s") and len(clean) > 3:
        return [clean[:-2], "'s"] if clean[:-2] not in CONTRACTED else [clean]
    return [clean] if clean else []


CONTRACTED = frozenset(
    ["it", "that", "what", "there", "here", "he", "she", "who", "let", "how", "where", "name"]
)
"""What "'s" is short for "is" behind; behind anything else it is taken off, so that a name is found in
"maria's".
"""


def utterances(words: Sequence[Word]) -> list[list[int]]:
    """Positions of the words of each utterance, in the order in which the utterances begin.

    A speaker's words belong together across the short remarks of others ("okay"), since numbers are dictated
    like that.
    """
    by_speaker: dict[tuple[int, str], list[list[int]]] = {}
    for position, word in enumerate(words):
        mine = by_speaker.setdefault((word.channel, word.speaker), [])
        if mine and not _broken(words, mine[-1][-1], position):
            mine[-1].append(position)
        else:
            mine.append([position])
    return sorted((group for mine in by_speaker.values() for group in mine), key=lambda group: group[0])


def _broken(words: Sequence[Word], before: int, after: int) -> bool:
    pause = words[after].start_s - words[before].end_s
    return pause >= PAUSE_S or (after - before > 1 and pause >= INTERRUPTED_S)
