"""What a recogniser is: one method behind which any can stand."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol


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
