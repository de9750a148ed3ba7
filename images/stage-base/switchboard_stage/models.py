"""What stages hand to each other, as frozen models. Times are seconds from the call's start.

Every one of these is a JSON file in the object store (see `switchboard_stage.layout` for where); a key that a
model does not know is refused, so that two stages of different versions do not misread each other in silence.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Frozen, and refuses unknown keys. Its errors do not quote what was in it: that can be personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


# --- the run


class Call(Model):
    """A recording to work on."""

    call_id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._=+-]*$")
    uri: str
    etag: str = ""
    size_bytes: int = Field(default=0, ge=0)


class ErrorRecord(Model):
    """Why a call has no transcript; `error.json` beside its results."""

    call_id: str
    uris: tuple[str, ...]
    stage: str
    reason: str
    remedy: str
    run_id: str
    image: str = ""
    at: datetime


class Batch(Model):
    """The calls that one task of a stage works through, and those refused before any stage saw them."""

    run_id: str
    index: int = Field(ge=0)
    calls: tuple[Call, ...]
    rejected: tuple[ErrorRecord, ...] = ()


class StageDone(Model):
    """`_done.json`: written last, so where it is, all `outputs` (names of files) had been written."""

    fingerprint: str
    stage: str
    image: str
    seconds: float = Field(ge=0)
    audio_s: float = Field(ge=0)
    outputs: tuple[str, ...] = ()


Outcome = Literal["done", "unchanged", "failed", "set-aside"]


class CallOutcome(Model):
    """What a stage did with one call. `set-aside`: an earlier stage has already failed on it."""

    call_id: str
    outcome: Outcome
    seconds: float = Field(ge=0)
    audio_s: float = Field(default=0, ge=0)
    reason: str = ""


class BatchReport(Model):
    """`runs/<run_id>/stages/<stage>/<batch>.json`: one task's account of its batch."""

    run_id: str
    stage: str
    batch: int
    image: str
    started_at: datetime
    seconds: float = Field(ge=0)
    audio_s: float = Field(ge=0, description="audio worked on now: unchanged and failed calls not counted")
    calls: tuple[CallOutcome, ...]


# --- preprocess


class Span(Model):
    """A stretch of one channel."""

    channel: int = Field(ge=0)
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)


class AudioSource(Model):
    """The recording as it came."""

    uri: str
    etag: str
    container: str
    codec: str
    sample_rate_hz: int
    channels: int


class AudioChunk(Span):
    """A piece of one channel as FLAC, 16 kHz mono; `key` is relative to the preprocess folder of the call."""

    index: int = Field(ge=0)
    key: str


class AudioManifest(Model):
    """`preprocess/manifest.json`."""

    call_id: str
    source: AudioSource
    duration_s: float
    chunks: tuple[AudioChunk, ...]
    speech: tuple[Span, ...]

    def chunks_of(self, channel: int) -> tuple[AudioChunk, ...]:
        """The chunks of one channel in the order of time."""
        return tuple(c for c in self.chunks if c.channel == channel)

    def speech_of(self, channel: int) -> tuple[Span, ...]:
        """Where somebody speaks on one channel."""
        return tuple(s for s in self.speech if s.channel == channel)


# --- language-id, diarization, asr


class Language(Model):
    """`language-id/language.json`; `code` and the keys of `scores` are ISO 639-1."""

    code: str
    confidence: float = Field(ge=0, le=1)
    scores: Mapping[str, float]


class Turn(Span):
    """Somebody speaks."""

    speaker: str


class Turns(Model):
    """`diarization/turns.json`."""

    method: Literal["channel", "clustering"]
    turns: tuple[Turn, ...]


class Word(Model):
    """A recognised word; `text` is a redaction tag like `[CARD_NUMBER]` where the word was personal data."""

    text: str
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    confidence: float = Field(ge=0, le=1)
    channel: int = Field(ge=0)
    speaker: str


class Words(Model):
    """`asr/words.json`, in the order of time."""

    engine: str
    engine_version: str
    words: tuple[Word, ...]


# --- redaction, postprocess


class Redaction(Model):
    """Personal data that was taken out: what kind and where, never what it said.

    `words_from` and `words_to` are the range (end excluded) of the words of `asr/words.json` that it covered.
    """

    entity: str
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    speaker: str
    score: float = Field(ge=0, le=1)
    recogniser: str
    words_from: int = Field(ge=0)
    words_to: int = Field(ge=0)


class Redacted(Model):
    """`redaction/redacted.json`."""

    words: tuple[Word, ...]
    redactions: tuple[Redaction, ...]


class Segment(Model):
    """An uninterrupted stretch of one speaker."""

    speaker: str
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]


class Transcript(Model):
    """`postprocess/transcript.json`: what people and programs read."""

    call_id: str
    source: AudioSource
    duration_s: float
    language: Language
    speakers: tuple[str, ...]
    segments: tuple[Segment, ...]
    redactions: tuple[Redaction, ...]
    versions: Mapping[str, str] = Field(description="image of every stage that worked on it, by digest")
    run_id: str = Field(description="the run that wrote it")
