"""Numbers: valid ones, and how they are said."""

from __future__ import annotations

from random import Random

import phonenumbers
import pytest

from samples import numbers
from samples.numbers import Style, grouped, say_digits


def luhn_sum(number: str) -> int:
    """By the other way round: table of doubled digits."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    return sum(doubled[int(d)] if i % 2 else int(d) for i, d in enumerate(reversed(number)))


@pytest.mark.parametrize(
    ("body", "digit"), [("7992739871", "3"), ("411111111111111", "1"), ("37828224631000", "5")]
)
def test_luhn_digit_of_known_numbers(body: str, digit: str) -> None:
    assert numbers.luhn_digit(body) == digit


def test_cards_pass_the_luhn_test() -> None:
    rng = Random(5)
    cards = [numbers.card_number(rng) for _ in range(300)]
    assert all(luhn_sum(card) % 10 == 0 for card in cards)
    assert {len(card) for card in cards} == {15, 16}
    assert len(set(cards)) == len(cards)


def test_phone_numbers_are_possible() -> None:
    rng = Random(6)
    for _ in range(300):
        assert phonenumbers.is_possible_number(phonenumbers.parse(numbers.phone_number(rng), "US"))


def test_social_security_numbers_could_be_issued() -> None:
    rng = Random(7)
    for number in (numbers.ssn(rng) for _ in range(500)):
        area, group, serial = number[:3], number[3:5], number[5:]
        assert area not in {"000", "666"}
        assert area < "900"
        assert group != "00"
        assert serial != "0000"


@pytest.mark.parametrize(
    ("digits", "style", "said"),
    [
        ("4111", Style.PLAIN, "four one one one"),
        ("4001", Style.PLAIN, "four zero zero one"),
        ("4001", Style.OH, "four oh oh one"),
        ("4001", Style.DOUBLE, "four double oh one"),
        ("5555", Style.DOUBLE, "double five double five"),
        ("4111", Style.PAIRS, "forty one eleven"),
        ("4107", Style.PAIRS, "four one oh seven"),
        ("411", Style.PAIRS, "four one one"),
    ],
)
def test_styles(digits: str, style: Style, said: str) -> None:
    assert " ".join(say_digits(digits, style)) == said


def test_groups_keep_every_digit() -> None:
    assert grouped("1234567890", (3, 3)) == ["123", "456", "7890"]
    assert grouped("1234", (4, 4)) == ["1234"]


def test_whole_numbers_have_no_and() -> None:
    assert " ".join(numbers.words_of(412)) == "four hundred twelve"
    assert " ".join(numbers.words_of(21)) == "twenty one"
