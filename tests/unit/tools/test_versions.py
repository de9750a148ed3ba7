"""Versions: read from what programs say, and compared."""

import pytest

from tools import versions


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("v3.250.0\n", (3, 250, 0)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("github.com/docker/buildx v0.29.1-desktop.1 abc123", (0, 29, 1)),
        ("go1.25", (1, 25, 0)),
        ("1.25.11", (1, 25, 11)),
    ],
)
def test_the_first_version_in_a_text(said: str, version: versions.Version) -> None:
    assert versions.parse(said) == version


@pytest.mark.parametrize("said", ["", "unknown", "git norev", "127.0.0.1"])
def test_a_text_without_a_version_says_so(said: str) -> None:
    with pytest.raises(versions.NoVersionError, match="no version"):
        versions.parse(said)


@pytest.mark.parametrize(
    ("match", "found", "does"),
    [
        ("exact", (1, 34, 4), True),
        ("exact", (1, 34, 5), False),
        ("minor", (1, 34, 1), True),
        ("minor", (1, 35, 4), False),
        ("newer", (1, 34, 3), False),
        ("newer", (1, 35, 0), True),
        ("newer", (2, 0, 0), False),
    ],
)
def test_how_near_a_version_must_come(match: versions.Match, found: versions.Version, does: bool) -> None:
    assert versions.fits(found, (1, 34, 4), match) is does
