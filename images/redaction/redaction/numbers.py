"""Spoken numbers to digits: "four one one one", "double five", "oh", "nineteen eighty four", "four hundred
and twelve".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DIGITS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9", "nought": "0",
}  # fmt: skip
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5",
    "sixty": "6", "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
ZERO_LIKE = frozenset({"oh", "o", "ou"})
HOMOPHONES = {"to": "2", "too": "2", "for": "4", "fore": "4", "won": "1", "ate": "8", "tree": "3"}
"""What recognisers write for a digit; counted as one only in the middle of digits."""

UNEVEN = "~"
"""Marks, within a run, hundreds with a remainder: in a number read out in groups they are round ("one eight
hundred").
"""

ANSWERS = frozenset({"okay", "ok", "yes", "right", "correct", "got", "thank", "thanks", "perfect", "great"})

FILLERS = frozenset({"um", "uh", "uhm", "er", "erm", "hmm", "ah"})


@dataclass(frozen=True)
class Token:
    """A piece of normalised text and the words it stands for: positions `start` up to `end`, excluded."""

    text: str
    start: int
    end: int


def is_number(word: str) -> bool:
    """Whether a word by itself is a number, said or written."""
    return word in DIGITS or word in TEENS or word in TENS or word.isdecimal()


def normalise(words: Sequence[str]) -> list[Token]:
    """The words of one utterance (lower case, without punctuation), with runs of number words as digits."""
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        digits, after = _run(words, at)
        tokens.append(Token(digits or words[at], at, after))
        at = after
    return tokens


def _run(words: Sequence[str], start: int) -> tuple[str, int]:
    """The longest run of number words from `start`: its digits ("" for none) and where it ends."""
    at = start
    pieces: list[str] = []
    while at < len(words):
        piece, after = _piece(words, at)
        if not piece and pieces:
            piece, after = _within(words, at)
        if not after:
            break
        pieces.append(piece)
        at = after
    return (_written(pieces), at) if pieces else ("", start + 1)


def _written(pieces: Sequence[str]) -> str:
    """The pieces of a run in a row. Amounts stay so: "four hundred thirty three twenty five" is 433.25."""
    if len(pieces) == 1:
        return pieces[0].removeprefix(UNEVEN)
    if len(pieces) == 2 and len(pieces[1]) == 2 and pieces[0].startswith(UNEVEN):
        return f"{pieces[0].removeprefix(UNEVEN)}.{pieces[1]}"
    return "".join(piece.removeprefix(UNEVEN).replace(",", "") for piece in pieces)


def _within(words: Sequence[str], at: int) -> tuple[str, int]:
    """What counts only after and before digits: hesitations, and words that sound like a digit."""
    if at + 1 >= len(words):
        return "", 0
    if words[at] in FILLERS:
        ahead = at + 1
        while ahead < len(words) and words[ahead] in FILLERS:
            ahead += 1
        return ("", ahead) if ahead < len(words) and _piece(words, ahead)[0] else ("", 0)
    around = [*words[max(at - 2, 0) : at], words[at + 1]]
    if words[at] in HOMOPHONES and len(around) == 3 and all(word in DIGITS for word in around):
        return HOMOPHONES[words[at]], at + 1
    return "", 0


def _piece(words: Sequence[str], at: int) -> tuple[str, int]:
    """The number that begins at a word: its digits and where it ends; ("", 0) where none does."""
    word = words[at]
    if word.isdecimal():
        return word, at + 1
    if word in REPEATS and at + 1 < len(words):
        digit = DIGITS.get(words[at + 1]) or ("0" if words[at + 1] in ZERO_LIKE else "")
        return (digit * REPEATS[word], at + 2) if digit else ("", 0)
    if word in ZERO_LIKE:
        return ("0", at + 1) if _amid_digits(words, at) else ("", 0)
    return _cardinal(words, at)


def _amid_digits(words: Sequence[str], at: int) -> bool:
    """Whether an "oh" is a zero: behind a number, before two of them, or before one that nothing else
    follows.

    "oh two one" and "oh nine, okay" are numbers, "oh one moment" is not.
    """
    if at and (is_number(words[at - 1]) or words[at - 1] in ZERO_LIKE):
        return True
    ahead = words[at + 1 : at + 3]
    if ahead and is_number(ahead[0]) and (len(ahead) == 1 or ahead[1] in ANSWERS):
        return True
    return len(ahead) == 2 and all(is_number(each) or each in ZERO_LIKE or each in REPEATS for each in ahead)


def _cardinal(words: Sequence[str], at: int) -> tuple[str, int]:
    """A number below a million: "twelve", "forty two", "four hundred and twelve", "three thousand"."""
    text, after = _below_hundred(words, at)
    if not text:
        return "", 0
    value = int(text)
    if after < len(words) and words[after] == "hundred":
        value, after = _plus(words, after + 1, value * 100)
        text = f"{UNEVEN if value % 100 else ''}{value}"
    if after < len(words) and words[after] == "thousand":
        value, after = _plus(words, after + 1, value * 1000)
        if after < len(words) and words[after] == "hundred":
            value, after = _plus(words, after + 1, value + value % 1000 * 99)
        text = f"{value:,}"
    return text, after


def _plus(words: Sequence[str], at: int, value: int) -> tuple[int, int]:
    """`value` and the number below a hundred that may follow it, with or without "and"."""
    if at + 1 < len(words) and words[at] in DIGITS and words[at + 1] in DIGITS | REPEATS:
        return value, at  # "eight hundred five five five": digits that follow one by one
    begin = at + 1 if at + 1 < len(words) and words[at] == "and" else at
    text, after = _below_hundred(words, begin) if begin < len(words) else ("", 0)
    return (value + int(text), after) if text else (value, at)


def _below_hundred(words: Sequence[str], at: int) -> tuple[str, int]:
    word = words[at]
    if word in DIGITS:
        return DIGITS[word], at + 1
    if word in TEENS:
        return TEENS[word], at + 1
    if word not in TENS:
        return "", 0
    unit = DIGITS.get(words[at + 1], "0") if at + 1 < len(words) else "0"
    return (TENS[word] + unit, at + 2) if unit != "0" else (TENS[word] + "0", at + 1)
