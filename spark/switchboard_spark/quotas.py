"""What a quota's refusal says, in its own words: whether it is full now, or can never fit. No calls."""

from __future__ import annotations

import re

UNITS = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    **{letter: 1e3**power for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": 2.0 ** (10 * power) for power, letter in enumerate("KMGTPE", 1)},
}


def never_fits(message: str) -> bool:
    """Whether a quota refused what is more than all of it. What cannot be read is not more.

    `exceeded quota: q, requested: requests.cpu=8, used: requests.cpu=1, limited: requests.cpu=4`
    """
    parts = {
        name: dict(re.findall(r"([\w./-]+)=([\w.]+)", text))
        for name, text in re.findall(r"(requested|limited): ((?:[\w./-]+=[\w.]+,?)+)", message)
    }
    limited = parts.get("limited", {})
    pairs = (
        (quantity(amount), quantity(limited[what]))
        for what, amount in parts.get("requested", {}).items()
        if what in limited
    )
    return any(wanted is not None and most is not None and wanted > most for wanted, most in pairs)


def quantity(text: str) -> float | None:
    """A Kubernetes quantity as a number: cores or bytes; None for what is none, or has no known unit."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([A-Za-z]*)", text)
    return float(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else None
