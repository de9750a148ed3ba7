"""Engines behind one method: the probability of each language, from some seconds of speech."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from language_id.model import Model
from switchboard_stage.errors import UsageError
from switchboard_stage.features import Array

EngineName = Literal["acoustic", "faster-whisper"]
MODEL_VARIABLE = "SWITCHBOARD_LANGUAGE_MODEL"
MODEL_PATH = Path("/app/model/language.npz")
"""Where the image has it."""


class Engine(Protocol):
    """Anything that tells languages apart."""

    def identify(self, pieces: Iterable[Array]) -> dict[str, float]:
        """Probability of each language (ISO 639-1) for pieces of 16 kHz speech; adds up to 1."""


class Acoustic:
    """Our own classifier, trained when the image is built; the mean of what it says of each piece."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def identify(self, pieces: Iterable[Array]) -> dict[str, float]:
        """Probability of each language that the model was trained on."""
        mean = np.mean([self._model.log_probabilities(piece) for piece in pieces], axis=0)
        shares = np.exp(mean - mean.max())
        shares /= shares.sum()
        return {code: float(share) for code, share in zip(self._model.languages, shares, strict=True)}


class FasterWhisper:
    """Whisper's language token, by faster-whisper; needs the image's `whisper` requirements and a model
    folder.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    @classmethod
    def load(cls, name_or_folder: str, device: str) -> "FasterWhisper":
        """Raises `UsageError` where the library is not in the image."""
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise UsageError(
                "language_engine", "faster-whisper", "build the image with requirements-whisper.txt"
            ) from error
        return cls(WhisperModel(name_or_folder, device=device, compute_type="auto"))

    def identify(self, pieces: Iterable[Array]) -> dict[str, float]:
        """Probability of each of Whisper's languages."""
        _, _, shares = self._model.detect_language(
            np.concatenate(list(pieces)), language_detection_segments=4
        )
        return {code: float(share) for code, share in shares}


def load(engine: EngineName, whisper_model: str, device: str) -> Engine:
    """The engine of that name. Raises `UsageError` where something that it needs is missing."""
    if engine == "faster-whisper":
        return FasterWhisper.load(whisper_model, device)
    path = Path(os.environ.get(MODEL_VARIABLE, MODEL_PATH))
    if not path.is_file():
        raise UsageError(
            MODEL_VARIABLE,
            str(path),
            "no model there; make one with python -m language_id.train --output PATH",
        )
    return Acoustic(Model.load(path))
