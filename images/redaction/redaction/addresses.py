"""Postal addresses of the United States: house number and street, box numbers, city with state, zip codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from redaction.lists import word_list

UNIT = (
    r"(?: (?:apartment|apt|unit|suite|ste|number|floor|room|building)(?: number)?"
    r" (?:\d+ ?[a-z]?\b|[a-z]\b)(?: [a-z](?= |$))?)?"
)
DIRECTION = r"(?:north|south|east|west|northeast|northwest|southeast|southwest|n|s|e|w)"
NOT_IN_STREET = (
    "and|or|is|was|at|in|on|the|to|for|of|a|my|your|it|it's|that's|i|we|you|are|dollars?|percent|days?"
    "|hours?|weeks?"
    "|months?|years?|minutes?|times?|more|other|different|ways?|one"
)
BOX = re.compile(r"\bp(?:ost)? ?o(?:ffice)? box (?:number )?\d+")
ALIKE = r"(?:the|oh|o|of)"
"""What recognisers make of a house number's last digit: "two five eight the lincoln road"."""

FLAT = re.compile(r"\b(?:apartment|apt) (?:number )?\d+(?: ?[a-z]\b)?")
HOME = r"\b(?:live|lives|living|stay|i'm|we're|i am|we are) (?:(?:over|out|up|down) )?(?:on|at|off)"
CITY_ASKED = re.compile(r"\b(?:city|town|state|address|where)\b")
ZIP = re.compile(r"\b\d{5}(?:-?\d{4})?\b")
ZIP_CUE = re.compile(r"(?:zip(?: code)?|postal code|post code)(?: \w+){0,3} $")
CITY_CUE = re.compile(r".*\b(?:in|city is|moved to|and)\b")
NO_CITY = frozenset({"in", "and", "the", "city", "is", "of", "state"})
AROUND = 60
"""Characters in front of a state in which its city is looked for."""


@dataclass(frozen=True)
class Place:
    """A part of an address: characters `start` up to `end`."""

    start: int
    end: int
    score: float


def find_addresses(text: str) -> list[Place]:
    """Every part of an address in the text, one utterance a line."""
    found: list[Place] = []
    start = 0
    before = ""
    for line in text.split("\n"):
        places = _in_line(line, bool(CITY_ASKED.search(before)))
        found.extend(Place(start + each.start, start + each.end, each.score) for each in places)
        before = line
        start += len(line) + 1
    return found


@lru_cache
def street() -> re.Pattern[str]:
    """House number, up to three words, a street's ending, and what may follow of a unit."""
    endings = "|".join(sorted(word_list("streets"), key=len, reverse=True))
    word = rf"(?!(?:{NOT_IN_STREET})\b)[a-z0-9'-]+"
    return re.compile(
        rf"(?<![\d,])(?:\d{{1,3}},\d{{3}}"
        rf"|\d{{1,6}}[a-z]?)(?: {ALIKE}(?= {word} ))?"
        rf"(?: {DIRECTION})?(?: {word}){{1,3}}? (?:{endings})\b(?: {DIRECTION}\b)?{UNIT}"
    )


@lru_cache
def home_street() -> re.Pattern[str]:
    """A street without a number, where somebody says that they live there; the number may follow."""
    endings = "|".join(sorted(word_list("streets") - {"way", "place", "close", "path", "row"}))
    word = rf"(?!(?:{NOT_IN_STREET})\b)[a-z'-]+"
    return re.compile(rf"{HOME} (?P<street>(?:{word} ){{1,3}}?(?:{endings})\b(?: number \d+)?)")


@lru_cache
def city_state() -> re.Pattern[str]:
    """A city that the list has and a state, or either of them."""
    states = "|".join(sorted(word_list("states"), key=len, reverse=True))
    cities = "|".join(sorted(word_list("cities"), key=len, reverse=True))
    return re.compile(rf"\b(?:(?P<city>{cities}) (?P<state>{states})|(?P<alone>{states}))\b")


def _in_line(line: str, asked: bool) -> list[Place]:
    found = [Place(match.start(), match.end(), 0.85) for match in street().finditer(line)]
    found += [Place(match.start(), match.end(), 0.85) for match in BOX.finditer(line)]
    found += [Place(match.start(), match.end(), 0.7) for match in FLAT.finditer(line)]
    found += [Place(*match.span("street"), 0.7) for match in home_street().finditer(line)]
    places = [_place(line, match, found, asked) for match in city_state().finditer(line)]
    found += [place for place in places if place]
    for match in ZIP.finditer(line):
        behind_place = any(0 <= match.start() - place.end <= len(" zip code is ") for place in found)
        if behind_place or ZIP_CUE.search(line[: match.start()]):
            found.append(Place(match.start(), match.end(), 0.8))
    return found


def _place(line: str, match: re.Match[str], streets: list[Place], asked: bool) -> Place | None:
    """City and state; a city that no list has is what stands between a street or "in" and the state, or
    before the state where a city was asked for.
    """
    if match["city"]:
        return Place(match.start(), match.end(), 0.8)
    floor = max(0, match.start() - AROUND)
    street_end = max((place.end for place in streets if floor <= place.end <= match.start()), default=-1)
    cue = CITY_CUE.match(line[floor : match.start()])
    begin = max(street_end, floor + cue.end() if cue else -1, 0 if asked and not floor else -1)
    if begin < 0:
        return None
    between = line[begin : match.start()].split()
    while between and between[0] in NO_CITY:
        between.pop(0)
    known = word_list("common_words") if begin != street_end else frozenset()
    if not 1 <= len(between) <= 3 or any(word in known or not word.isalpha() for word in between):
        return None
    return Place(line.index(between[0], begin), match.end(), 0.7)
