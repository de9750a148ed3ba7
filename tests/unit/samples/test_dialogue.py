"""Dialogues: repeatable, varied, and their personal data is where they say it is."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest

from samples import Dialogue, Entity, intent_names, make_dialogue, make_foreign_dialogue
from samples.handwritten import handwritten_dialogues, parse_turn
from samples.models import PiiSpan, Turn
from samples.numbers import DIGITS, words_of
from samples.people import word_list

SEEDS = range(4000, 4120)
TENS = {word: ten for ten in range(20, 100, 10) for word in words_of(ten)}
SMALL = {" ".join(words_of(number)): number for number in range(20)}
NUMBERS = (Entity.PHONE_NUMBER, Entity.CARD_NUMBER, Entity.ACCOUNT_NUMBER, Entity.US_SSN)


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    return [make_dialogue(seed) for seed in SEEDS]


def heard(words: tuple[str, ...]) -> str:
    """The digits that somebody writes down who hears these words."""
    digits, times, at = "", 1, 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "double":
            times = 2
        elif word in TENS:
            unit = SMALL.get(words[at], 0) if at < len(words) else 0
            paired = 0 < unit < 10 and word in TENS
            digits += str(TENS[word] + (unit if paired else 0))
            at += paired
        elif word != "um":
            digits += ("0" if word == "oh" else str(SMALL[word])) * times
            times = 1
    return digits


def spans(dialogue: Dialogue, *entities: Entity) -> list[tuple[Turn, PiiSpan]]:
    return [(turn, span) for turn in dialogue.turns for span in turn.pii if span.entity in entities]


def test_same_seed_same_dialogue() -> None:
    assert make_dialogue(7, minutes=3) == make_dialogue(7, minutes=3)


def test_seeds_differ(dialogues: list[Dialogue]) -> None:
    texts = Counter(" ".join(d.words()) for d in dialogues)
    assert max(texts.values()) == 1
    assert {name for d in dialogues for name in d.intents} == set(intent_names())


def test_dialogues_are_varied(dialogues: list[Dialogue]) -> None:
    people = Counter(span.value for d in dialogues for _, span in spans(d, Entity.PERSON))
    assert len(people) > 2 * len(dialogues)
    assert {e for d in dialogues for t in d.turns for e in (s.entity for s in t.pii)} == set(Entity)
    said = Counter(turn.text for d in dialogues for turn in d.turns)
    assert len(said) > 0.6 * sum(said.values())


def test_words_are_what_is_heard(dialogues: list[Dialogue]) -> None:
    for dialogue in dialogues:
        for turn in dialogue.turns:
            assert len(turn.words) == len(turn.text.split())
            assert all(re.fullmatch(r"[a-z]+('[a-z]+)*", word) for word in turn.words), turn.text
            assert not re.search(r"[\[\]{}|]|,[.?]|\s[,.?]", turn.text), turn.text


def test_numbers_are_said_as_they_are_written(dialogues: list[Dialogue]) -> None:
    checked = 0
    for dialogue in dialogues:
        for turn, span in spans(dialogue, *NUMBERS):
            assert heard(turn.words[span.words_from : span.words_to]) == span.value, turn.text
            checked += 1
    assert checked > 2 * len(dialogues)


def test_other_personal_data_is_said_as_it_is_written(dialogues: list[Dialogue]) -> None:
    for dialogue in dialogues:
        for turn, span in spans(dialogue, Entity.PERSON):
            said = " ".join(turn.words[span.words_from : span.words_to])
            assert said.removesuffix("'s") == span.value
        for turn, span in spans(dialogue, Entity.EMAIL):
            assert {"at", "dot"} <= set(turn.words[span.words_from : span.words_to])
            assert re.fullmatch(r"[a-z0-9._-]+@[a-z]+\.[a-z]+", span.value)


def test_no_number_of_a_person_is_left_unmarked(dialogues: list[Dialogue]) -> None:
    """Five digits in a row outside of a span would be personal data that the reference does not know of."""
    for dialogue in dialogues:
        for turn in dialogue.turns:
            marked = {at for span in turn.pii for at in range(span.words_from, span.words_to)}
            plain = " ".join("." if at in marked else word for at, word in enumerate(turn.words))
            digit = f"(?:{'|'.join([*DIGITS, 'oh'])})"
            assert not re.search(rf"\b{digit}(?: {digit}){{4}}\b", plain), turn.text


@pytest.mark.parametrize("minutes", [2, 10, 60])
def test_length_can_be_chosen(minutes: float) -> None:
    spoken = len(make_dialogue(11, minutes=minutes).words()) / 150
    assert minutes - 1 <= spoken <= minutes + 2.5


def test_intents_can_be_chosen() -> None:
    assert make_dialogue(3, intents=("billing", "loan")).intents == ("billing", "loan")
    with pytest.raises(ValueError, match=r"'parking' is not known; use one of .*billing"):
        make_dialogue(3, intents=("parking",))


def test_agent_knows_no_name_before_it_was_given(dialogues: list[Dialogue]) -> None:
    """Who is asked for a name was not called by it before."""
    for dialogue in dialogues:
        asked = next((i for i, t in enumerate(dialogue.turns) if "speaking with" in t.text and i > 1), None)
        if asked is None:
            continue
        named = [s.value for t in dialogue.turns[1:asked] if t.speaker == "agent" for s in t.pii]
        assert not named, dialogue.turns[asked].text


@pytest.mark.parametrize("language", ["es", "fr", "de"])
def test_foreign_dialogues_vary(language: str) -> None:
    dialogues = [make_foreign_dialogue(language, seed) for seed in range(4)]
    assert len({d.turns for d in dialogues}) > 1
    assert all(d.language == language for d in dialogues)


def test_dates_of_birth_are_said_as_they_are_written(dialogues: list[Dialogue]) -> None:
    found = [both for d in dialogues for both in spans(d, Entity.DATE_OF_BIRTH)]
    assert found
    for turn, span in found:
        born = date.fromisoformat(span.value)
        assert f"{born:%B}".lower() in turn.words[span.words_from : span.words_to]


def test_some_names_are_on_no_list(dialogues: list[Dialogue]) -> None:
    listed = {*word_list("first_names"), *word_list("last_names")}
    names = [set(span.value.split()) for d in dialogues for _, span in spans(d, Entity.PERSON)]
    assert 0.03 < sum(not name <= listed for name in names) / len(names) < 0.25


def test_handwritten_calls_load() -> None:
    calls = handwritten_dialogues()
    assert len(calls) >= 8
    assert {span.entity for d in calls for t in d.turns for span in t.pii} == set(Entity)
    assert not any(re.search(r"[<>]", turn.text) for d in calls for turn in d.turns)


def test_handwritten_turn() -> None:
    turn = parse_turn("C: it's <PERSON tom hill> again")
    assert turn.words == ("it's", "tom", "hill", "again")
    assert turn.pii == (PiiSpan(entity=Entity.PERSON, words_from=1, words_to=3, value="tom hill"),)
    with pytest.raises(ValueError, match="begin it with"):
        parse_turn("tom: hello")
