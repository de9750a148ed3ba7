"""Dates of birth. Other dates of a call are not personal: they count only where a birth is being talked
about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from redaction.dictation import MONTHS
from redaction.topics import Topic

ORDINAL = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth"
    "|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth|\\d{1,2}(?:st|nd|rd|th)"
)
DAY = rf"(?:(?:20|30) )?(?:{ORDINAL})|(?:20|30)(?:{ORDINAL})"
ALIKE = r"(?: (?:for|fore|to|too|won|ate|sex|tree|mine|line)(?= \d))?"
"""What recognisers make of a day's last digit: "february twenty for nineteen seventy three"."""

YEAR = r"(?:\d{4}|[12],\d{3}|\d{2})"
DATE = re.compile(
    rf"\b(?:the )?(?:{DAY}|\d{{1,2}}) (?:day )?(?:of )?(?:{MONTHS})(?: (?:of )?{YEAR})?\b"
    rf"|\b(?:{MONTHS})(?: the)? (?:{DAY})(?: (?:of )?{YEAR})?\b"
    rf"|\b(?:{MONTHS}) \d{{1,8}}{ALIKE}(?: {YEAR})?\b"
    rf"|\b(?:{MONTHS})(?: of)? {YEAR}\b"
    r"|\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b"
)


@dataclass(frozen=True)
class Birth:
    """A date of birth: characters `start` up to `end`."""

    start: int
    end: int
    score: float


def find_births(text: str) -> list[Birth]:
    """Every date in the text that is said where a birth is talked about, one utterance a line."""
    topic = Topic(text)
    found = []
    for match in DATE.finditer(text):
        line = text.count("\n", 0, match.start())
        if topic.at(match.start(), line) == "DATE_OF_BIRTH":
            found.append(
                Birth(match.start(), match.end(), 0.86 if any(map(str.isdigit, match.group())) else 0.7)
            )
            topic.confirm(line)
    return found
