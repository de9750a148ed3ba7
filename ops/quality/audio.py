"""The whole pipeline on recordings: words, speakers, languages and redactions against the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.quality.measures import (
    HESITATIONS,
    Found,
    Intervals,
    Item,
    RedactionScore,
    Tally,
    diarization_error,
    heard_right,
    word_errors,
)
from ops.quality.pipeline import STAGES, LocalRun, make_stage, prepare_models
from samples import KINDS, Recording, Reference, Voice, make_call, make_foreign_dialogue, record
from samples.dialogue import make_dialogue
from switchboard_stage.models import Language, Redacted, Redaction, Transcript, Turns, Words

FOREIGN = ("es", "fr", "de")
ENGLISH_BY_ESPEAK: dict[Any, Voice] = {"agent": Voice("en-us+m2"), "customer": Voice("en-us+f3")}
"""Else English would be known by its voices: all other languages are spoken by espeak-ng."""


@dataclass
class AudioResult:
    """What the pipeline made of the recordings. `word_errors`: kind of call -> (errors, reference words).
    `readable`: words of personal data that still stand in the transcript as they were said, of all of them.
    """

    word_errors: dict[str, tuple[int, int]] = field(default_factory=dict)
    der: dict[int, float] = field(default_factory=dict)
    der_no_collar: dict[int, float] = field(default_factory=dict)
    language: Tally = field(default_factory=Tally)
    redaction: RedactionScore = field(default_factory=RedactionScore)
    readable: Tally = field(default_factory=Tally)
    real_time_factor: dict[str, float] = field(default_factory=dict)
    audio_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    def word_error_rate(self, *kinds: str) -> float:
        """Over all calls of these kinds (none named: all)."""
        chosen = [self.word_errors[kind] for kind in kinds or self.word_errors]
        return sum(errors for errors, _ in chosen) / max(1, sum(words for _, words in chosen))


def measure_audio(calls: int, seed: int, root: Path, say: Callable[[str], None]) -> AudioResult:
    """Make calls of all kinds in turn, run every stage on them, and score. `say` hears how far it is.

    Raises RuntimeError where a stage fails on a call.
    """
    kinds = [list(KINDS)[i % len(KINDS)] for i in range(calls)]
    references: dict[str, Reference] = {}
    run = LocalRun(root)
    for place, kind in enumerate(kinds):
        say(f"speaking call {place + 1} of {calls}")
        reference = make_call(root / "in", kind, seed + place)
        references[reference.call_id] = reference
        run.add(reference.call_id, root / "in" / reference.file)
    say("language model (trained once, a minute)")
    prepare_models()
    result = AudioResult(audio_s=sum(r.duration_s for r in references.values()))
    for name in STAGES:
        say(f"{name} on {result.audio_s / 60:.1f} minutes of audio")
        report = run.run(make_stage(name, engine="pocketsphinx", languages=["en"]))
        result.real_time_factor[name] = report.seconds / result.audio_s
    _score(result, run, references, dict(zip(references, kinds, strict=True)))
    return result


def measure_languages(
    each: int, seed: int, root: Path, result: AudioResult, say: Callable[[str], None]
) -> None:
    """Add calls in other languages, and English ones by their synthesiser, to the language accuracy."""
    run = LocalRun(root)
    expected: dict[str, str] = {}
    for place in range(each):
        for language in (*FOREIGN, "en"):
            say(f"speaking {language}")
            call_id = f"{language}-{place}"
            if language == "en":
                dialogue = make_dialogue(seed + place, minutes=0.5, call_id=call_id)
                recording = Recording(voices=ENGLISH_BY_ESPEAK)
            else:
                dialogue = make_foreign_dialogue(language, seed + place, call_id)
                recording = Recording()
            reference = record(dialogue, root / "in", recording)
            run.add(call_id, root / "in" / reference.file)
            expected[call_id] = language
    for name in ("preprocess", "language-id"):
        say(f"{name} on {len(expected)} calls in {len(FOREIGN) + 1} languages")
        run.run(make_stage(name, languages=[]))
    for call_id, language in expected.items():
        heard = run.result(call_id, "language-id", "language.json", Language).code
        result.language.add(heard == language)
        if heard != language:
            result.notes.append(f"language of {call_id}: {heard}")


def _score(
    result: AudioResult, run: LocalRun, references: dict[str, Reference], kinds: dict[str, str]
) -> None:
    truth: dict[int, Intervals] = {1: {}, 2: {}}
    found: dict[int, Intervals] = {1: {}, 2: {}}
    for call_id, reference in references.items():
        words = run.result(call_id, "asr", "words.json", Words)
        errors, total = _word_errors(reference, words)
        before = result.word_errors.get(kinds[call_id], (0, 0))
        result.word_errors[kinds[call_id]] = (before[0] + errors, before[1] + total)
        turns = run.result(call_id, "diarization", "turns.json", Turns)
        truth[reference.channels][call_id] = [
            (turn.speaker, a, b) for turn in reference.turns for a, b in turn.speech
        ]
        found[reference.channels][call_id] = [(t.speaker, t.start_s, t.end_s) for t in turns.turns]
        language = run.result(call_id, "language-id", "language.json", Language)
        result.language.add(language.code == "en")
        run.result(call_id, "postprocess", "transcript.json", Transcript)
        redacted = run.result(call_id, "redaction", "redacted.json", Redacted)
        _score_redaction(result, reference, words, redacted)
        _count_readable(result.readable, reference, words, redacted)
    for channels in (n for n in truth if truth[n]):
        result.der[channels] = diarization_error(truth[channels], found[channels])
        result.der_no_collar[channels] = diarization_error(truth[channels], found[channels], collar_s=0)


def _word_errors(reference: Reference, words: Words) -> tuple[int, int]:
    errors = total = 0
    for channel in range(reference.channels):
        turns = [turn for turn in reference.turns if turn.channel == channel]
        said = sorted((word for turn in turns for word in turn.words), key=lambda w: w.start_s)
        heard = sorted((w for w in words.words if w.channel == channel), key=lambda w: w.start_s)
        more, count = word_errors((w.text for w in said), (w.text for w in heard))
        errors, total = errors + more, total + count
    return errors, total


def _score_redaction(result: AudioResult, reference: Reference, words: Words, redacted: Redacted) -> None:
    """By time: the words heard in the middle of a piece of personal data must be gone. A piece in which no
    word was heard at all has nothing to take out, and is not counted.
    """
    items = []
    for piece in reference.pii:
        channel = reference.turns[piece.turn].channel
        places = frozenset(
            at
            for at, word in enumerate(words.words)
            if word.channel == channel and piece.start_s <= (word.start_s + word.end_s) / 2 <= piece.end_s
        )
        if places:
            items.append(Item(piece.entity.value, piece.value, places))
    found = [Found(r.entity, _places(r)) for r in redacted.redactions]
    missed, wrong = result.redaction.add(items, found)

    def text(places: frozenset[int]) -> str:
        return " ".join(words.words[at].text for at in sorted(places))

    result.notes += [f"{reference.call_id} missed {i.entity} {i.value!r}: {text(i.places)}" for i in missed]
    result.notes += [f"{reference.call_id} wrong {f.entity}: {text(f.places)}" for f in wrong]


def _count_readable(readable: Tally, reference: Reference, words: Words, redacted: Redacted) -> None:
    gone = frozenset().union(*(_places(r) for r in redacted.redactions))
    personal = {(piece.turn, at) for piece in reference.pii for at in range(piece.words_from, piece.words_to)}
    for channel in range(reference.channels):
        said = sorted(
            (word.start_s, word.text, (number, at) in personal and word.text not in HESITATIONS)
            for number, turn in enumerate(reference.turns)
            if turn.channel == channel
            for at, word in enumerate(turn.words)
        )
        heard = [at for at, word in enumerate(words.words) if word.channel == channel]
        same = heard_right([text for _, text, _ in said], [words.words[at].text for at in heard])
        for number, (_, _, is_personal) in enumerate(said):
            if is_personal:
                readable.add(number in same and heard[same[number]] not in gone)


def _places(redaction: Redaction) -> frozenset[int]:
    return frozenset(range(redaction.words_from, redaction.words_to))
