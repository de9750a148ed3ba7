"""What an application got done, in units of its own: hours of audio, calls, rows.

    units.count(audio_seconds=call.seconds)

The record of a run has the sums, so that sizes can be compared by what a unit takes. Without them it is the
bytes of input that count, which says little where the same bytes can be much or little work.
"""

from __future__ import annotations

import math
import re
import threading

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
OWN = frozenset({"input_bytes", "runs"})
"""Names that a record uses where an application counts nothing."""

_counted: dict[str, float] = {}
_lock = threading.Lock()


def count(**amounts: float) -> None:
    """Add to what was done. On the driver: in a task on an executor it has no effect.

    The name says the unit: `audio_seconds=1234.5`. What ends in `_seconds` is shown by the hour.

    Raises:
        ValueError: a name that is not lower case, or is taken; an amount that is negative or no number.
    """
    for name, amount in amounts.items():
        if not NAME.fullmatch(name) or name in OWN:
            raise ValueError(
                f"count({name}=...): no name of a unit; use at most 40 of a-z, 0-9 and '_', beginning with a "
                f"letter, and none of {', '.join(sorted(OWN))}"
            )
        if not (math.isfinite(amount) and amount >= 0):
            raise ValueError(f"count({name}={amount!r}): give what was done, a number from 0 on")
    with _lock:
        for name, amount in amounts.items():
            _counted[name] = _counted.get(name, 0.0) + amount


def counted() -> dict[str, float]:
    """The sums so far, by name, in the order in which they were first counted."""
    with _lock:
        return dict(_counted)


def forget() -> None:
    """Begin anew."""
    with _lock:
        _counted.clear()
