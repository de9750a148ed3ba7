"""The word lists in `data/`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache
def word_list(name: str) -> frozenset[str]:
    """Every entry of `data/<name>.txt`, lower case."""
    text = files("redaction").joinpath("data", f"{name}.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(entry.replace("~", " ") for line in lines for entry in line.split())
