"""Numbers that only the talk around them gives away: dictated in groups, repeated back, misrecognised, or of
no fixed form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from redaction.checks import is_card, is_ssn
from redaction.lists import word_list
from redaction.topics import Topic, cues

RUN = re.compile(r"(?<![\w@.,])\d[\d-]*(?![\w@])(?![.,]\d)")
LONG = 7
"""Digits that nobody says one after the other unless they are an identifier."""

NEAR = 3
"""Digits that are taken for part of what is being talked about."""

AROUND = 60
"""Characters around a number that are looked at."""

RECENT = 4
"""Utterances behind a number in which a single digit, said alone, is still part of it."""

CONNECTIVES = word_list("connectives")
"""What people say around the groups of a number that they dictate or repeat."""

UNITS = re.compile(
    r"\s+(?:and a half )?(?:due|for now|today|dollars?|cents?|bucks?|percent|per cent|point"
    r"|business|working|days?|hours?"
    r"|weeks?|months?|years?"
    r"|minutes?|seconds?|times?|o'?clock|a m|p m|am|pm|in the (?:morning|afternoon|evening)|megabits?"
    r"|gigabytes?|gigs?"
    r"|megs?|thousand|hundred|million|miles?|pounds?|people|persons?|lights?|green|red|orange|blue"
    r"|pictures?|devices?"
    r"|more|of (?:them|those|these|us)|kids?|children|pairs?|pieces?|items?|boxes|degrees?|feet|inches"
    r"|percentage)\b"
)
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
DATED = re.compile(rf"(?:{MONTHS})(?: the)?(?: \d+)?(?: of)? $")
CLOCK_BEFORE = re.compile(
    r"(?:at|between|around|about|until|till|after|before|from|by|and|or|past|to|is|for|day) $"
)
CLOCK = re.compile(r"^(?:[1-9]|1[0-2])(?:00|15|30|45)$")
CLOCK_BEHIND = re.compile(
    r"^ (?:works|is (?:good|fine|okay|better)|would|sounds|that day|tomorrow|today|on (?:\w+day))\b"
)
MONEY_BEFORE = re.compile(
    r"(?:balance|amount|total|charged?|charges|pay|paid|payment|owed?|costs?|price|fees?|refund(?:ed)?"
    r"|credit(?:ed)?"
    r"|bill(?:ed)?|due|around|about|only|just|purchased?|withdrawal|withdrew|offer(?:ed)?|borrow|deductible|rate|discount|worth"
    r"|save|error|speed|says error)"
    r"(?: (?!card|number|account)[a-z']+){0,4} $"
)
PRONOUN = re.compile(
    r"(?:the|that|this|which|another|no|any|every|each|new|other|some|first|last|next|right|old|big|for) $"
)
PRONOUN_AFTER = re.compile(
    r"^ (?:moment|second|minute|more|thing|sec|of|is|was|that|and|for|day|time|with|who)\b"
)


@dataclass(frozen=True)
class Found:
    """A number to take out: characters `start` up to `end`."""

    start: int
    end: int
    entity: str
    score: float


@dataclass(frozen=True)
class Group:
    """Digits in the text. `bare`: said with nothing around but words like "then"."""

    start: int
    end: int
    line: int
    digits: str
    bare: bool
    exempt: bool


def find_numbers(text: str) -> list[Found]:
    """Every number that its length, its neighbours or the matter of the talk make personal data."""
    groups = find_groups(text)
    chained = _chains(groups)
    topic = Topic(text)
    found: list[Found] = []
    last = -RECENT - 1
    for group in groups:
        kind = topic.at(group.start, group.line) or _announced_behind(text, group)
        recent = group.line - last <= RECENT
        entity, score = _judge(group, kind, chained.get(group.start, ""), recent)
        if entity:
            found.append(Found(group.start, group.end, entity, score))
            last = group.line
            if kind:
                topic.confirm(group.line)
    return found


def find_groups(text: str) -> list[Group]:
    """Every run of digits, with what its utterance makes of it."""
    groups = []
    start = 0
    for line, utterance in enumerate(text.split("\n")):
        for match in RUN.finditer(utterance):
            digits = match.group().replace("-", "")
            before = utterance[max(0, match.start() - AROUND) : match.start()]
            behind = utterance[match.end() : match.end() + AROUND]
            exempt = _exempt(before, digits, behind)
            bare = match.start() < 2 * AROUND and _bare(
                utterance[: match.start()].split(), behind.split(" ", 2)[1:2]
            )
            groups.append(Group(start + match.start(), start + match.end(), line, digits, bare, exempt))
        start += len(utterance) + 1
    return groups


def entity_of(digits: str, kind: str) -> str:
    """What a number is: what was asked for, unless its form says clearly that it is something else."""
    if is_card(digits):
        return "CARD_NUMBER"
    if kind and kind not in {"ADDRESS", "DATE_OF_BIRTH"}:
        return kind
    if kind == "ADDRESS" and len(digits) <= 5:
        return kind
    if kind == "DATE_OF_BIRTH" and len(digits) <= 8:
        return kind
    if len(digits) == 9 and is_ssn(digits) and kind == "US_SSN":
        return "US_SSN"
    national = digits.removeprefix("1") if len(digits) == 11 else digits
    return "PHONE_NUMBER" if len(national) == 10 else "NUMBER"


def _judge(group: Group, kind: str, chained: str, recent: bool) -> tuple[str, float]:
    length = len(group.digits)
    if group.exempt and length < LONG:
        return "", 0.0
    if kind and (length >= NEAR or (group.bare and (length == 2 or chained or recent))):
        return entity_of(group.digits, kind), 0.85 if length >= 4 else 0.7
    if chained:
        return chained, 0.6
    return (entity_of(group.digits, ""), 0.65) if length >= LONG else ("", 0.0)


def _exempt(before: str, digits: str, after: str) -> bool:
    """Whether the neighbours make it an amount, a date, a time, a count, or the pronoun "one"."""
    if digits == "1" and (PRONOUN.search(before) or PRONOUN_AFTER.search(after)):
        return True
    if UNITS.match(after) or DATED.search(before):
        return True
    if len(digits) <= 5 and MONEY_BEFORE.search(before):
        return True
    return bool(CLOCK.match(digits) and (CLOCK_BEFORE.search(before) or CLOCK_BEHIND.match(after)))


def _bare(before: Sequence[str], behind: Sequence[str]) -> bool:
    """Whether the utterance begins with these digits but for words like "then", and such a word or nothing
    follows.
    """
    return all(word in CONNECTIVES or RUN.fullmatch(word) for word in [*before, *behind])


def _announced_behind(text: str, group: Group) -> str:
    """ "4111 ... is my card number": the cue comes behind the number, in the same utterance."""
    if len(group.digits) < 4:
        return ""
    rest = text[group.end : group.end + AROUND].split("\n", 1)[0]
    near = " ".join(rest.split(" ")[:7])
    announced = cues(near)
    return announced[0].kind if announced else ""


def _chains(groups: Sequence[Group]) -> dict[int, str]:
    """Groups that make up one number together: bare utterances in a row, hardly interrupted. Start of group
    to entity.
    """
    chained: dict[int, str] = {}
    chain: list[Group] = []
    for group in [*groups, None]:
        if group and group.bare and (not chain or group.line - chain[-1].line <= 3):
            chain.append(group)
            continue
        chained |= _chain_entity(chain)
        chain = [group] if group and group.bare else []
    return chained


def _chain_entity(chain: Sequence[Group]) -> dict[int, str]:
    digits = ""
    previous = ""
    for group in chain:
        digits += "" if group.digits == previous else group.digits
        previous = group.digits
    if len(chain) < 2 or len(digits) < LONG:
        return {}
    entity = entity_of(digits, "")
    return {group.start: entity for group in chain if not group.exempt}
