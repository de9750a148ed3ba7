"""The people of a call: their names, numbers and addresses, and the ways in which they say them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from num2words import num2words

from samples import numbers
from samples.models import Entity
from samples.numbers import Style, grouped, say_digits

DOMAINS = (
    ("gmail.com", "g mail dot com"),
    ("yahoo.com", "yahoo dot com"),
    ("hotmail.com", "hot mail dot com"),
    ("outlook.com", "outlook dot com"),
    ("example.com", "example dot com"),
    ("example.org", "example dot org"),
    ("fastmail.net", "fast mail dot net"),
    ("bluesky.net", "blue sky dot net"),
    ("mailbox.org", "mailbox dot org"),
    ("schoolmail.edu", "school mail dot e d u"),
)
PHONE_GROUPS = ((3, 3, 4), (3, 3, 4), (3, 3, 2, 2))
CARD_GROUPS = {16: (4, 4, 4, 4), 15: (4, 6, 5)}
ACCOUNT_GROUPS = ((3, 3), (4,), (2, 2, 2, 2), (3, 3, 3))


UNLISTED = 0.08
"""Share of surnames, first names (half as often) and streets that are on no list: invented from syllables."""


@dataclass(frozen=True)
class Said:
    """A piece of speech: text with commas where the speaker pauses. `entity` is None where it is nobody's
    data.
    """

    text: str
    entity: Entity | None = None
    value: str = ""


@dataclass(frozen=True)
class Number:
    """A number with the groups in which its owner says it."""

    entity: Entity
    value: str
    groups: tuple[str, ...]

    def say(self, style: Style, rng: Random) -> Said:
        """The whole number at once; some people hesitate between two groups."""
        said = [" ".join(say_digits(group, style)) for group in self.groups]
        joint = ", um, " if rng.random() < 0.04 else ", "
        return Said(
            ", ".join(said[:-1]) + joint + said[-1] if len(said) > 1 else said[0], self.entity, self.value
        )


@dataclass(frozen=True)
class Persona:
    """A customer and everything about them that a call may reveal."""

    first: str
    last: str
    phone: Number
    card: Number
    account: Number
    ssn: Number
    email: Said
    street: Said
    city: Said
    zip_code: Number
    birth: Said
    style: Style


@lru_cache
def word_list(name: str) -> tuple[str, ...]:
    """The entries of `samples/words/<name>.txt`; a tilde stands for a space inside an entry."""
    text = (Path(__file__).parent / "words" / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(entry.replace("~", " ") for entry in text.split())


def make_persona(rng: Random) -> Persona:
    """Somebody new. Everything comes from `rng`, so the same state gives the same person."""
    first, last = first_name(rng), last_name(rng)
    card, account = numbers.card_number(rng), numbers.random_digits(rng, rng.choice((8, 9, 10)))
    phone, ssn = numbers.phone_number(rng), numbers.ssn(rng)
    return Persona(
        first=first,
        last=last,
        phone=Number(Entity.PHONE_NUMBER, phone, tuple(grouped(phone, rng.choice(PHONE_GROUPS)))),
        card=Number(Entity.CARD_NUMBER, card, tuple(grouped(card, CARD_GROUPS[len(card)]))),
        account=Number(Entity.ACCOUNT_NUMBER, account, tuple(grouped(account, rng.choice(ACCOUNT_GROUPS)))),
        ssn=Number(Entity.US_SSN, ssn, tuple(grouped(ssn, (3, 2, 4)))),
        email=_email(first, last, rng),
        street=_street(rng),
        city=_city(rng),
        zip_code=_zip(rng),
        birth=_birth(rng),
        style=rng.choice(numbers.STYLES),
    )


def first_name(rng: Random) -> str:
    """A first name; now and then one that no list has."""
    if rng.random() < UNLISTED / 2:
        return _invented(rng) + rng.choice(("a", "o", "ina", "el", "an", "ie"))
    return rng.choice(word_list("first_names"))


def last_name(rng: Random) -> str:
    """A surname; now and then one that no list has."""
    if rng.random() < UNLISTED:
        return _invented(rng) + rng.choice(
            ("ski", "sen", "ton", "ley", "berg", "man", "wick", "ani", "ov", "ez")
        )
    return rng.choice(word_list("last_names"))


def _street_name(rng: Random) -> str:
    if rng.random() < UNLISTED:
        return _invented(rng) + rng.choice(("field", "ton", "ham", "dale", "wood", "ley"))
    return rng.choice(word_list("streets"))


def _invented(rng: Random) -> str:
    syllables = rng.sample(word_list("syllables"), rng.choice((1, 2, 2)))
    return "".join(syllables)


def _email(first: str, last: str, rng: Random) -> Said:
    local, spoken = rng.choice(
        [
            (f"{first}.{last}", f"{first} dot {last}"),
            (f"{first}.{last}", f"{first} dot {last}"),
            (f"{first}_{last}", f"{first} underscore {last}"),
            (f"{first}{last}", f"{first} {last}"),
            (f"{first[0]}{last}", f"{first[0]} {last}"),
            (f"{last}.{first}", f"{last} dot {first}"),
            (f"{first}-{last}", f"{first} dash {last}"),
        ]
    )
    if rng.random() < 0.35:
        tail = str(rng.randint(10, 99))
        local, spoken = local + tail, f"{spoken} {' '.join(say_digits(tail, rng.choice(numbers.STYLES)))}"
    domain, domain_spoken = rng.choice(DOMAINS)
    return Said(f"{spoken} at {domain_spoken}", Entity.EMAIL, f"{local}@{domain}")


def _street(rng: Random) -> Said:
    number = rng.randint(1, 9999) if rng.random() < 0.7 else rng.randint(1, 250)
    street = f"{_street_name(rng)} {rng.choice(word_list('street_types'))}"
    spoken, value = f"{_house_number(number, rng)} {street}", f"{number} {street}"
    if rng.random() < 0.25:
        unit, flat = rng.choice(("apartment", "unit", "suite")), rng.randint(1, 40)
        spoken, value = f"{spoken}, {unit} {' '.join(numbers.words_of(flat))}", f"{value}, {unit} {flat}"
    return Said(spoken, Entity.ADDRESS, value)


def _house_number(number: int, rng: Random) -> str:
    whole = " ".join(numbers.words_of(number))
    digits = str(number)
    one_by_one = " ".join(say_digits(digits, rng.choice((Style.PLAIN, Style.OH))))
    paired = " ".join(say_digits(digits, Style.PAIRS)) if len(digits) == 4 else whole
    if number < 100:
        return whole
    return rng.choice((one_by_one, paired)) if number >= 1000 else rng.choice((one_by_one, whole))


def _city(rng: Random) -> Said:
    city, state = rng.choice(word_list("cities")).split(":")
    return Said(f"{city}{rng.choice((',', ''))} {state}", Entity.ADDRESS, f"{city}, {state}")


def _birth(rng: Random) -> Said:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1940, 2004)
    name, ordinal = word_list("months")[month - 1], num2words(day, to="ordinal").replace("-", " ")
    spoken_year = num2words(year, to="year").replace("-", " ").replace(" and ", " ")
    said = rng.choice((f"{name} {ordinal}", f"the {ordinal} of {name}"))
    value = f"{year}-{month:02d}-{day:02d}"
    return Said(f"{said}, {spoken_year}", Entity.DATE_OF_BIRTH, value)


def _zip(rng: Random) -> Number:
    code = f"{rng.randint(1001, 99950):05d}"
    return Number(Entity.ADDRESS, code, (code,))
