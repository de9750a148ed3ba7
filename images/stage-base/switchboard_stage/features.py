"""Mel cepstra of 16 kHz speech, in numpy: what language identification and diarization listen to.

Mel filter bank and cepstrum after Davis and Mermelstein (1980), "Comparison of parametric representations for
monosyllabic word recognition in continuously spoken sentences"; the mel scale is O'Shaughnessy's,
2595 log10(1 + f/700).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
WINDOW = RATE_HZ * 25 // 1000
HOP = RATE_HZ // 100
"""10 ms between frames."""
HOP_S = HOP / RATE_HZ
FFT = 512
BANDS = 26
BAND_HZ = 120.0, 3800.0
"""What a telephone passes, so that narrow and wide recordings look the same."""
PRE_EMPHASIS = 0.97

Array = npt.NDArray[np.float32]


def mfcc(samples: Array, cepstra: int = 13) -> Array:
    """Cepstra c0 to c[cepstra - 1] of each 10 ms frame, shape (frames, cepstra), of 16 kHz samples."""
    if len(samples) < WINDOW:
        return np.zeros((0, cepstra), np.float32)
    emphasised = np.append(samples[0], samples[1:] - PRE_EMPHASIS * samples[:-1]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hamming(WINDOW).astype(np.float32), FFT)) ** 2
    energy = np.log(power.astype(np.float32) @ _filters() + 1e-8)
    return np.asarray(energy @ _cosines(cepstra), np.float32)


def deltas(features: Array, reach: int = 2) -> Array:
    """Slope of each feature over `reach` frames on either side (least squares)."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    count = len(features)
    total = sum(
        n * (padded[reach + n : reach + n + count] - padded[reach - n : reach - n + count])
        for n in range(1, reach + 1)
    )
    return np.asarray(total / (2 * sum(n * n for n in range(1, reach + 1))), np.float32)


def normalised(features: Array) -> Array:
    """Each feature with mean 0 and variance 1: takes the line and most of the voice out."""
    if not len(features):
        return features
    return np.asarray((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-3), np.float32)


def frames_within(spans: list[tuple[float, float]], start_s: float, count: int) -> npt.NDArray[np.bool_]:
    """Which of `count` frames, the first at `start_s`, have their middle in one of the spans (seconds)."""
    middle = start_s + np.arange(count) * HOP_S + WINDOW / RATE_HZ / 2
    inside = np.zeros(count, bool)
    for begin, end in spans:
        inside |= (middle >= begin) & (middle < end)
    return inside


@cache
def _filters() -> Array:
    low, high = (2595 * np.log10(1 + f / 700) for f in BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.arange(FFT // 2 + 1) * RATE_HZ / FFT
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def _cosines(cepstra: int) -> Array:
    """DCT-II, orthonormal."""
    angle = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(cepstra)
    scale = np.where(np.arange(cepstra) == 0, np.sqrt(1 / BANDS), np.sqrt(2 / BANDS))
    return np.asarray(np.cos(angle) * scale, np.float32)
