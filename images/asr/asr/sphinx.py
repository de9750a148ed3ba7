"""PocketSphinx: a recogniser that runs offline on a CPU, with the English model of its wheel."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pocketsphinx
import soundfile

from asr.engine import Heard

FRAME_S = 0.01
VARIANT = re.compile(r"\(\d+\)$")
"""Marks which pronunciation of a word was heard."""
FILLERS = ("<", "[", "+")
"""First letters of silence, noise and coughs."""
IMAGE_GAIN = 0.2
"""The model expects sound up to 6.8 kHz, a telephone ends at 4 kHz: the lower half, mirrored and at this
gain, fills the upper ("spectral folding", Makhoul and Berouti 1979, "High-frequency regeneration in speech
coding systems"). On flite's voices at 8 kHz, word error rate 0.45 instead of 0.51.
"""

Pcm = npt.NDArray[np.int16]


class PocketSphinx:
    """One decoder for all calls. It hears each chunk as if there were no other, so their order changes
    nothing.
    """

    name = "pocketsphinx"
    languages: tuple[str, ...] = ("en",)

    def __init__(self, decoder: Any, engine_version: str) -> None:
        self._decoder = decoder
        self.version = engine_version

    @classmethod
    def load(cls) -> Self:
        """The decoder with its own model."""
        decoder = pocketsphinx.Decoder(loglevel="FATAL")
        return cls(decoder, version("pocketsphinx"))

    def transcribe(self, audio: Path, language: str, *, telephone: bool) -> Iterator[Heard]:
        """Words with posterior probabilities."""
        del language  # one model
        samples, _ = soundfile.read(audio, dtype="int16")
        decoder = self._decoder
        decoder.reinit_feat()  # else the estimate of the noise is that of the chunk before
        decoder.start_utt()
        decoder.process_raw((widened(samples) if telephone else samples).tobytes(), full_utt=True)
        decoder.end_utt()
        for segment in decoder.seg() or ():
            if not segment.word.startswith(FILLERS):
                yield Heard(
                    VARIANT.sub("", segment.word),
                    segment.start_frame * FRAME_S,
                    (segment.end_frame + 1) * FRAME_S,
                    min(1.0, float(decoder.logmath.exp(segment.prob))),
                )


def widened(samples: Pcm) -> Pcm:
    """Telephone speech with something above 4 kHz. Every other sample negated is the spectrum mirrored at 4
    kHz.
    """
    mirror = np.where(np.arange(len(samples)) % 2, -1, 1)
    mixed = samples * (1 + IMAGE_GAIN * mirror)
    return np.asarray(np.clip(mixed, -32768, 32767), np.int16)
