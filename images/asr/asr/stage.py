"""The stage: chunks, language and turns in, words out."""

from collections.abc import Iterator

from pydantic import Field

from asr.engine import Engine
from asr.engines import EngineName, load
from asr.speakers import Speakers
from switchboard_stage import CallContext, Params, Stage, StageError
from switchboard_stage.models import AudioManifest, Language, Turns, Word, Words

TELEPHONE_HZ = 8000
"""Recordings of at most this rate have nothing above 4 kHz."""


class AsrParams(Params):
    """`whisper_model` and `device` are for the engine of that name."""

    engine: EngineName = "pocketsphinx"
    whisper_model: str = "small"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")


class Asr(Stage[AsrParams]):
    """What is said, and who says it."""

    name = "asr"
    inputs = ("preprocess", "language-id", "diarization")
    params_type = AsrParams

    def __init__(self, params: AsrParams, engine: Engine | None = None) -> None:
        super().__init__(params)
        self._engine = engine or load(params.engine, params.whisper_model, params.device)

    def process(self, call: CallContext) -> None:
        """Raises `StageError` for a language that the engine does not understand."""
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        language = call.read_model("language-id", "language.json", Language).code
        turns = call.read_model("diarization", "turns.json", Turns)
        engine = self._engine
        if engine.languages and language not in engine.languages:
            raise StageError(
                f"unsupported language {language}: {engine.name} understands {', '.join(engine.languages)}",
                remedy='choose another engine, or leave the language out of the run\'s "languages"',
            )
        words = sorted(
            self._words(call, manifest, language, Speakers(turns)), key=lambda w: (w.start_s, w.channel)
        )
        call.write_model(
            "words.json", Words(engine=engine.name, engine_version=engine.version, words=tuple(words))
        )

    def _words(
        self, call: CallContext, manifest: AudioManifest, language: str, speakers: Speakers
    ) -> Iterator[Word]:
        telephone = manifest.source.sample_rate_hz <= TELEPHONE_HZ
        for chunk in manifest.chunks:
            path = call.fetch_input("preprocess", chunk.key)
            for heard in self._engine.transcribe(path, language, telephone=telephone):
                start_s, end_s = chunk.start_s + heard.start_s, min(chunk.start_s + heard.end_s, chunk.end_s)
                yield Word(
                    text=heard.text,
                    start_s=round(start_s, 3),
                    end_s=round(max(start_s, end_s), 3),
                    confidence=round(heard.confidence, 4),
                    channel=chunk.channel,
                    speaker=speakers.of(chunk.channel, start_s, end_s),
                )
            path.unlink()
