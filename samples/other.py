"""Calls that AutoTranscribe is to refuse, each for another reason; and calls in other languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from samples.dialogue import make_dialogue
from samples.models import Dialogue, Speaker, Turn
from samples.recording import Recording, record
from samples.script import PUNCTUATION, expand, phrases


def make_foreign_dialogue(language: str, seed: int, call_id: str | None = None) -> Dialogue:
    """A short call in `es`, `fr` or `de`; its personal data is not marked. Raises KeyError for another
    language.
    """
    rng = Random(f"foreign/{seed}")  # noqa: S311 (has to be repeatable, not unguessable)
    return Dialogue(
        call_id=call_id or f"{language}-{seed:06d}",
        seed=seed,
        intents=("billing",),
        language=language,
        turns=tuple(
            _turn("customer" if place % 2 else "agent", expand(line, rng))
            for place, line in enumerate(phrases("languages")[language])
        ),
    )


def _turn(speaker: Speaker, text: str) -> Turn:
    words = tuple(token.strip(PUNCTUATION + "¿¡").lower() for token in text.split())
    return Turn(speaker=speaker, text=text, words=words)


def make_bad_calls(folder: Path, seed: int = 1) -> dict[str, Path]:
    """Write one recording of each kind of BAD_CALLS into `folder`: kind -> path; call id `bad-<kind>`."""
    folder.mkdir(parents=True, exist_ok=True)
    return {kind: make(folder / f"bad-{kind}.wav", seed) for kind, make in BAD_CALLS.items()}


def _not_audio(path: Path, seed: int) -> Path:
    path.write_bytes(f"Call {seed}: somebody has put a note where a recording was expected.\n".encode() * 40)
    return path


def _empty(path: Path, seed: int) -> Path:  # noqa: ARG001 (one signature for all kinds)
    path.write_bytes(b"")
    return path


def _truncated(path: Path, seed: int) -> Path:
    """The upload stopped in the middle: the header promises more than there is."""
    record(make_dialogue(seed, minutes=0.5, call_id=path.stem), path.parent, Recording("wav"))
    path.with_suffix(".reference.json").unlink()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    return path


def _silent(path: Path, seed: int) -> Path:
    """Half a minute of line noise on both channels: nobody speaks."""
    noise = np.random.default_rng(seed).normal(0, 12, (30 * 16_000, 2))
    soundfile.write(path, noise.astype(np.int16), 16_000, subtype="PCM_16")
    return path


def _spanish(path: Path, seed: int) -> Path:
    record(make_foreign_dialogue("es", seed, call_id=path.stem), path.parent, Recording("wav"))
    path.with_suffix(".reference.json").unlink()
    return path


BAD_CALLS: dict[str, Callable[[Path, int], Path]] = {
    "not-audio": _not_audio,
    "empty": _empty,
    "truncated": _truncated,
    "silent": _silent,
    "spanish": _spanish,
}
"""Kinds of recordings that get an error record instead of a transcript."""
