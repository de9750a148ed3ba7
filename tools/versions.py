"""Versions: found in what a program says about itself, and compared."""

import re
from typing import Literal

Match = Literal["exact", "minor", "newer"]
"""How near a program found on PATH must come: the same, the same minor, or the same major and not older."""

Version = tuple[int, int, int]

PATTERN = re.compile(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.]*\.\d)")


class NoVersionError(ValueError):
    """A text that should hold a version holds none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"no version like 1.2.3 in {text.strip()[:80]!r}")


def parse(text: str) -> Version:
    """The first version in a text, like `kind v0.33.0 go1.26.8 linux/amd64`.

    Raises:
        NoVersionError: there is none.
    """
    found = PATTERN.search(text)
    if not found:
        raise NoVersionError(text)
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def fits(found: Version, wanted: Version, match: Match) -> bool:
    """Whether a program of version `found` does where `wanted` is asked for."""
    if match == "exact":
        return found == wanted
    if match == "minor":
        return found[:2] == wanted[:2]
    return found[0] == wanted[0] and found >= wanted
