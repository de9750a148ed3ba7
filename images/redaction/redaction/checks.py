"""Checks that a number can be what it looks like."""

from __future__ import annotations

import re

CARD = re.compile(
    r"^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6\d{15}|35\d{14})$"
)
"""Beginnings and lengths of the large schemes' cards (ISO/IEC 7812 issuer ranges)."""


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    if not digits.isdecimal():
        return False
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Whether digits can be a payment card's number: a known beginning, its length, the check digit."""
    return bool(CARD.match(digits)) and luhn(digits)


def is_ssn(digits: str) -> bool:
    """Whether nine digits can be a US social security number.

    The Social Security Administration issues no area 000, 666 or 900 to 999, no group 00 and no serial 0000.
    """
    if len(digits) != 9 or not digits.isdecimal():
        return False
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
