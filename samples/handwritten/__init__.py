"""Calls written by hand: their phrasing is not the templates', so that nothing is tuned on it."""

from __future__ import annotations

import re
from pathlib import Path

from samples.models import Dialogue, Entity, PiiSpan, Speaker, Turn

MARKED = re.compile(r"<(?P<entity>[A-Z_]+) (?P<words>[^>]+)>|(?P<plain>\S+)")
SPEAKERS: dict[str, Speaker] = {"A": "agent", "C": "customer"}


def handwritten_dialogues() -> list[Dialogue]:
    """All of them. Raises ValueError for a line that is neither a turn, a title nor a comment."""
    text = (Path(__file__).parent / "calls.txt").read_text(encoding="utf-8")
    turns: dict[str, list[Turn]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("= "):
            title = line[2:]
            turns[title] = []
        elif line and not line.startswith("#"):
            turns[title].append(parse_turn(line))
    return [
        Dialogue(call_id=f"handwritten-{title}", seed=place, intents=("handwritten",), turns=tuple(said))
        for place, (title, said) in enumerate(turns.items())
    ]


def parse_turn(line: str) -> Turn:
    """`A: this is <PERSON tina>` as a turn. Raises ValueError for another form or an unknown kind."""
    speaker, colon, said = line.partition(": ")
    if speaker not in SPEAKERS or not colon:
        raise ValueError(f"{line!r} is no turn; begin it with `A: ` or `C: `")
    words: list[str] = []
    spans = []
    for found in MARKED.finditer(said):
        start = len(words)
        words += (found["words"] or found["plain"]).split()
        if found["entity"]:
            spans.append(
                PiiSpan(
                    entity=Entity(found["entity"]),
                    words_from=start,
                    words_to=len(words),
                    value=found["words"],
                )
            )
    return Turn(speaker=SPEAKERS[speaker], text=" ".join(words), words=tuple(words), pii=tuple(spans))
