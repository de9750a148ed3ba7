"""Dialogues to recordings: turns on a time line, mixed and written as they are spoken, so that length costs
no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile

from samples.formats import FORMATS, fix_ogg_serials
from samples.models import Dialogue, Reference, Speaker, SpokenPii, SpokenTurn, Turn, WordTime
from samples.voices import ENGLISH, ESPEAK_VARIANTS, Clip, Pcm, Voice, speak

NOISE_RMS = 12
"""Line noise under everything, in 16-bit steps (-69 dBFS): a real line is never digitally silent."""

LEAD_S, TAIL_S = 0.6, 0.8
"""Silence before the first and after the last turn."""


class Layout(StrEnum):
    """Where the speakers are: agent left and customer right, or both on one channel."""

    TWO_CHANNEL = "two-channel"
    MIXED = "mixed"


@dataclass(frozen=True)
class Recording:
    """How a dialogue is recorded. `voices` are drawn from the dialogue's seed where they are not given."""

    format: str = "wav"
    layout: Layout = Layout.TWO_CHANNEL
    voices: dict[Speaker, Voice] | None = None
    overlap: float = 0.06

    @property
    def channels(self) -> Literal[1, 2]:
        """Channels in the file."""
        return 2 if self.layout is Layout.TWO_CHANNEL else 1


@dataclass(frozen=True)
class _Placed:
    turn: Turn
    clip: Clip
    start: int


def record(
    dialogue: Dialogue, folder: Path, recording: Recording, on_audio: Callable[[float], None] | None = None
) -> Reference:
    """Speak the dialogue into `<folder>/<call_id>.<ext>` with `<call_id>.reference.json` beside it.

    The same dialogue and recording give the same bytes. `on_audio` hears how many seconds lie on the time
    line so far.

    Raises VoiceError where flite or espeak-ng is missing or fails, KeyError for a format that is not in
    FORMATS.
    """
    form = FORMATS[recording.format]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dialogue.call_id}.{form.extension}"
    voices = recording.voices or draw_voices(dialogue)
    mixer = _Mixer(dialogue.seed, recording.channels)
    placed: list[SpokenTurn] = []
    with soundfile.SoundFile(
        path, "w", form.rate_hz, recording.channels, subtype=form.subtype, format=form.container
    ) as out:
        for item in _time_line(dialogue, recording, voices, form.rate_hz):
            out.write(mixer.until(item.start))
            channel = _channel(item.turn.speaker, recording)
            mixer.add(item.start, channel, item.clip.pcm)
            placed.append(_spoken(item, channel, form.rate_hz))
            if on_audio:
                on_audio(placed[-1].end_s)
        end = mixer.end + int(TAIL_S * form.rate_hz)
        out.write(mixer.until(end))
    if form.container == "OGG":
        fix_ogg_serials(path)
    reference = _reference(dialogue, recording, voices, placed, end / form.rate_hz)
    (folder / f"{dialogue.call_id}.reference.json").write_text(reference.model_dump_json(indent=1) + "\n")
    return reference


def draw_voices(dialogue: Dialogue) -> dict[Speaker, Voice]:
    """Two different voices at two speeds for this seed, speaking the dialogue's language."""
    rng = Random(f"voices/{dialogue.seed}")  # noqa: S311
    if dialogue.language == "en":
        agent, customer = rng.sample(ENGLISH, 2)
    else:
        agent, customer = (dialogue.language + variant for variant in rng.sample(ESPEAK_VARIANTS, 2))
    return {
        "agent": Voice(agent, round(rng.uniform(0.95, 1.1), 2)),
        "customer": Voice(customer, round(rng.uniform(0.95, 1.15), 2)),
    }


class _Mixer:
    """Adds clips on a time line, and hands out what no later clip can change."""

    def __init__(self, seed: int, channels: int) -> None:
        self._noise = np.random.default_rng(seed)
        self._buffer = np.zeros((0, channels), np.float32)
        self._at = 0

    @property
    def end(self) -> int:
        """Where the last clip so far ends, in frames from the recording's start."""
        return self._at + len(self._buffer)

    def add(self, start: int, channel: int, pcm: Pcm) -> None:
        missing = start - self._at + len(pcm) - len(self._buffer)
        if missing > 0:
            self._buffer = np.pad(self._buffer, ((0, missing), (0, 0)))
        self._buffer[start - self._at : start - self._at + len(pcm), channel] += pcm

    def until(self, frame: int) -> npt.NDArray[np.int32]:
        """Take everything before `frame`; clips that start before it can no longer be added."""
        count = frame - self._at
        ready = np.zeros((count, self._buffer.shape[1]), np.float32)
        ready[: len(self._buffer)] = self._buffer[:count]
        self._buffer = self._buffer[count:]
        self._at = frame
        ready += self._noise.normal(0, NOISE_RMS, ready.shape).astype(np.float32)
        # 32 bits: libsndfile 1.2 garbles 16-bit stereo on its way to MP3, each time in another way.
        return np.clip(np.round(ready), -32768, 32767).astype(np.int32) << 16


def _time_line(
    dialogue: Dialogue, recording: Recording, voices: dict[Speaker, Voice], rate_hz: int
) -> Iterator[_Placed]:
    """Speak turn after turn, each after a pause as in a conversation; now and then one falls into the end of
    the other.
    """
    rng = Random(f"timing/{dialogue.seed}")  # noqa: S311
    start_s, before, last_start = LEAD_S, "", 0.0
    for place, turn in enumerate(dialogue.turns):
        clip = speak(voices[turn.speaker], turn.text, turn.words, rate_hz)
        if place:
            gap = _gap(rng, before != turn.speaker, recording.overlap, dialogue.turns[place - 1])
            start_s = max(start_s + gap, last_start + 0.2)
        yield _Placed(turn, clip, round(start_s * rate_hz))
        last_start, before = start_s, turn.speaker
        start_s += len(clip.pcm) / rate_hz


def _gap(rng: Random, other_speaker: bool, overlap: float, before: Turn) -> float:
    """Seconds between two turns; negative where the second begins before the first has ended."""
    if other_speaker and rng.random() < overlap:
        return -rng.uniform(0.05, 0.35)
    if "hold" in before.words or "moment" in before.words:
        return rng.uniform(1.5, 4.0)
    return rng.uniform(0.25, 0.9) if rng.random() < 0.85 else rng.uniform(0.9, 2.0)


def _channel(speaker: Speaker, recording: Recording) -> int:
    return 1 if speaker == "customer" and recording.channels == 2 else 0


def _spoken(item: _Placed, channel: int, rate_hz: int) -> SpokenTurn:
    start = item.start / rate_hz

    def at(seconds: float) -> float:
        return round(start + seconds, 3)

    words = tuple(
        WordTime(text=word, start_s=at(a), end_s=at(b))
        for word, (a, b) in zip(item.turn.words, item.clip.words, strict=True)
    )
    return SpokenTurn(
        speaker=item.turn.speaker,
        channel=channel,
        start_s=at(0),
        end_s=at(len(item.clip.pcm) / rate_hz),
        text=item.turn.text,
        words=words,
        speech=tuple((at(a), at(b)) for a, b in item.clip.speech),
    )


def _reference(
    dialogue: Dialogue,
    recording: Recording,
    voices: dict[Speaker, Voice],
    turns: list[SpokenTurn],
    duration_s: float,
) -> Reference:
    form = FORMATS[recording.format]
    return Reference(
        call_id=dialogue.call_id,
        seed=dialogue.seed,
        intents=dialogue.intents,
        language=dialogue.language,
        voices={speaker: voice.name for speaker, voice in voices.items()},
        file=f"{dialogue.call_id}.{form.extension}",
        format=recording.format,
        sample_rate_hz=form.rate_hz,
        channels=recording.channels,
        duration_s=round(duration_s, 3),
        turns=tuple(turns),
        pii=tuple(_places(dialogue, turns)),
    )


def _places(dialogue: Dialogue, turns: list[SpokenTurn]) -> Iterator[SpokenPii]:
    for number, (turn, spoken) in enumerate(zip(dialogue.turns, turns, strict=True)):
        for span in turn.pii:
            yield SpokenPii(
                entity=span.entity,
                value=span.value,
                turn=number,
                words_from=span.words_from,
                words_to=span.words_to,
                speaker=turn.speaker,
                start_s=spoken.words[span.words_from].start_s,
                end_s=spoken.words[span.words_to - 1].end_s,
            )
