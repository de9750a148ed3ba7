import random

import pytest

from redaction.numbers import DIGITS, normalise


def text(words: str) -> str:
    return " ".join(token.text for token in normalise(words.split()))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("four one one one", "4111"),
        ("double five", "55"),
        ("triple zero nine", "0009"),
        ("double oh seven", "007"),
        ("nineteen eighty four", "1984"),
        ("twenty three", "23"),
        ("twenty", "20"),
        ("forty one eleven", "4111"),
        ("seven oh four", "704"),
        ("oh two one three four", "02134"),
        ("oh nine", "09"),
        ("oh one moment", "oh 1 moment"),
        ("oh no three people", "oh no 3 people"),
        ("four hundred and twelve maple street", "412 maple street"),
        ("one eight hundred five five five", "1800555"),
        ("three thousand four hundred", "3,400"),
        ("sixty thousand dollars", "60,000 dollars"),
        ("twelve hundred", "1200"),
        ("one hundred twelve fifty", "112.50"),
        ("it's four um one uh two", "it's 412"),
        ("four um okay", "4 um okay"),
        ("four five for one", "4541"),
        ("two for the road", "2 for the road"),
        ("i have two for you", "i have 2 for you"),
        ("4111 1111 11111111", "4111111111111111"),
        ("four 1 one", "411"),
        ("no number here", "no number here"),
        ("", ""),
    ],
)
def test_spoken_numbers(words: str, expected: str) -> None:
    assert text(words) == expected


def test_every_token_knows_its_words() -> None:
    words = ["my", "number", "is", "four", "um", "double", "one", "two", "thanks"]
    tokens = normalise(words)
    assert [(token.text, token.start, token.end) for token in tokens] == [
        ("my", 0, 1), ("number", 1, 2), ("is", 2, 3), ("4112", 3, 8), ("thanks", 8, 9),
    ]  # fmt: skip


def test_tokens_cover_all_words_once_whatever_they_are() -> None:
    dice = random.Random(3)
    vocabulary = [
        *DIGITS,
        "oh",
        "double",
        "twenty",
        "twelve",
        "hundred",
        "thousand",
        "and",
        "um",
        "for",
        "to",
        "x",
        "7",
    ]
    for _ in range(2000):
        words = [dice.choice(vocabulary) for _ in range(dice.randrange(12))]
        tokens = normalise(words)
        assert [position for token in tokens for position in range(token.start, token.end)] == list(
            range(len(words))
        )
