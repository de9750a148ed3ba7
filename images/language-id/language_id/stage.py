"""The stage: chunks in, language out; calls in languages that the run does not want are set aside."""

from collections.abc import Iterator, Mapping

import numpy as np
import soundfile
from pydantic import Field

from language_id.engines import Engine, EngineName, load
from switchboard_stage import CallContext, Params, Stage, StageError
from switchboard_stage.features import RATE_HZ, Array
from switchboard_stage.models import AudioChunk, AudioManifest, Language

ENOUGH_S = 120.0
"""Speech listened to, spread over the call: more changes no answer."""
PIECE_S = 8.0
"""Speech judged at a time; as in training."""
LEAST_PIECE_S = 1.0
"""A shorter rest is only judged where there is nothing else."""
CERTAIN = 0.5
"""From this probability on a language that is not wanted sets the call aside."""


class LanguageIdParams(Params):
    """`languages`: ISO 639-1 codes that the run wants; empty for all."""

    languages: tuple[str, ...] = ("en",)
    language_engine: EngineName = "acoustic"
    whisper_model: str = "small"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")


class LanguageId(Stage[LanguageIdParams]):
    """Which language is spoken."""

    name = "language-id"
    inputs = ("preprocess",)
    params_type = LanguageIdParams

    def __init__(self, params: LanguageIdParams, engine: Engine | None = None) -> None:
        super().__init__(params)
        self._engine = engine or load(params.language_engine, params.whisper_model, params.device)

    def process(self, call: CallContext) -> None:
        """Raises `StageError` for a call in a language that is not wanted."""
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        scores = self._engine.identify(pieces(call, manifest))
        code = self._choose(scores)
        language = Language(code=code, confidence=min(scores[code], 1.0), scores=_rounded(scores))
        call.write_model("language.json", language)

    def _choose(self, scores: Mapping[str, float]) -> str:
        """The likeliest language; where no language is certain, the likeliest of those wanted."""
        best = max(scores, key=lambda code: scores[code])
        wanted = [code for code in self.params.languages if code in scores]
        if best in wanted or not self.params.languages:
            return best
        if scores[best] >= CERTAIN or not wanted:
            told = ", ".join(self.params.languages)
            raise StageError(
                f"unsupported language {best} (probability {scores[best]:.2f}); wanted {told}",
                remedy=f'add "{best}" to the run\'s languages, or leave such calls out',
            )
        return max(wanted, key=lambda code: scores[code])


def pieces(call: CallContext, manifest: AudioManifest) -> Iterator[Array]:
    """Speech of one channel at a time, about 8 s each, spread over the call."""
    given = False
    for channel in sorted({chunk.channel for chunk in manifest.chunks}):
        pending: list[Array] = []
        for chunk in spread(manifest.chunks_of(channel), ENOUGH_S / 2):
            pending.append(_speech(call, manifest, chunk))
            while (length := sum(map(len, pending))) >= PIECE_S * RATE_HZ:
                joined = np.concatenate(pending)
                size = length if length < 2 * PIECE_S * RATE_HZ else int(PIECE_S * RATE_HZ)
                yield joined[:size]
                given, pending = True, [joined[size:]]
        rest = np.concatenate([*pending, np.zeros(0, np.float32)])
        if len(rest) >= LEAST_PIECE_S * RATE_HZ or (len(rest) and not given):
            yield rest
            given = True


def spread(chunks: tuple[AudioChunk, ...], seconds: float) -> list[AudioChunk]:
    """Chunks of about that many seconds together, evenly over the call."""
    total = sum(chunk.end_s - chunk.start_s for chunk in chunks)
    step = max(1, int(total / seconds))
    return list(chunks[::step])


def _speech(call: CallContext, manifest: AudioManifest, chunk: AudioChunk) -> Array:
    path = call.fetch_input("preprocess", chunk.key)
    samples, _ = soundfile.read(path, dtype="float32")
    path.unlink()
    inside = np.zeros(len(samples), bool)
    for span in manifest.speech_of(chunk.channel):
        start, end = (int((second - chunk.start_s) * RATE_HZ) for second in (span.start_s, span.end_s))
        inside[max(start, 0) : max(end, 0)] = True
    return np.asarray(samples[inside], np.float32)


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    """The likeliest ten: Whisper has a hundred."""
    best = sorted(scores, key=lambda code: -scores[code])[:10]
    return {code: round(scores[code], 4) for code in best}
