"""The measures of quality, on cases that can be counted by hand."""

from __future__ import annotations

import pytest

from ops.quality.measures import (
    Found,
    Item,
    RedactionScore,
    diarization_error,
    heard_right,
    normalise,
    word_errors,
)
from ops.quality.report import Row
from ops.quality.text import items
from samples.handwritten import parse_turn
from samples.models import Dialogue

REFERENCE = {"x": [("agent", 0.0, 10.0), ("customer", 12.0, 20.0)], "y": [("agent", 0.0, 6.0)]}


def item(*places: int, entity: str = "PERSON") -> Item:
    return Item(entity, "", frozenset(places))


def found(*places: int, entity: str = "PERSON") -> Found:
    return Found(entity, frozenset(places))


@pytest.mark.parametrize(
    ("heard", "errors"),
    [("my name is ann", 0), ("My name is, Ann.", 0), ("my name ann", 1), ("my name is and so", 2), ("", 4)],
)
def test_word_errors(heard: str, errors: int) -> None:
    assert word_errors(["my", "name", "is", "ann"], heard.split()) == (errors, 4)


def test_words_heard_right() -> None:
    said, heard = ["my", "name", "is", "ann", "lee"], ["name", "was", "Ann", "lee"]
    assert heard_right(said, heard) == {1: 0, 3: 2, 4: 3}
    assert heard_right(said, []) == {}


def test_words_are_compared_without_punctuation() -> None:
    assert normalise(["Twenty-one,", "I'm", "[PERSON]"]) == "twenty one i'm person"


def test_perfect_diarization_under_other_names() -> None:
    named = {"x": [("0", 0.0, 10.0), ("1", 12.0, 20.0)], "y": [("1", 0.0, 6.0)]}
    assert diarization_error(REFERENCE, named) == 0


def test_diarization_errors_within_the_collar_are_not_scored() -> None:
    late = {"x": [("0", 0.2, 10.2), ("1", 11.8, 20.0)], "y": [("1", 0.0, 5.8)]}
    assert diarization_error(REFERENCE, late) == 0
    assert diarization_error(REFERENCE, late, collar_s=0) == pytest.approx((0.2 * 4) / 24)


def test_one_speaker_for_two_is_confusion() -> None:
    merged = {"x": [("0", 0.0, 10.0), ("0", 12.0, 20.0)], "y": [("0", 0.0, 6.0)]}
    assert diarization_error(REFERENCE, merged, collar_s=0) == pytest.approx(8 / 24)


def test_a_call_without_turns_is_missed_speech() -> None:
    assert diarization_error(REFERENCE, {"x": REFERENCE["x"]}, collar_s=0) == pytest.approx(6 / 24)


def test_recall_wants_every_word() -> None:
    score = RedactionScore()
    missed, _ = score.add([item(1, 2), item(5), item(8, 9)], [found(1, 2), found(8)])
    assert missed == [item(5), item(8, 9)]
    assert score.recall.share == pytest.approx(1 / 3)


def test_two_redactions_can_cover_one_piece() -> None:
    score = RedactionScore()
    score.add([item(1, 2, 3)], [found(1), found(2, 3)])
    assert (score.recall.share, score.precision.share) == (1, 1)


def test_precision_counts_redactions_and_words() -> None:
    score = RedactionScore()
    _, wrong = score.add([item(1, 2)], [found(1, 2, 3), found(7)])
    assert wrong == [found(7)]
    assert score.precision.share == 0.5
    assert score.word_precision.share == 0.5


def test_kind_of_what_was_found() -> None:
    score = RedactionScore()
    score.add([item(1), item(4)], [found(1), found(4, entity="US_SSN")])
    assert score.recall.share == 1
    assert score.right_kind.share == 0.5


def test_hesitations_need_not_be_redacted() -> None:
    turns = (parse_turn("A: hi <PERSON ann>"), parse_turn("C: it's <PHONE_NUMBER one two um three>"))
    dialogue = Dialogue(call_id="c", seed=0, intents=(), turns=turns)
    assert [sorted(i.places) for i in items(dialogue)] == [[1], [3, 4, 6]]


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        (Row("a", 0.25, at_most=0.25), True),
        (Row("a", 0.26, at_most=0.25), False),
        (Row("a", 0.97, at_least=0.97), True),
        (Row("a", 0.96, at_least=0.97), False),
        (Row("a", 0.5), None),
    ],
)
def test_marks(row: Row, passed: bool | None) -> None:
    assert row.passed is passed
