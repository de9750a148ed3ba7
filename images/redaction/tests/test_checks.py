import random

from redaction.checks import is_card, is_ssn, luhn


def test_known_test_cards_pass() -> None:
    for number in (
        "4111111111111111",
        "5500005555555559",
        "378282246310005",
        "6011000990139424",
        "30569309025904",
    ):
        assert is_card(number), number


def test_one_wrong_digit_always_fails() -> None:
    """That is what the check digit is for."""
    dice = random.Random(1)
    for _ in range(500):
        body = "4" + "".join(dice.choice("0123456789") for _ in range(14))
        number = next(body + digit for digit in "0123456789" if luhn(body + digit))
        place = dice.randrange(16)
        wrong = number[:place] + str((int(number[place]) + dice.randint(1, 9)) % 10) + number[place + 1 :]
        assert is_card(number)
        assert not luhn(wrong)


def test_one_in_ten_random_numbers_passes_luhn() -> None:
    dice = random.Random(2)
    passed = sum(luhn(str(dice.randrange(10**15, 10**16))) for _ in range(5000))
    assert 400 < passed < 600


def test_what_no_scheme_issues_is_no_card() -> None:
    assert not is_card("0000000000000000")
    assert not is_card("1234567812345670")
    assert not is_card("411111111111111")
    assert not is_card("4111-1111")


def test_social_security_numbers_that_cannot_have_been_issued() -> None:
    good = [
        f"{area:03d}{group:02d}{serial:04d}"
        for area in (1, 665, 667, 899)
        for group in (1, 99)
        for serial in (1, 9999)
    ]
    assert all(is_ssn(number) for number in good)
    bad = [
        "000121234",
        "666121234",
        "900121234",
        "999121234",
        "123001234",
        "123120000",
        "12312123",
        "1231212345",
        "a23121234",
    ]
    assert not any(is_ssn(number) for number in bad)
