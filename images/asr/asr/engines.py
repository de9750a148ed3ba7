"""The recognisers that there are."""

from typing import Literal

from asr.engine import Engine

EngineName = Literal["pocketsphinx", "faster-whisper"]


def load(engine: EngineName, whisper_model: str, device: str) -> Engine:
    """The engine of that name. Raises `UsageError` where something that it needs is missing."""
    if engine == "faster-whisper":
        from asr.whisper import FasterWhisper

        return FasterWhisper.load(whisper_model, device)
    from asr.sphinx import PocketSphinx

    return PocketSphinx.load()
