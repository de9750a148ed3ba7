"""Speech from text with the voices that Debian has: flite for English, espeak-ng for everything else."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Pcm = npt.NDArray[np.int16]

ENGLISH = ("slt", "rms", "awb", "kal16")
"""flite's voices at 16 kHz: a woman (slt) and three men; `kal` is a copy of kal16 at 8 kHz."""

ESPEAK_VARIANTS = ("+m2", "+f3", "+m5", "+f5")

LOUDNESS_DBFS = -23.0
"""Level of every turn (RMS over the turn), so that no voice drowns another in a mixed recording."""

PAUSE_S = 0.3
"""Shorter pauses do not cut a turn's speech: the usual limit in diarization scoring."""

PHONE = re.compile(r"(\S+):([\d.]+)")


class VoiceError(RuntimeError):
    """A speech program is missing or failed."""

    def __init__(self, program: str, why: str) -> None:
        super().__init__(
            f"{program}: {why}; install it with `apt-get install {program}`, or run `make tools`"
        )


@dataclass(frozen=True)
class Voice:
    """Who speaks. `name` is a flite voice, or an espeak-ng voice such as `es` or `fr+f2`; `stretch` 1.1 is 10
    % slower.
    """

    name: str
    stretch: float = 1.0

    @property
    def is_flite(self) -> bool:
        """Whether flite speaks with it."""
        return self.name in ENGLISH


@dataclass(frozen=True)
class Clip:
    """A spoken turn without the silence around it. `words` are each word's (start, end) in seconds,
    `speech` the stretches between pauses.
    """

    pcm: Pcm
    words: tuple[tuple[float, float], ...]
    speech: tuple[tuple[float, float], ...]


def speak(voice: Voice, text: str, words: tuple[str, ...], rate_hz: int) -> Clip:
    """Say `text` at `rate_hz`; `words` are what is heard in it. Raises VoiceError where the program is
    missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="samples-") as folder:
        path = Path(folder) / "turn.wav"
        phones = _flite(voice, text, path) if voice.is_flite else _espeak(voice, text, path)
        audio, spoken_hz = soundfile.read(path, dtype="float32")
    if not phones:
        loud = np.flatnonzero(np.abs(audio) > 0.01)
        phones = [(float(loud[0]) / spoken_hz, float(loud[-1]) / spoken_hz)]
    start, end = phones[0][0], phones[-1][1]
    audio = audio[int(start * spoken_hz) : int(end * spoken_hz)]
    moved = [(a - start, b - start) for a, b in phones]
    return Clip(
        _level(soxr.resample(audio, spoken_hz, rate_hz)), _word_times(words, moved, voice), _stretches(moved)
    )


def _flite(voice: Voice, text: str, path: Path) -> list[tuple[float, float]]:
    """Speak, and answer (start, end) of each sound that is not a pause."""
    stretch = f"duration_stretch={voice.stretch:.3f}"
    printed = _run("flite", "-voice", voice.name, "--setf", stretch, "-psdur", "-t", text, "-o", str(path))
    sounds, last = [], 0.0
    for name, end in PHONE.findall(printed):
        if name != "pau":
            sounds.append((last, float(end)))
        last = float(end)
    return sounds


def _espeak(voice: Voice, text: str, path: Path) -> list[tuple[float, float]]:
    _run("espeak-ng", "-v", voice.name, "-s", str(round(160 / voice.stretch)), "-w", str(path), text)
    return []


def _run(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise VoiceError(program, "not found") from None
    except subprocess.CalledProcessError as error:
        raise VoiceError(program, f"exit code {error.returncode}: {error.stderr.strip()[-200:]}") from error
    return done.stdout


def _level(audio: npt.NDArray[np.float32]) -> Pcm:
    rms = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) or 1.0
    gain = min(10 ** (LOUDNESS_DBFS / 20) / rms, 0.98 / float(np.max(np.abs(audio))))
    return np.round(audio * gain * 32767).astype(np.int16)


def _word_times(
    words: tuple[str, ...], sounds: list[tuple[float, float]], voice: Voice
) -> tuple[tuple[float, float], ...]:
    """Give every word its share of the sounds: as many as it has when spoken alone; by letters where that is
    not known.
    """
    if len(sounds) == 1:
        (start, end), letters = sounds[0], np.cumsum([0, *(len(word) + 1 for word in words)])
        edges = start + (end - start) * letters / letters[-1]
        return tuple((float(a), float(b)) for a, b in pairwise(edges))
    counts = np.cumsum([0, *(_sound_count(word, voice.name) for word in words)])
    places = np.round(counts * len(sounds) / counts[-1]).astype(int)
    pairs = pairwise(places)
    return tuple((sounds[min(a, len(sounds) - 1)][0], sounds[max(a, b - 1)][1]) for a, b in pairs)


@lru_cache(maxsize=20_000)
def _sound_count(word: str, voice: str) -> int:
    printed = _run("flite", "-voice", "kal" if voice != "awb" else voice, "-ps", "-t", word, "none")
    return max(1, sum(sound != "pau" for sound in printed.split()))


def _stretches(sounds: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    stretches = [sounds[0]]
    for start, end in sounds[1:]:
        if start - stretches[-1][1] < PAUSE_S:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
    return tuple(stretches)
