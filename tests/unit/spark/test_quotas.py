"""Whether a quota is full, or can never fit."""

from __future__ import annotations

import pytest

from switchboard_spark.quotas import never_fits, quantity


def test_counts_are_compared_too() -> None:
    assert never_fits("exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0")
    assert not never_fits("exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4")
    assert not never_fits("something else")


def test_a_unit_that_is_not_known_does_not_mean_that_it_never_fits() -> None:
    words = "exceeded quota: q, requested: limits.memory={}, used: limits.memory=0, limited: limits.memory={}"
    assert not never_fits(words.format("8Gi", "1Ti"))
    assert never_fits(words.format("2Ti", "1Ti"))
    assert not never_fits(words.format("8Gi", "1Zi"))
    assert not never_fits(words.format("8Zi", "1Gi"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("200m", 0.2), ("2", 2), ("0.5", 0.5), ("1Gi", 2**30), ("1536Mi", 1.5 * 2**30), ("1k", 1e3)),
        *(("1G", 1e9), ("1T", 1e12), ("1Ti", 2**40), ("2P", 2e15), ("1Pi", 2**50), ("1E", 1e18)),
        *(("1Ei", 2**60), ("?", None), ("1Zi", None), ("1.2.3", None)),
    ],
)
def test_quantities(text: str, value: float | None) -> None:
    assert quantity(text) == (value if value is None else pytest.approx(value))
