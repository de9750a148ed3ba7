"""Redaction on reference text: what was really said goes into the stage; only redaction is measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ops.quality.measures import HESITATIONS, Found, Item, RedactionScore, Tally
from ops.quality.pipeline import LocalRun, make_stage
from samples import Dialogue, Entity
from samples.people import word_list
from switchboard_stage.models import Language, Redacted, Turns, Word, Words
from switchboard_stage.models import Turn as FoundTurn

WORD_S, GAP_S = 0.35, 0.5
"""Time line of a text that nobody speaks."""


@dataclass
class TextResult:
    """Score, speed, a line for every miss and every false alarm; `unlisted`: names that no list has."""

    score: RedactionScore
    seconds: float = 0.0
    words: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unlisted: Tally = field(default_factory=Tally)


def measure_text(scripts: Iterable[Dialogue], root: Path) -> TextResult:
    """Redact these dialogues. Raises RuntimeError where the stage fails."""
    run = LocalRun(root)
    dialogues = {dialogue.call_id: dialogue for dialogue in scripts}
    for dialogue in dialogues.values():
        _give(run, dialogue)
    report = run.run(make_stage("redaction"))
    result = TextResult(RedactionScore(), seconds=report.seconds)
    for call_id, dialogue in dialogues.items():
        redacted = run.result(call_id, "redaction", "redacted.json", Redacted)
        found = [Found(r.entity, frozenset(range(r.words_from, r.words_to))) for r in redacted.redactions]
        pieces = list(items(dialogue))
        missed, wrong = result.score.add(pieces, found)
        for name in pieces:
            if name.entity == Entity.PERSON and not _listed(name.value):
                result.unlisted.add(name not in missed)
        words = dialogue.words()
        result.words += len(words)
        covered = frozenset().union(*(f.places for f in found))
        result.missed += [
            f"{call_id} {i.entity} {i.value!r}: {_context(words, i.places, covered)}" for i in missed
        ]
        result.wrong += [f"{call_id} {f.entity}: {_context(words, f.places, covered)}" for f in wrong]
    return result


def items(dialogue: Dialogue) -> Iterator[Item]:
    """The personal data of a dialogue, by the numbers of its words in the whole call."""
    offset = 0
    for turn in dialogue.turns:
        for span in turn.pii:
            places = (
                offset + at
                for at in range(span.words_from, span.words_to)
                if turn.words[at] not in HESITATIONS
            )
            yield Item(span.entity.value, span.value, frozenset(places))
        offset += len(turn.words)


def _listed(name: str) -> bool:
    return set(name.split()) <= {*word_list("first_names"), *word_list("last_names")}


def _give(run: LocalRun, dialogue: Dialogue) -> None:
    words, turns, at = [], [], 0.0
    for turn in dialogue.turns:
        channel = 0 if turn.speaker == "agent" else 1
        start = at
        for text in turn.words:
            words.append(_word(text, at, channel))
            at += WORD_S
        turns.append(FoundTurn(speaker=f"speaker-{channel}", channel=channel, start_s=start, end_s=at))
        at += GAP_S
    call_id = dialogue.call_id
    run.add(call_id)
    run.give(call_id, "asr", "words.json", Words(engine="reference", engine_version="1", words=tuple(words)))
    run.give(call_id, "diarization", "turns.json", Turns(method="channel", turns=tuple(turns)))
    run.give(call_id, "language-id", "language.json", Language(code="en", confidence=1, scores={"en": 1}))


def _word(text: str, at: float, channel: int) -> Word:
    return Word(
        text=text,
        start_s=round(at, 3),
        end_s=round(at + WORD_S, 3),
        confidence=1.0,
        channel=channel,
        speaker=f"speaker-{channel}",
    )


def _context(words: list[str], places: frozenset[int], covered: frozenset[int]) -> str:
    """The words around a place: {redacted} in braces, the place itself in angle brackets."""
    first, last = max(0, min(places) - 8), min(len(words), max(places) + 6)
    shown = [f"{{{words[at]}}}" if at in covered else words[at] for at in range(first, last)]
    begin, end = min(places) - first, max(places) - first
    return " ".join([*shown[:begin], "<", *shown[begin : end + 1], ">", *shown[end + 1 :]])
