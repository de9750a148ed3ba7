"""Wait for something to become true, and say what it was when it doesn't."""

from __future__ import annotations

import time
from collections.abc import Callable

ANSWER_S = 90
"""How long one answer of a server may take: more than the 60 s that Airflow waits for a page of Spark's."""


def until(what: str, true: Callable[[], object], within_s: float = 90, every_s: float = 0.5) -> float:
    """Poll until `true()` is truthy; return the seconds that it took. Fails the test after `within_s`."""
    started = time.monotonic()
    while not true():
        waited = time.monotonic() - started
        assert waited < within_s, f"not true after {within_s:.0f} s: {what}"
        time.sleep(every_s)
    return time.monotonic() - started
