"""The acoustic classifier: counts of sounds and of their order, weighed by logistic regression.

Frames (cepstra and their slopes, normalised over the stretch, so that voice and line fall away) are named by
the nearest entry of a codebook; how often each name occurs, and how often one of a coarser book follows
another, tells languages apart, as phonotactic systems do with phones (Zissman 1996, "Comparison of four
approaches to automatic language identification of telephone speech"). Needs only numpy.
"""

from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from switchboard_stage.features import Array, deltas, mfcc, normalised

STEP = 6
"""Frames (60 ms, about a phone) between the two of a pair that are counted as following one another."""
CEPSTRA = 13


class Model(NamedTuple):
    """Codebooks, weights, and what the training measured on voices that it had not heard."""

    languages: tuple[str, ...]
    fine: Array
    coarse: Array
    mean: Array
    scale: Array
    weights: Array
    bias: Array
    accuracy: float

    @classmethod
    def load(cls, path: Path) -> Self:
        """The model in an .npz file."""
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in cls._fields if name not in ("languages", "accuracy")}
            languages = tuple(str(code) for code in data["languages"])
            return cls(languages=languages, accuracy=float(data["accuracy"]), **arrays)

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in self._asdict().items()}
        np.savez_compressed(path, **arrays)

    def log_probabilities(self, samples: Array) -> npt.NDArray[np.float64]:
        """Of each language, for a stretch of speech of some seconds (16 kHz)."""
        found = (counts(frames_of(samples), self.fine, self.coarse) - self.mean) / self.scale
        scores = (found @ self.weights + self.bias).astype(np.float64)
        peak = scores.max()
        return np.asarray(scores - peak - np.log(np.exp(scores - peak).sum()))


def frames_of(samples: Array) -> Array:
    """What the codebooks are of: normalised cepstra with slopes."""
    cepstra = mfcc(samples, CEPSTRA)
    return normalised(np.hstack([cepstra, deltas(cepstra, 3)]))


def counts(frames: Array, fine: Array, coarse: Array) -> Array:
    """Square roots (Hellinger) of the shares of the sounds, and of the pairs of them."""
    single = np.bincount(nearest(frames, fine), minlength=len(fine)).astype(np.float32)
    names = nearest(frames, coarse)
    pairs = np.bincount(names[:-STEP] * len(coarse) + names[STEP:], minlength=len(coarse) ** 2).astype(
        np.float32
    )
    shares = np.concatenate([single / max(single.sum(), 1), pairs / max(pairs.sum(), 1)])
    return np.asarray(np.sqrt(shares), np.float32)


def nearest(frames: Array, book: Array) -> npt.NDArray[np.intp]:
    """Index of the entry that is nearest to each frame."""
    distance = np.square(book).sum(axis=1) - 2 * frames @ book.T
    return np.asarray(np.argmin(distance, axis=1), np.intp)
