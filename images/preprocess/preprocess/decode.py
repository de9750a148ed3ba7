"""Opens a recording, whatever its format, and reads it block by block.

Raises `StageError` for what is no recording, and for one that ends before its header says so.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from switchboard_stage import StageError

RATE_HZ = 16_000
"""Rate that all later stages work at."""
BLOCK_S = 1.0
"""Length of the pieces that are read at a time."""
CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "MP3", "OGG", "AIFF", "AU", "CAF"})
RAW_ULAW = frozenset({".ulaw", ".ul", ".mulaw"})
"""Endings of 8 kHz mu-law without a header, as telephone switches write it."""
LEAST_SHARE = 0.98
"""A recording shorter than this share of what its header says is truncated; encoders' padding is within
it.
"""
SEND_AGAIN = "upload the whole recording again"

Samples = npt.NDArray[np.float32]


class Format(NamedTuple):
    """What the recording is."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int


@contextmanager
def open_audio(path: Path) -> Iterator[soundfile.SoundFile]:
    """The recording, opened. Raises `StageError` where it is empty, not audio, truncated or of too many
    channels.
    """
    if path.stat().st_size == 0:
        raise StageError("empty: the object has no bytes", remedy=SEND_AGAIN)
    try:
        with _open(path) as sound:
            _check(sound, path)
            yield sound
    except soundfile.LibsndfileError as error:
        raise StageError(
            f"not audio: no decoder reads {path.name} ({error.error_string.strip() or error.code})",
            remedy="upload WAV, FLAC, MP3 or Opus in Ogg; convert other formats first",
        ) from error


def format_of(sound: soundfile.SoundFile) -> Format:
    """What the recording is, in libsndfile's words, in small letters."""
    return Format(sound.format.lower(), sound.subtype.lower(), sound.samplerate, sound.channels)


def blocks(sound: soundfile.SoundFile) -> Iterator[Samples]:
    """The recording at 16 kHz, about a second at a time, as arrays of shape (frames, channels).

    Raises `StageError` where it breaks off before its end.
    """
    resampler = soxr.ResampleStream(sound.samplerate, RATE_HZ, sound.channels, dtype="float32", quality="HQ")
    read = 0
    while True:
        try:
            block = sound.read(int(sound.samplerate * BLOCK_S), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise _broken_off(read, sound, "cannot be decoded any further") from error
        read += len(block)
        # soxr wants flat arrays for one channel.
        flat = block[:, 0] if sound.channels == 1 else block
        out = resampler.resample_chunk(flat, last=not len(block))
        if len(out):
            yield out.reshape(-1, sound.channels)
        if not len(block):
            break
    if _length_is_known(sound) and read < sound.frames * LEAST_SHARE:
        raise _broken_off(read, sound, "then the file ends")


class _Straight(soundfile.SoundFile):  # type: ignore[misc]
    """Read from front to end only: soundfile seeks after each block, which makes the MP3 decoder complain."""

    def seekable(self) -> bool:
        return False


def _open(path: Path) -> soundfile.SoundFile:
    if path.suffix.lower() in RAW_ULAW:
        return _Straight(path, format="RAW", subtype="ULAW", samplerate=8000, channels=1)
    return _Straight(path)


def _check(sound: soundfile.SoundFile, path: Path) -> None:
    if sound.format not in CONTAINERS and sound.format != "RAW":
        raise StageError(
            f"not audio that is supported: {sound.format_info}", remedy="convert it to WAV, FLAC, MP3 or Opus"
        )
    if sound.channels > 2:
        raise StageError(
            f"unsupported channels: {sound.channels}",
            remedy="export it with one channel, or one for each side",
        )
    missing = {"WAV": _missing_from_wav, "WAVEX": _missing_from_wav, "OGG": _missing_from_ogg}.get(
        sound.format
    )
    if missing and (told := missing(path)):
        raise StageError(f"truncated: {told}", remedy=SEND_AGAIN)


def _broken_off(read: int, sound: soundfile.SoundFile, how: str) -> StageError:
    heard, told = read / sound.samplerate, sound.frames / sound.samplerate
    return StageError(f"truncated: {heard:.1f} s of {told:.1f} s are there, {how}", remedy=SEND_AGAIN)


def _length_is_known(sound: soundfile.SoundFile) -> bool:
    """Not for an MP3 without a length in its first frame: libsndfile then guesses."""
    if sound.format != "MP3":
        return bool(sound.frames < 2**62)
    with Path(sound.name).open("rb") as file:
        head = file.read(1 << 16)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


def _missing_from_wav(path: Path) -> str:
    """Compares the data chunk's length with what is there. libsndfile silently takes the shorter of the
    two.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        order = ">" if file.read(12)[:4] == b"RIFX" else "<"
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack(f"{order}4sI", header)
            if name != b"data":
                file.seek(length + length % 2, 1)
                continue
            there = size - file.tell()
            # A program that writes into a pipe cannot know the length, and says 0 or the largest.
            streamed = length == 0 or length >= 0x7FFFFFFF
            if there < length * LEAST_SHARE and not streamed:
                return f"the header says {length} bytes of sound, {there} are there"
            return ""
    return "there is no sound after the header"


def _missing_from_ogg(path: Path) -> str:
    """The last page of an Ogg stream is marked as the last (RFC 3533, header type 4)."""
    most = 65_307 + 27  # the largest page, and a header
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - most))
        tail = file.read()
    page = tail.rfind(b"OggS")
    whole = page >= 0 and len(tail) > page + 27
    if not whole or not tail[page + 5] & 4:
        return "the stream has no last page"
    lacing = tail[page + 27 : page + 27 + tail[page + 26]]
    missing = sum(lacing) - (len(tail) - page - 27 - len(lacing))
    return f"the last page lacks {missing} bytes" if missing > 0 else ""
