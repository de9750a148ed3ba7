"""Recognisers behind one method."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

EngineName = Literal["pocketsphinx", "faster-whisper"]


class Heard(NamedTuple):
    """A recognised word; times in seconds from the chunk's start, confidence from 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float


class Engine(Protocol):
    """Anything that turns speech into words. Chunks come channel by channel, in the order of time."""

    name: str
    version: str
    languages: tuple[str, ...]
    """ISO 639-1 codes that it understands; empty for any."""

    def transcribe(self, audio: Path, language: str, *, telephone: bool) -> Iterator[Heard]:
        """Words of a chunk (16 kHz mono), lower case, digits as words. `telephone`: nothing above 4 kHz is in
        it.
        """


def load(engine: EngineName, whisper_model: str, device: str) -> Engine:
    """The engine of that name. Raises `UsageError` where something that it needs is missing."""
    if engine == "faster-whisper":
        from asr.whisper import FasterWhisper

        return FasterWhisper.load(whisper_model, device)
    from asr.sphinx import PocketSphinx

    return PocketSphinx.load()
