"""Trains the classifier; runs when the image is built: `python -m language_id.train --output model.npz`.

The same seed and the same voices give the same model. Prints accuracy on voices and sentences that it has not
heard and fails
below the floor.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from language_id.corpus import DIALECTS, Piece, pieces
from language_id.model import Model, counts, frames_of
from switchboard_stage.features import Array

FINE, COARSE = 512, 64
FLOOR = 0.9
"""Of the accuracy on unheard voices, below which no image is made."""
BOOK_FRAMES = 120_000
"""Frames that the codebooks are made of."""


def train(seed: int, repeats: int) -> Model:
    """A model without its accuracy."""
    # So little data takes one thread less time than two that share busy cores.
    with threadpool_limits(limits=1):
        return _train(seed, repeats)


def _train(seed: int, repeats: int) -> Model:
    material = list(pieces(seed, test=False, repeats=repeats))
    frames = [frames_of(piece.samples) for piece in material]
    every = np.concatenate(frames)
    sample = every[
        np.random.default_rng(seed).choice(len(every), min(BOOK_FRAMES, len(every)), replace=False)
    ]
    fine, coarse = (_book(sample, size, seed) for size in (FINE, COARSE))
    found = np.stack([counts(f, fine, coarse) for f in frames])
    mean, scale = found.mean(axis=0), found.std(axis=0) + 0.01
    # English has more voices (flite's): balanced, so that it is not the answer when in doubt.
    regression = LogisticRegression(C=0.003, max_iter=500, class_weight="balanced")
    languages = tuple(DIALECTS)
    regression.fit((found - mean) / scale, [languages.index(piece.language) for piece in material])
    weights = regression.coef_.T.astype(np.float32)
    return Model(languages, fine, coarse, mean, scale, weights, regression.intercept_.astype(np.float32), 0.0)


def judge(model: Model, test: Iterable[Piece]) -> dict[str, tuple[int, int]]:
    """Right answers and pieces of each language and kind of voice; `all` sums up."""
    told: dict[str, list[bool]] = defaultdict(list)
    for piece in test:
        answer = model.languages[int(np.argmax(model.log_probabilities(piece.samples)))]
        right = answer == piece.language
        engine, _, voice = piece.voice.partition(":")
        for key in ("all", f"{piece.language} {voice if engine == 'flite' else engine}"):
            told[key].append(right)
    return {key: (sum(rights), len(rights)) for key, rights in told.items()}


def main() -> None:
    """Train, judge, write model and `<model>.json` beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--floor", type=float, default=FLOOR)
    given = parser.parse_args()
    model = train(given.seed, given.repeats)
    told = judge(model, pieces(given.seed + 1, test=True))
    for key, (right, count) in sorted(told.items()):
        print(f"{key:20} {right:4} of {count:4}  {right / count:6.1%}")
    right, count = told["all"]
    model = model._replace(accuracy=right / count)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    model.save(given.output)
    given.output.with_suffix(".json").write_text(json.dumps(told, indent=1, sort_keys=True))
    if model.accuracy < given.floor:
        sys.exit(f"accuracy {model.accuracy:.3f} on unheard voices is under the floor {given.floor}")


def _book(frames: Array, size: int, seed: int) -> Array:
    means = MiniBatchKMeans(size, random_state=seed, n_init=1, batch_size=4096, max_iter=30).fit(frames)
    return np.asarray(means.cluster_centers_, np.float32)


if __name__ == "__main__":
    main()
