"""Dialogues of a contact centre: who says what in which order, from a seed."""

from __future__ import annotations

from random import Random
from typing import Any

from samples.models import Dialogue, Speaker
from samples.numbers import say_digits
from samples.people import Number, Said
from samples.script import Scene, intent_names, phrases

WORDS_PER_MINUTE = 150
"""Words that end up in a minute of recording, pauses between turns included; only steers the length."""

DICTATED = {"phone": 0.0, "card": 0.25, "account": 0.15, "ssn": 0.12}
"""Share of the calls in which a number is dictated group by group, with an answer after each."""

OPTIONAL = 0.5
"""How often a step marked with `?` happens."""


def make_dialogue(
    seed: int,
    minutes: float | None = None,
    intents: tuple[str, ...] | None = None,
    call_id: str | None = None,
) -> Dialogue:
    """Make the call of this seed.

    `minutes` is the length to aim at: intents follow one another until it is reached. Without it, the call
    has one intent and takes as long as that takes; under one minute, its longest parts are left out.
    `intents` fixes what the call is about.

    Raises ValueError for an intent that has no phrase book.
    """
    rng = Random(f"dialogue/{seed}")  # noqa: S311 (has to be repeatable, not unguessable)
    scene = Scene.new(rng)
    todo = list(intents or ())
    done: list[str] = []
    _open(scene)
    while not done or todo or (minutes is not None and _minutes(scene) < minutes - 0.75):
        intent = todo.pop(0) if todo else _next_intent(rng, done)
        if done:
            _bridge(scene)
        _play(scene, intent, brief=minutes is not None and minutes < 1)
        done.append(intent)
    _close(scene)
    return Dialogue(
        call_id=call_id or f"call-{seed:06d}", seed=seed, intents=tuple(done), turns=tuple(scene.turns)
    )


def _minutes(scene: Scene) -> float:
    return sum(len(turn.words) for turn in scene.turns) / WORDS_PER_MINUTE


def _next_intent(rng: Random, done: list[str]) -> str:
    return rng.choice([name for name in intent_names() if name not in done[-3:]])


def _open(scene: Scene) -> None:
    scene.say("agent", phrases("common")["greeting"])
    scene.say("customer", phrases("common")["hello"])


def _bridge(scene: Scene) -> None:
    common = phrases("common")
    scene.say("agent", common["anything_else"])
    scene.say("customer", common["more"])
    scene.say("agent", common["backchannel"])


def _close(scene: Scene) -> None:
    common = phrases("common")
    if scene.rng.random() < 0.8:
        scene.say("agent", common["anything_else"])
        scene.say("customer", common["no_more"])
    scene.say("agent", common["goodbye_agent"])
    scene.say("customer", common["goodbye_customer"])


def _play(scene: Scene, intent: str, brief: bool) -> None:
    if intent not in intent_names():
        raise ValueError(f"intent {intent!r} is not known; use one of {', '.join(intent_names())}")
    book = phrases(f"intents/{intent}")
    scene.say("customer", book["problem"])
    for step in _steps(book["steps"], scene.rng, brief):
        _step(scene, book, step)


def _steps(steps: list[str], rng: Random, brief: bool) -> list[str]:
    kept = [step.rstrip("?") for step in steps if not step.endswith("?") or rng.random() < OPTIONAL]
    if not brief:
        return kept
    required = [step for step in kept if step.startswith("exchange") and step != "exchange name"]
    return ["exchange name", *required[:1], "agent fix"]


def _step(scene: Scene, book: dict[str, Any], step: str) -> None:
    kind, _, what = step.partition(" ")
    if kind == "smalltalk":
        _smalltalk(scene)
    elif kind == "exchange":
        _exchange(scene, what)
    else:
        speaker: Speaker = "agent" if kind == "agent" else "customer"
        scene.say(speaker, book[what] if what in book else phrases("common")[what])


def _smalltalk(scene: Scene) -> None:
    common = phrases("common")
    scene.say("agent", common["smalltalk_agent"])
    scene.say("customer", common["smalltalk_customer"])
    if scene.rng.random() < 0.5:
        scene.say("agent", common["back"])


def _exchange(scene: Scene, what: str) -> None:
    """Ask for something, get it whole or in parts, confirm it or not. A name once given is not asked for
    again.
    """
    if what == "name" and scene.name_known:
        return
    book, common, rng = phrases("exchanges")[what], phrases("common"), scene.rng
    scene.say("agent", book["ask"])
    if rng.random() < DICTATED.get(what, 0.0):
        _dictate(scene, what, book["parts"])
        return
    filler = rng.choice(common["filler"])
    scene.say("customer", [filler + give for give in book["give"]])
    if what == "name":
        scene.name_known = True
    if rng.random() < 0.55:
        scene.say("agent", book["confirm"])
        scene.say("customer", common["yes_right"])
    else:
        scene.say("agent", common["ack"])


def _dictate(scene: Scene, what: str, parts: list[str]) -> None:
    """Group by group; the agent repeats most groups, and now and then gets one wrong and is corrected."""
    customer, rng = scene.customer, scene.rng
    number: Number = {"card": customer.card, "account": customer.account, "ssn": customer.ssn}[what]
    for place, group in enumerate(number.groups):
        lead = parts[min(place, len(parts) - 1)]
        scene.say("customer", [lead], part=_part(number, group, scene))
        if rng.random() < 0.75:
            heard = _misheard(group, scene) if rng.random() < 0.12 else group
            scene.say(
                "agent", ["{part}.", "{part}, okay.", "okay, {part}."], part=_part(number, heard, scene)
            )
            if heard != group:
                scene.say(
                    "customer", ["no, {part}.", "sorry, it's {part}."], part=_part(number, group, scene)
                )
        else:
            scene.say("agent", phrases("common")["backchannel"])
    scene.say("agent", phrases("common")["ack"])


def _part(number: Number, group: str, scene: Scene) -> Said:
    return Said(" ".join(say_digits(group, scene.customer.style)), number.entity, group)


def _misheard(group: str, scene: Scene) -> str:
    place = scene.rng.randrange(len(group))
    other = str((int(group[place]) + scene.rng.randint(1, 9)) % 10)
    return group[:place] + other + group[place + 1 :]
