"""Which number is being talked about: what an agent asks for says what the digits are that follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

CUES: dict[str, str] = {
    "US_SSN": r"social security|\bsocials?\b(?! media)|\bs s n\b|\bssn\b",
    "SECURITY_CODE": r"security code|verification code|\bc v [vc]\b|\bcv[vc]\b|\bp i n\b"
    r"|\bpin\b(?: number| code)?"
    r"|pass ?code|3 digits on the back|access code",
    "CARD_NUMBER": r"\bcards?(?: account)? number|number (?:\w+ ){0,4}(?:your|the|my|that|this) card\b"
    r"|1[56] digits?|long number|\bvisa\b|master ?card|american express|\bamex\b"
    r"|card (?:ending|ends|starts|starting|is|it's)\b|(?:debit|credit) card(?= ?\d)",
    "ACCOUNT_NUMBER": r"(?:account|customer|member(?:ship)?|policy|subscriber|client|contract|loan"
    r"|routing|patient|case"
    r"|reference|claim|license|licence|passport|medical record|taxpayer|tax|employee) (?:number|i d|id)\b"
    r"|account (?:is|it's|ending|ends)\b|\biban\b|\baccount (?=\d)",
    "PHONE_NUMBER": r"(?:phone|telephone|cell|cellphone|mobile|home|work|office|call ?back|contact|fax"
    r"|best) number"
    r"|number (?:can|should|could|may|do|would) \w+ (?:\w+ )?(?:reach|call)|number to (?:reach|call)"
    r"|area code|(?:reach|call|text|phone) (?:me|you|us|him|her|them) (?:back )?(?:at|on)\b"
    r"|my (?:cell|cell phone|mobile|landline|phone)(?: is|'s| number)|number (?:\w+ ){0,3}on file",
    "DATE_OF_BIRTH": r"date of birth|birth ?date|birth ?day|\bborn\b|\bd o b\b|\bdob\b",
    "ADDRESS": r"\bzip\b|postal code|post ?code"
    r"|(?<!e mail )(?<!email )(?<!e-mail )(?<!mail )\baddress\b(?! is correct)"
    r"|where do you live|\bi live (?:at|in|on)\b|\bwe live (?:at|in|on)\b|house number|moved to\b",
    "": r"(?:order|tracking|ticket|confirmation|invoice|model|serial|error|room|flight"
    "|extension) (?:number|code)"
    r"|anything else|how much|e-?mail|\bbalance\b|appointment|deductible|your speed|technician",
}
"""Patterns by kind; the kind "" stands for numbers that are nobody's, and for the end of the matter."""

LASTING_LINES = 12
"""Utterances that a cue reaches over; each number found begins the count anew."""


@dataclass(frozen=True)
class Cue:
    """A place where the talk turns to a kind of number."""

    start: int
    kind: str


_PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in CUES.items()]


def cues(text: str) -> list[Cue]:
    """Every turn of the talk, in order. Of two at one place the first kind of `CUES` holds."""
    found: dict[int, Cue] = {}
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            found.setdefault(match.start(), Cue(match.start(), kind))
    return [found[start] for start in sorted(found)]


class Topic:
    """Follows the cues while a text is read from its start to its end."""

    def __init__(self, text: str) -> None:
        self._coming: Iterator[Cue] = iter(cues(text))
        self._next = next(self._coming, None)
        self._kind, self._line = "", 0

    def at(self, position: int, line: int) -> str:
        """The kind of number that is talked about at a place; "" for none. Places must be asked for in
        order.
        """
        while self._next is not None and self._next.start <= position:
            self._kind, self._line = self._next.kind, line
            self._next = next(self._coming, None)
        return self._kind if line - self._line <= LASTING_LINES else ""

    def confirm(self, line: int) -> None:
        """A number of this kind was found here, so the matter goes on."""
        self._line = line
