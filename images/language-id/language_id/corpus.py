"""Training material made on the spot: our sentences, spoken by Debian's flite and espeak-ng in many voices.

Sentences and voices of the test part are not in the training part.
"""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr

from switchboard_stage.features import RATE_HZ, Array

SENTENCES = Path(__file__).parent / "sentences"
HELD_OUT = 10
"""The last sentences of each language are for the test."""
DIALECTS = {
    "en": ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029"),
    "es": ("es", "es-419"),
    "fr": ("fr-fr", "fr-be", "fr-ch"),
    "de": ("de",),
    "pt": ("pt", "pt-br"),
}
TRAIN_VARIANTS = ("m1", "m3", "m4", "m6", "m7", "f1", "f2", "f4", "klatt", "croak")
TEST_VARIANTS = ("m2", "m5", "f3", "f5")
TRAIN_FLITE = ("slt", "kal16", "kal")
TEST_FLITE = ("rms", "awb")
PIECE_S = 3.0, 9.0
"""Shortest and longest training example; calls are judged by pieces of 8 s, short ones by less."""
WEARS = 3
"""How often each example is used, each time as another line delivers it: speaking is what takes the time."""


class Piece(NamedTuple):
    """Some seconds of one voice."""

    language: str
    voice: str
    samples: Array


def pieces(seed: int, *, test: bool, repeats: int = 1) -> Iterator[Piece]:
    """The corpus, in a fixed order. `repeats`: how often each voice reads the sentences, in another order
    each time.
    """
    rng = np.random.default_rng(seed)
    for language in DIALECTS:
        lines = (SENTENCES / f"{language}.txt").read_text().splitlines()
        lines = lines[-HELD_OUT:] if test else lines[:-HELD_OUT]
        for voice in _voices(language, test=test):
            for _ in range(repeats):
                order = [lines[i] for i in rng.permutation(len(lines))]
                for samples in _gather(order, voice, rng):
                    for _ in range(1 if test else WEARS):
                        yield Piece(language, voice, worn(samples, rng))


def speak(text: str, voice: str, speed: int = 160, pitch: int = 50) -> Array:
    """Text as 16 kHz sound. `voice`: `flite:slt`, or `espeak:es+m3`; speed in words a minute and pitch are
    espeak's.
    """
    engine, _, name = voice.partition(":")
    if engine == "flite":
        command = ["flite", "-voice", name, "-t", text, "-o", "/dev/stdout"]
    else:
        command = ["espeak-ng", "-v", name, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    sound, rate = _read(raw)
    return np.asarray(soxr.resample(sound, rate, RATE_HZ), np.float32)


def worn(samples: Array, rng: np.random.Generator) -> Array:
    """As a line delivers it: other size of the throat, telephone band, noise, level. Half of the pieces stay
    wide.
    """
    factor = rng.uniform(0.9, 1.1)
    samples = np.asarray(soxr.resample(samples, RATE_HZ, RATE_HZ * factor), np.float32)
    if rng.random() < 0.5:
        narrow = soxr.resample(samples, RATE_HZ, 8000)
        samples = np.asarray(soxr.resample(_mu_law(narrow), 8000, RATE_HZ), np.float32)
    level = float(np.sqrt(np.mean(np.square(samples)))) + 1e-6
    noise = rng.normal(0, level * 10 ** (-rng.uniform(15, 40) / 20), len(samples))
    return np.asarray((samples + noise) * rng.uniform(0.3, 1.5), np.float32)


def _voices(language: str, *, test: bool) -> list[str]:
    variants = TEST_VARIANTS if test else TRAIN_VARIANTS
    dialects = DIALECTS[language]
    voices = [f"espeak:{dialects[n % len(dialects)]}+{variant}" for n, variant in enumerate(variants)]
    if language == "en":
        voices += [f"flite:{name}" for name in (TEST_FLITE if test else TRAIN_FLITE)]
    return voices


def _gather(lines: list[str], voice: str, rng: np.random.Generator) -> Iterator[Array]:
    """Sentences one after the other until there are enough seconds."""
    pending: list[Array] = []
    wanted = rng.uniform(*PIECE_S)
    for line in lines:
        pending.append(speak(line, voice, int(rng.integers(130, 200)), int(rng.integers(20, 80))))
        if sum(map(len, pending)) >= wanted * RATE_HZ:
            yield np.concatenate(pending)
            pending, wanted = [], rng.uniform(*PIECE_S)
    if pending:
        yield np.concatenate(pending)


def _read(raw: bytes) -> tuple[Array, int]:
    # Into a pipe both programs write lengths that are not true: the sound is what follows the header.
    at = raw.index(b"data") + 8
    rate = int.from_bytes(raw[24:28], "little")
    sound, _ = soundfile.read(
        io.BytesIO(raw[at : at + (len(raw) - at) // 2 * 2]),
        format="RAW",
        subtype="PCM_16",
        endian="LITTLE",
        channels=1,
        samplerate=rate,
        dtype="float32",
    )
    return sound, rate


def _mu_law(samples: Array) -> Array:
    """There and back through 8 bits (ITU-T G.711's curve, mu = 255)."""
    clipped = np.clip(samples, -1, 1)
    packed = np.sign(clipped) * np.log1p(255 * np.abs(clipped)) / np.log(256)
    packed = np.round(packed * 127) / 127
    return np.asarray(np.sign(packed) * (256 ** np.abs(packed) - 1) / 255, np.float32)
