"""Speakers of one channel, told apart by their voices.

Windows of speech are described by the mean and spread of their cepstra and by the pitch, clustered
agglomeratively, and each cluster
becomes a Gaussian mixture, with which every frame is scored; a Viterbi pass with a price on changing the
speaker smooths the answer. As
classical systems do (Tranter and Reynolds 2006, "An overview of automatic speaker diarization systems").
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from switchboard_stage.features import HOP_S, RATE_HZ, Array, mfcc

CEPSTRA = 20
STEP_S = 0.1
"""Frames are averaged over 0.1 s: what is kept of an hour is 36,000 x 21 numbers, 3 MB."""
POOL = round(STEP_S / HOP_S)
WINDOW_S, WINDOW_HOP_S = 1.5, 0.75
MOST_WINDOWS = 4000
"""Clustered at most (agglomeration is quadratic: 64 MB); of longer calls, evenly spread ones."""
COMPONENTS = 8
"""Of a speaker's mixture."""
CHANGE_PRICE = 12.0
"""Log likelihood that another speaker must be better by, in total, to take over."""
ROUNDS = 3
PITCH_HZ = 60.0, 400.0
PITCH_WEIGHT = 2.5
"""Of the pitch against one cepstral dimension: it is the one feature that tells voices apart best."""

Labels = npt.NDArray[np.intp]


class Pooled(NamedTuple):
    """A chunk's speech, 0.1 s a row: cepstra without loudness, and the pitch (log2 Hz, NaN where there is
    none).
    """

    cepstra: Array
    pitch: Array


def describe(samples: Array) -> Pooled:
    """Features of a chunk, 0.1 s a row; a rest shorter than that falls away."""
    cepstra = mfcc(samples, CEPSTRA)[:, 1:]
    rows = len(cepstra) // POOL
    pooled = cepstra[: rows * POOL].reshape(rows, POOL, -1).mean(axis=1)
    return Pooled(pooled, pitch_of(samples, rows))


def pitch_of(samples: Array, rows: int) -> Array:
    """Pitch every 0.1 s by autocorrelation over 64 ms; NaN where the sound does not repeat itself."""
    size = 1024
    step = round(STEP_S * RATE_HZ)
    padded = np.pad(samples, (0, max(0, (rows - 1) * step + size - len(samples))))
    found = np.full(rows, np.nan, np.float32)
    shortest, longest = int(RATE_HZ / PITCH_HZ[1]), int(RATE_HZ / PITCH_HZ[0])
    for row in range(rows):
        frame = padded[row * step : row * step + size]
        frame = frame - frame.mean()
        power = np.abs(np.fft.rfft(frame, 2 * size)) ** 2
        lags = np.fft.irfft(power)[:longest]
        # A lag has fewer samples to agree on the longer it is.
        lags = lags / (lags[0] + 1e-9) * size / (size - np.arange(longest))
        best = shortest + int(np.argmax(lags[shortest:]))
        if lags[best] > 0.5:
            found[row] = np.log2(RATE_HZ / best)
    return found


def cluster(cepstra: Array, pitch: Array, most_speakers: int) -> Labels:
    """Speaker of each 0.1 s row of speech."""
    if most_speakers == 1 or len(cepstra) < 2 * round(WINDOW_S / STEP_S):
        return np.zeros(len(cepstra), np.intp)
    frames = np.asarray((cepstra - cepstra.mean(axis=0)) / (cepstra.std(axis=0) + 1e-3), np.float32)
    labels = _first_guess(frames, pitch, most_speakers)
    voice = _voice(frames, pitch)
    # On so little data BLAS threads wait for each other: on a busy machine 16 times slower than one thread.
    with threadpool_limits(1):
        for _ in range(ROUNDS):
            speakers = np.unique(labels)
            if len(speakers) < 2:
                break
            scores = np.stack([_score(voice, labels == speaker) for speaker in speakers], axis=1)
            labels = viterbi(scores, CHANGE_PRICE)
    return labels


def viterbi(scores: npt.NDArray[np.float64], price: float) -> Labels:
    """The likeliest sequence of states where each change costs `price`; `scores` is (frames, states)."""
    count, states = scores.shape
    back = np.zeros((count, states), np.intp)
    best = scores[0].copy()
    for row in range(1, count):
        leader = int(np.argmax(best))
        stay = best >= best[leader] - price
        back[row] = np.where(stay, np.arange(states), leader)
        best = np.where(stay, best, best[leader] - price) + scores[row]
    path = np.zeros(count, np.intp)
    path[-1] = int(np.argmax(best))
    for row in range(count - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path


def _first_guess(frames: Array, pitch: Array, most_speakers: int) -> Labels:
    size, hop = round(WINDOW_S / STEP_S), round(WINDOW_HOP_S / STEP_S)
    starts = np.arange(0, len(frames) - size + 1, hop)
    chosen = starts[:: -(-len(starts) // MOST_WINDOWS)]
    windows = np.stack([_summary(frames[s : s + size], pitch[s : s + size]) for s in chosen])
    windows = (windows - windows.mean(axis=0)) / (windows.std(axis=0) + 1e-3)
    windows[:, -1] *= PITCH_WEIGHT
    names = fcluster(linkage(windows, "ward"), most_speakers, "maxclust") - 1
    middles = chosen + size // 2
    nearest = np.searchsorted((middles[1:] + middles[:-1]) / 2, np.arange(len(frames)))
    return np.asarray(names[nearest], np.intp)


def _summary(frames: Array, pitch: Array) -> Array:
    heard = pitch[~np.isnan(pitch)]
    middle = np.median(heard) if len(heard) else np.log2(150)
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0), [middle]]).astype(np.float32)


def _voice(frames: Array, pitch: Array) -> Array:
    """What mixtures are made of: cepstra, and the pitch around each row (median of 0.5 s)."""
    padded = np.pad(pitch, 2, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 5)
    some = ~np.isnan(around).all(axis=1)
    smooth = np.full(len(pitch), np.nan)
    smooth[some] = np.nanmedian(around[some], axis=1)
    middle, spread = (np.nanmean(smooth), np.nanstd(smooth) + 0.05) if some.any() else (0.0, 1.0)
    column = np.nan_to_num((smooth - middle) / spread) * PITCH_WEIGHT / 2
    return np.hstack([frames, column[:, None].astype(np.float32)])


def _score(voice: Array, mine: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    components = max(1, min(COMPONENTS, int(mine.sum()) // 40))
    mixture = GaussianMixture(
        components, covariance_type="diag", random_state=1, reg_covar=0.05, max_iter=200, tol=0.01
    )
    return np.asarray(mixture.fit(voice[mine]).score_samples(voice), np.float64)
