"""faster-whisper: the engine for production, on a GPU where there is one. Not in the default image."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from asr.engine import Heard
from switchboard_stage.errors import UsageError

NOT_IN_WORDS = re.compile(r"[^\w'-]+")


class FasterWhisper:
    """Whisper with word times; each chunk for itself, so that one that it dreams about does not spoil the
    next.
    """

    name = "faster-whisper"
    languages: tuple[str, ...] = ()

    def __init__(self, model: Any, model_version: str) -> None:
        self._model = model
        self.version = model_version

    @classmethod
    def load(cls, name_or_folder: str, device: str) -> Self:
        """Raises `UsageError` where the library is not in the image, or there is no such device."""
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise UsageError(
                "engine", "faster-whisper", "build the image with requirements-whisper.txt"
            ) from error
        try:
            model = WhisperModel(name_or_folder, device=device, compute_type="auto")
        except (ValueError, RuntimeError) as error:
            raise UsageError("whisper_model, device", (name_or_folder, device), str(error)) from error
        return cls(model, f"{version('faster-whisper')} {name_or_folder}")

    def transcribe(self, audio: Path, language: str, *, telephone: bool) -> Iterator[Heard]:
        """Words without punctuation, in lower case."""
        del telephone  # trained on both
        segments, _ = self._model.transcribe(
            str(audio), language=language, word_timestamps=True, condition_on_previous_text=False
        )
        for segment in segments:
            for word in segment.words or ():
                for text in NOT_IN_WORDS.sub(" ", word.word.lower()).split():
                    yield Heard(text, word.start, word.end, word.probability)
