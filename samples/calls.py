"""Ready-made sets of calls for `make up`, the tests and the benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from samples.dialogue import make_dialogue
from samples.models import Reference
from samples.recording import Layout, Recording, record
from samples.voices import Voice

SAMPLE_SEED = 2035
"""Seed of the call that `make up` shows: forty seconds, names and a card number, heard and redacted well."""


@dataclass(frozen=True)
class Kind:
    """A kind of call: how it is recorded, about how long, and what about (None: chosen by the seed)."""

    recording: Recording
    minutes: float | None = None
    intents: tuple[str, ...] | None = None


KINDS: dict[str, Kind] = {
    "wav": Kind(Recording("wav")),
    "telephony": Kind(Recording("mulaw"), intents=("lost_card",)),
    "mp3-mixed": Kind(Recording("mp3", Layout.MIXED)),
    "opus": Kind(Recording("opus"), intents=("card_payment",)),
    "flac-long": Kind(Recording("flac"), intents=("billing", "address_change", "technical_support")),
    "telephony-mixed": Kind(Recording("mulaw", Layout.MIXED), minutes=0.7),
}
"""Every format, both layouts, short and long."""


def make_calls(
    folder: Path, seed: int = 1, kinds: Iterable[str] = tuple(KINDS), minutes: float | None = None
) -> list[Reference]:
    """Write one call of each kind into `folder`, named `<kind>-<seed>`, with its reference beside it.

    `minutes`: about how long each is, instead of what its kind says.

    Raises KeyError for a kind that is not in KINDS.
    """
    return [make_call(folder, kind, seed + place, minutes) for place, kind in enumerate(kinds)]


def make_call(folder: Path, kind: str, seed: int, minutes: float | None = None) -> Reference:
    """Write one call of a kind of KINDS into `folder`; it is called `<kind>-<seed>`."""
    chosen = KINDS[kind]
    dialogue = make_dialogue(seed, minutes or chosen.minutes, chosen.intents, call_id=f"{kind}-{seed:04d}")
    return record(dialogue, folder, chosen.recording)


def make_sample_call(folder: Path) -> Path:
    """Write the short two-channel call that `make up` transcribes into `folder`; answers its path.

    Made anew each time, and each time the same.
    """
    path = folder / "sample-call.wav"
    dialogue = make_dialogue(SAMPLE_SEED, minutes=0.5, intents=("card_payment",), call_id="sample-call")
    record(dialogue, folder, Recording("wav", voices={"agent": Voice("slt"), "customer": Voice("rms")}))
    return path
