"""A table of ways in which people say personal data, written apart from the generator of sample calls."""

import random
import re

import pytest

from redaction import Redactor, redact
from switchboard_stage.models import Redacted, Word

VISA = "4111111111111111"
CHANNELS = {"agent": 0, "customer": 1}


def call(*turns: str) -> list[Word]:
    """Words of a call: a third of a second each, a pause of half a second between turns."""
    words: list[Word] = []
    clock = 0.0
    for turn in turns:
        speaker, _, text = turn.rpartition(": ")
        speaker = speaker or "customer"
        for each in text.split():
            words.append(
                Word(
                    text=each,
                    start_s=round(clock, 2),
                    end_s=round(clock + 0.3, 2),
                    confidence=1,
                    channel=CHANNELS[speaker],
                    speaker=speaker,
                )
            )
            clock += 0.33
        clock += 0.5
    return words


def text_of(redacted: Redacted) -> str:
    """The words in a row."""
    return " ".join(word.text for word in redacted.words)


def redacted(*turns: str) -> str:
    """What is left of a call, in a row."""
    return text_of(redact(call(*turns)))


def entities(*turns: str) -> list[str]:
    """The kinds of what was found, in the order of the words."""
    return [redaction.entity for redaction in redact(call(*turns)).redactions]


def said(*digits: str) -> str:
    """Digits in words."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return " ".join(names[int(digit)] for group in digits for digit in group)


SAYINGS = """\
my card number is four one one one one one one one one one one one one one one one
    my card number is [CARD_NUMBER]
it is forty one eleven eleven eleven eleven eleven eleven eleven
    it is [CARD_NUMBER]
four triple one quadruple one double one double one quadruple one thanks
    [CARD_NUMBER] thanks
three seven eight two, eight two two four six three, one triple zero five
    [CARD_NUMBER]
use 4111-1111-1111-1111 please
    use [CARD_NUMBER] please
agent: card number please / four one one one two two two two three three three three four four four five
    card number please [CARD_NUMBER]
agent: and the security code on the back / nine oh seven
    and the security code on the back [SECURITY_CODE]
my social is one two three um forty five six seven eight nine
    my social is [US_SSN]
agent: last four of your social / six seven eight nine
    last four of your social [US_SSN]
it says 123-45-6789 on the form
    it says [US_SSN] on the form
call me back at two one two five five five oh one nine nine
    call me back at [PHONE_NUMBER]
area code four one five then five five five double two one three
    area code [PHONE_NUMBER] then [PHONE_NUMBER]
one eight hundred five five five twelve twelve
    [PHONE_NUMBER]
you can try 212-555-0199 after five
    you can try [PHONE_NUMBER] after five
agent: what's the account number / uh eight eight one, zero two
    what's the account number uh [ACCOUNT_NUMBER]
my policy number is seven seven four two one nine
    my policy number is [ACCOUNT_NUMBER]
nine nine two one oh four is my member id
    [ACCOUNT_NUMBER] is my member id
it's john dot smith at example dot com
    it's [EMAIL]
jay underscore miller eighty two at g mail dot com
    [EMAIL]
send it to a b c at mail dot example dot co dot uk please
    send it to [EMAIL] please
my email is m o n a at yahoo
    my email is [EMAIL]
it's ana.lopez@example.org
    it's [EMAIL]
i live at twelve oak street
    i live at [ADDRESS]
it's one twenty three north main street apartment four b
    it's [ADDRESS]
p o box nine hundred ten
    [ADDRESS]
in boulder colorado eight oh three oh one
    in [ADDRESS] [ADDRESS]
zip code is oh two one three nine
    zip code is [ADDRESS]
forty two hundred old mill road
    [ADDRESS]
my name is maria garcia
    my name is [PERSON]
this is bob from billing
    this is [PERSON] from billing
agent: thank you jennifer
    thank you [PERSON]
agent: who am i speaking with / zbigniew wojcik
    who am i speaking with [PERSON]
my name is xiulan abernethy and i have a question
    my name is [PERSON] and i have a question
agent: good morning mister day
    good morning mister [PERSON]
my wife grace will be there
    my wife [PERSON] will be there
this is maria's account
    this is [PERSON] account
last name is nakagawa n a k a g a w a
    last name is [PERSON] [PERSON]
date of birth is july fourth nineteen eighty four
    date of birth is [DATE_OF_BIRTH]
"""
"""What is said, turns apart by a slash; below it what is left, in a row. The card with a wrong check digit
is meant.
"""


def sayings() -> list[tuple[list[str], str]]:
    """The table as turns and what is expected of them."""
    lines = SAYINGS.splitlines()
    return [(said.split(" / "), left.strip()) for said, left in zip(lines[::2], lines[1::2], strict=True)]


@pytest.mark.parametrize(("turns", "expected"), sayings())
def test_what_is_taken_out(turns: list[str], expected: str) -> None:
    assert redacted(*turns) == expected


@pytest.mark.parametrize(
    "turn",
    [
        "that will be forty two dollars and fifty cents",
        "i waited two hours and thirty minutes on july twenty third",
        "the meeting is at ten thirty or maybe two fifteen",
        "my bill is one hundred twelve fifty this month",
        "we have three kids and two dogs",
        "one moment please while i look that one up",
        "it takes five to seven business days",
        "may i put you on hold i will be right back",
        "the will to grant you a long rest in june",
        "i drove west on the main road for about sixty miles",
        "your speed is two hundred megabits right now",
        "is there anything else i can help you with today",
        "i'd like to borrow fifty five thousand dollars over five years",
        "the rate is four point five percent",
        "i called twice last week and nobody could help",
        "the package was left at the front door",
        "it happened in twenty twenty four",
        "turn it off wait thirty seconds and turn it on",
        "this is regarding my bill and i'm very unhappy",
        "thank you so much have a good day",
        "they say error four oh four",
        "i need to change my address next month",
        "what street is the store on",
        "it is twenty four seven support",
        "look at the dot on the screen",
    ],
)
def test_what_stays(turn: str) -> None:
    assert redacted(turn) == turn


@pytest.mark.parametrize("reply", ["okay", "mm hmm", "got it", "yes go ahead"])
def test_a_number_dictated_in_groups_is_found_across_turns(reply: str) -> None:
    turns = ["agent: can i have the card number please"]
    for group in ("4111", "1111", "2222", "33"):
        turns += [f"customer: {said(group)}", f"agent: {reply}"]
    assert redacted(*turns).count("[CARD_NUMBER]") == 4
    assert not re.search(r"\b(one|two|three|four)\b", redacted(*turns))


def test_the_agent_repeating_groups_is_redacted_too() -> None:
    turns = ["agent: your account number please"]
    for group in ("123", "456", "7"):
        turns += [f"customer: then {said(group)}", f"agent: okay {said(group)}"]
    assert entities(*turns) == ["ACCOUNT_NUMBER"] * 6


def test_groups_that_nobody_asked_for_are_found_by_their_sum() -> None:
    turns = [
        f"customer: {said('555')}",
        "agent: okay",
        f"customer: {said('01')}",
        "agent: yes",
        f"customer: {said('9921')}",
    ]
    assert entities(*turns) == ["NUMBER"] * 3


def test_a_remark_of_the_other_in_the_middle_of_a_number_stays() -> None:
    words = call(f"customer: my card number is {said('4111')}", f"customer: {said('111111111111')}")
    remark = words[8].model_copy(update={"text": "mhm", "speaker": "agent", "channel": 0})
    assert text_of(redact([*words[:9], remark, *words[9:]])).endswith("[CARD_NUMBER] mhm [CARD_NUMBER]")


def test_every_valid_card_is_found_without_being_asked_for() -> None:
    dice = random.Random(11)
    for _ in range(60):
        digits = valid_card(dice)
        assert entities(f"here you go {said(digits)} okay") == ["CARD_NUMBER"], digits


def test_the_topic_says_what_nine_digits_are() -> None:
    dice = random.Random(12)
    for _ in range(20):
        number = f"{dice.randint(1, 665):03d}{dice.randint(1, 99):02d}{dice.randint(1, 9999):04d}"
        assert entities("agent: your social security number", said(number)) == ["US_SSN"]
        assert entities("agent: your account number", said(number)) == ["ACCOUNT_NUMBER"]


def test_the_result_holds_nothing_of_what_was_said() -> None:
    """Whatever is found: neither its words nor its digits are in the output, only its kind and its place."""
    dice = random.Random(13)
    for _ in range(20):
        secret = said(valid_card(dice))
        words = call("agent: the card number please", f"customer: {secret}", "my name is wilhelmina zanzibar")
        output = redact(words)
        assert secret not in text_of(output)
        dumped = output.model_dump_json()
        for word in {*secret.split(), "wilhelmina", "zanzibar"}:
            assert f'"{word}"' not in dumped


def test_places_in_the_original_are_told() -> None:
    words = call("hello my name is maria garcia thanks")
    (redaction,) = redact(words).redactions
    assert [word.text for word in words[redaction.words_from : redaction.words_to]] == ["maria", "garcia"]
    assert (redaction.start_s, redaction.end_s) == (words[4].start_s, words[5].end_s)
    assert redaction.speaker == "customer"
    assert redaction.recogniser == "names"


def test_words_outside_stay_as_they_were_and_in_order() -> None:
    words = call("hello my name is maria garcia thanks")
    kept = [word for word in redact(words).words if not word.text.startswith("[")]
    assert kept == [*words[:4], words[6]]


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact(call("my name is maria garcia and my card is", said(VISA)))
    assert redact(once.words).words == once.words


def test_no_words_are_no_redactions() -> None:
    assert redact([]).words == ()


def test_words_that_are_only_punctuation_do_no_harm() -> None:
    assert (
        text_of(redact([Word(text="...", start_s=0, end_s=1, confidence=1, channel=0, speaker="a")])) == "..."
    )


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = Redactor().find(call("it's john dot smith at example dot co dot uk"))
    assert [each.entity for each in found] == ["EMAIL"]


def valid_card(dice: random.Random) -> str:
    from redaction.checks import luhn

    body = dice.choice(("4", "51", "55", "6011")).ljust(15, "x")
    body = "".join(dice.choice("0123456789") if char == "x" else char for char in body)
    return next(body + digit for digit in "0123456789" if luhn(body + digit))
