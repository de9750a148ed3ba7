"""What an application says it got done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from switchboard_spark import units


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    units.forget()
    yield
    units.forget()


def test_amounts_add_up_by_their_name() -> None:
    units.count(audio_seconds=10.5, calls=1)
    units.count(audio_seconds=2)
    assert units.counted() == {"audio_seconds": 12.5, "calls": 1}


def test_what_is_given_out_is_a_copy() -> None:
    units.counted()["calls"] = 5
    assert units.counted() == {}


@pytest.mark.parametrize("name", ["Calls", "1st", "input_bytes", "runs", "a" * 41, "ä"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a unit"):
        units.count(**{name: 1})


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf")])
def test_an_amount_that_is_none_is_refused_with_all_beside_it(amount: float) -> None:
    with pytest.raises(ValueError, match="give what was done, a number from 0 on"):
        units.count(calls=1, rows=amount)
    assert units.counted() == {}
