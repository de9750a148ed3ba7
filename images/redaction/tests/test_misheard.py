"""A table of numbers in which a recogniser misheard a digit here and there."""

import pytest

from redaction import redact
from switchboard_stage.models import Word

CARD = "agent: can i have the card number please"
SSN = "agent: what is your social security number"
ACCOUNT = "agent: may i have your account number"
STREET = "agent: and where do you live"


def redacted(*turns: str) -> str:
    """What is left of a call, in a row."""
    words: list[Word] = []
    for turn in turns:
        speaker, _, text = turn.rpartition(": ")
        for each in text.split():
            clock = len(words) * 0.33
            channel = int(speaker != "agent")
            words.append(
                Word(
                    text=each,
                    start_s=clock,
                    end_s=clock + 0.3,
                    confidence=1,
                    channel=channel,
                    speaker=str(channel),
                )
            )
    return " ".join(word.text for word in redact(words).words)


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (CARD, "four one for mine two to seven sex won eight three too nine", "[CARD_NUMBER]"),
        (CARD, "it's for seven one six pillow nine two two four", "it's [CARD_NUMBER]"),
        (CARD, "five one table lamp seven nine two ate four thanks", "[CARD_NUMBER] thanks"),
        (SSN, "um three hero nine line two four", "um [US_SSN]"),
        (SSN, "four seven of one one no", "[US_SSN]"),
        (ACCOUNT, "eight two two five six double on", "[ACCOUNT_NUMBER]"),
        (ACCOUNT, "three five of two and then nine", "[ACCOUNT_NUMBER] and then [ACCOUNT_NUMBER]"),
        ("hello", "sick so two two and those five three nine one eight four", "[NUMBER] so [NUMBER]"),
        ("agent: your date of birth", "march twenty to nineteen eighty one", "[DATE_OF_BIRTH]"),
        (STREET, "two four eight the maple road", "[ADDRESS]"),
        (STREET, "we're on old quarry lane number six", "we're on [ADDRESS]"),
        (STREET, "millersburg indiana", "[ADDRESS]"),
        ("hello", "write to ann lamp seven two and blue lake dot net", "write to [EMAIL]"),
        ("hello", "it is apartment nine b", "it is [ADDRESS]"),
    ],
)
def test_misheard_digits_do_not_leave_the_others_standing(question: str, answer: str, expected: str) -> None:
    asked = question.removeprefix("agent: ")
    assert redacted(question, answer) == f"{asked} {expected}"


@pytest.mark.parametrize(
    "turn",
    [
        "i have two for you and three for them",
        "from four to six or seven to nine is fine for me",
        "it went from twenty dollars to forty dollars for two months",
        "one of the three is mine and two of them are yours",
        "we waited for two hours to get to the one on the line",
        "there are two and the website is blue lake dot net",
        "between nineteen ninety and two thousand",
    ],
)
def test_digits_of_ordinary_talk_stay(turn: str) -> None:
    assert redacted(turn) == turn


def test_what_is_said_behind_a_number_stays() -> None:
    left = redacted(CARD, "four one for mine two to seven six and it expires in may")
    assert left.endswith("[CARD_NUMBER] and it expires in may")
