"""Templates to turns: picks alternatives, fills slots, and notes which words are personal data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from samples import numbers
from samples.models import Entity, PiiSpan, Speaker, Turn
from samples.numbers import STYLES, Style
from samples.people import Number, Persona, Said, first_name, last_name, make_persona, word_list

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"^\{(?P<name>\w+)\}(?P<tail>('s)?[,.?!]*)$")
PUNCTUATION = ",.?!"
CUSTOMER_SLOTS = ("{first}", "{last}", "{full}")

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Scene:
    """Who speaks in a call, and the one source of chance for all that they say."""

    rng: Random
    customer: Persona
    agent: Persona
    company: str
    title: str
    agent_style: Style
    due: str
    name_known: bool = False
    turns: list[Turn] = field(default_factory=list)

    @classmethod
    def new(cls, rng: Random) -> Scene:
        """A customer, an agent and a company, drawn from `rng`."""
        company = rng.choice(word_list("companies"))
        title = rng.choice(("mister", "miss", "missus"))
        return cls(rng, make_persona(rng), make_persona(rng), company, title, rng.choice(STYLES), amount(rng))

    def say(self, speaker: Speaker, templates: list[str], **extra: Said) -> None:
        """Add one turn made from one of the templates; `extra` are slots that only this turn has."""
        usable = [t for t in templates if self._can_say(speaker, t)]
        text = expand(self.rng.choice(usable or templates), self.rng)
        turn = self._fill(speaker, text, extra)
        if speaker == "customer" and any(span.entity is Entity.PERSON for span in turn.pii):
            self.name_known = self.name_known or self.customer.last in turn.words
        self.turns.append(turn)

    def _can_say(self, speaker: Speaker, template: str) -> bool:
        """An agent cannot use a name that was not given yet."""
        return (
            speaker == "customer" or self.name_known or not any(slot in template for slot in CUSTOMER_SLOTS)
        )

    def _fill(self, speaker: Speaker, text: str, extra: dict[str, Said]) -> Turn:
        tokens: list[str] = []
        spans: list[PiiSpan] = []
        for token in text.split():
            slot = SLOT.match(token)
            if slot is None:
                tokens.append(token)
                continue
            name = slot["name"]
            said = extra[name] if name in extra else self._slot(name, speaker)
            start, filling = len(tokens), said.text.split()
            tokens += [*filling[:-1], filling[-1].rstrip(PUNCTUATION) + slot["tail"]]
            if said.entity is not None:
                spans.append(
                    PiiSpan(entity=said.entity, words_from=start, words_to=len(tokens), value=said.value)
                )
        words = tuple(token.strip(PUNCTUATION).lower() for token in tokens)
        return Turn(speaker=speaker, text=" ".join(tokens), words=words, pii=tuple(spans))

    def _slot(self, name: str, speaker: Speaker) -> Said:
        personal = self._personal(name, self.customer.style if speaker == "customer" else self.agent_style)
        return personal if personal is not None else Said(self._impersonal(name))

    def _personal(self, name: str, style: Style) -> Said | None:
        customer, agent, rng = self.customer, self.agent, self.rng
        numbered: dict[str, Number] = {
            "phone": customer.phone, "card": customer.card, "account": customer.account, "ssn": customer.ssn,
            "zip": customer.zip_code,
        }  # fmt: skip
        if name in numbered:
            return numbered[name].say(style, rng)
        said = {
            "birth": customer.birth,
            "email": customer.email,
            "street": customer.street,
            "city": customer.city,
        }
        if name in said:
            return said[name]
        other_first, other_last = first_name(rng), last_name(rng)
        people = {
            "first": customer.first, "last": customer.last, "full": f"{customer.first} {customer.last}",
            "agent": agent.first, "agent_last": agent.last, "doctor": other_last,
            "other": other_first, "other_full": f"{other_first} {other_last}",
        }  # fmt: skip
        return Said(people[name], Entity.PERSON, people[name]) if name in people else None

    def _impersonal(self, name: str) -> str:
        rng = self.rng
        makers: dict[str, Callable[[], str]] = {
            "company": lambda: self.company,
            "title": lambda: self.title,
            "due": lambda: self.due,
            "amount": lambda: amount(rng),
            "day": lambda: rng.choice(DAYS),
            "month": lambda: rng.choice(word_list("months")),
            "date": lambda: f"{rng.choice(word_list('months'))} {rng.choice(word_list('ordinals'))}",
            "time": lambda: clock(rng),
            "hours": lambda: rng.choice(("twelve", "twenty four", "forty eight", "seventy two")),
            "days": lambda: rng.choice(("three", "five", "seven", "ten", "fourteen", "thirty")),
            "small": lambda: rng.choice(("two", "three", "four", "five", "six", "eight", "twelve")),
            "thousands": lambda: " ".join(numbers.words_of(rng.randint(2, 60))),
            "year": lambda: " ".join(numbers.words_of(rng.randint(26, 34))),
            "speed": lambda: " ".join(numbers.words_of(rng.choice((5, 12, 25, 50, 90, 100, 200, 500)))),
            "product": lambda: rng.choice(word_list("products")),
            "error": lambda: " ".join(numbers.say_digits(str(rng.randint(100, 999)), Style.PLAIN)),
        }
        if name not in makers:
            raise KeyError(f"template slot {{{name}}} is not known; use one of {', '.join(sorted(makers))}")
        return makers[name]()


def amount(rng: Random) -> str:
    """An amount of money as said on the phone: "forty two dollars and fifty cents", "ninety fifty"."""
    dollars, cents = rng.randint(5, 480), rng.choice((0, 0, 25, 50, 75, 99, rng.randint(10, 98)))
    said = " ".join(numbers.words_of(dollars))
    if not cents:
        return f"{said} dollars"
    cents_said = " ".join(numbers.words_of(cents))
    return rng.choice(
        (f"{said} dollars and {cents_said} cents", f"{said} {cents_said}", f"{said} dollars {cents_said}")
    )


def clock(rng: Random) -> str:
    """A time of day: "ten thirty", "two o'clock", "nine a m"."""
    hour = " ".join(numbers.words_of(rng.randint(1, 12)))
    return rng.choice(
        (f"{hour} thirty", f"{hour} fifteen", f"{hour} o'clock", f"half past {hour}", f"{hour} p m")
    )


def expand(template: str, rng: Random) -> str:
    """Pick one alternative of every [a|b|c], innermost first, and tidy the spaces that empty ones leave."""
    while (choice := CHOICE.search(template)) is not None:
        picked = rng.choice(choice[1].split("|"))
        template = template[: choice.start()] + picked + template[choice.end() :]
    tidy = re.sub(r"\s+([,.?!])", r"\1", " ".join(template.split()))
    return re.sub(r"^[,.\s]+|,(?=[.?])", "", tidy)


@lru_cache
def phrases(name: str) -> dict[str, Any]:
    """The phrase book `samples/phrases/<name>.toml`."""
    return tomllib.loads((Path(__file__).parent / "phrases" / f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache
def intent_names() -> tuple[str, ...]:
    """Every intent there is: one phrase book each."""
    return tuple(sorted(path.stem for path in (Path(__file__).parent / "phrases" / "intents").glob("*.toml")))
