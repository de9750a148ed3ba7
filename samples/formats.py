"""The file formats that recordings come in."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from mutagen.ogg import OggPage

SERIAL = 0x5357
"""Any constant: libsndfile numbers Ogg streams by the clock, so that no two files of the same audio are
equal.
"""


@dataclass(frozen=True)
class Format:
    """How libsndfile calls a format, and the rate at which it is written."""

    extension: str
    container: str
    subtype: str
    rate_hz: int


FORMATS = {
    "wav": Format("wav", "WAV", "PCM_16", 16_000),
    "mulaw": Format("wav", "WAV", "ULAW", 8_000),
    "flac": Format("flac", "FLAC", "PCM_16", 16_000),
    "mp3": Format("mp3", "MP3", "MPEG_LAYER_III", 16_000),
    "opus": Format("opus", "OGG", "OPUS", 16_000),
}
"""`mulaw` is telephony: 8 kHz G.711."""


def fix_ogg_serials(path: Path) -> None:
    """Give every page of an Ogg file the same stream number, so that equal audio is an equal file."""
    source, pages = io.BytesIO(path.read_bytes()), bytearray()
    while True:
        try:
            page = OggPage(source)  # type: ignore[no-untyped-call]
        except EOFError:
            break
        page.serial = SERIAL
        pages += page.write()  # type: ignore[no-untyped-call]
    path.write_bytes(pages)
