"""Numbers as people say them: digit by digit, "oh" for zero, "double four", in pairs, in groups; and the
numbers themselves.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random

from num2words import num2words

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CARD_PREFIXES = ("4", "4", "4", "51", "52", "53", "55", "6011", "34", "37")
"""Visa, Mastercard, Discover and American Express; Visa oftener, as in real traffic."""


class Style(StrEnum):
    """How somebody reads digits aloud."""

    PLAIN = "plain"
    OH = "oh"
    DOUBLE = "double"
    PAIRS = "pairs"


STYLES = (Style.PLAIN, Style.PLAIN, Style.OH, Style.OH, Style.DOUBLE, Style.PAIRS)


def words_of(number: int) -> list[str]:
    """A whole number in words without hyphens or "and": 412 -> four hundred twelve."""
    spoken = num2words(number).replace("-", " ").replace(",", " ")
    return [word for word in spoken.split() if word != "and"]


def say_digits(digits: str, style: Style) -> list[str]:
    """One group of digits as words. Pairs fall back to single digits where one has a zero:
    "eighty, five" would be heard as 85.
    """
    zero = "zero" if style is Style.PLAIN else "oh"
    if style is Style.PAIRS and len(digits) % 2 == 0:
        pairs = [digits[i : i + 2] for i in range(0, len(digits), 2)]
        if all("0" not in pair for pair in pairs):
            return [word for pair in pairs for word in words_of(int(pair))]
    words: list[str] = []
    i = 0
    while i < len(digits):
        word = zero if digits[i] == "0" else DIGITS[int(digits[i])]
        doubled = style is Style.DOUBLE and digits[i : i + 2] == digits[i] * 2
        words += ["double", word] if doubled else [word]
        i += 2 if doubled else 1
    return words


def grouped(digits: str, sizes: tuple[int, ...]) -> list[str]:
    """Cut a number into groups; what the sizes leave over is a last group."""
    groups, at = [], 0
    for size in sizes:
        groups.append(digits[at : at + size])
        at += size
    return [group for group in [*groups, digits[at:]] if group]


def luhn_digit(body: str) -> str:
    """The check digit that makes `body` plus it pass the Luhn test (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(body)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def random_digits(rng: Random, count: int) -> str:
    """`count` digits, any of which may be zero."""
    return "".join(str(rng.randrange(10)) for _ in range(count))


def card_number(rng: Random) -> str:
    """A payment card number of a real scheme's length that passes the Luhn test."""
    prefix = rng.choice(CARD_PREFIXES)
    length = 15 if prefix in ("34", "37") else 16
    body = prefix + random_digits(rng, length - len(prefix) - 1)
    return body + luhn_digit(body)


def phone_number(rng: Random) -> str:
    """Ten digits of the North American plan: area and exchange begin with 2-9 and are no N11 service code."""
    area, exchange = (str(rng.randint(2, 9)) + random_digits(rng, 2) for _ in range(2))
    if area.endswith("11") or exchange.endswith("11") or area[1] == "9":
        return phone_number(rng)
    return area + exchange + random_digits(rng, 4)


def ssn(rng: Random) -> str:
    """Nine digits in the form that the Social Security Administration could issue: no 000, 666, 9xx; no zero
    group or serial.
    """
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}{rng.randint(1, 99):02d}{rng.randint(1, 9999):04d}"
