"""The stage: chunks, language and turns in, words out."""

from collections.abc import Iterable

from pydantic import Field

from asr.engine import Engine, Heard
from asr.engines import EngineName, load
from asr.speakers import Speakers
from switchboard_stage import CallContext, Params, Part, SplitStage, StageError
from switchboard_stage.models import AudioChunk, AudioManifest, Language, Turns, Word, Words

TELEPHONE_HZ = 8000
"""Recordings of at most this rate have nothing above 4 kHz."""


class AsrParams(Params):
    """`whisper_model` and `device` are for the engine of that name."""

    engine: EngineName = "pocketsphinx"
    whisper_model: str = "small"
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")


class AsrPart(Part):
    """A chunk to listen to."""

    chunk: AudioChunk
    language: str
    telephone: bool


class Asr(SplitStage[AsrParams, AsrPart]):
    """What is said, and who says it. Chunks are recognised each for itself, so they are the parts."""

    name = "asr"
    inputs = ("preprocess", "language-id", "diarization")
    params_type = AsrParams

    def __init__(self, params: AsrParams, engine: Engine | None = None) -> None:
        super().__init__(params)
        self._engine = engine or load(params.engine, params.whisper_model, params.device)

    def parts(self, call: CallContext) -> list[AsrPart]:
        """Raises `StageError` for a language that the engine does not understand."""
        manifest = call.read_model("preprocess", "manifest.json", AudioManifest)
        language = call.read_model("language-id", "language.json", Language).code
        engine = self._engine
        if engine.languages and language not in engine.languages:
            raise StageError(
                f"unsupported language {language}: {engine.name} understands {', '.join(engine.languages)}",
                remedy='choose another engine, or leave the language out of the run\'s "languages"',
            )
        telephone = manifest.source.sample_rate_hz <= TELEPHONE_HZ
        return [
            AsrPart(seconds=chunk.end_s - chunk.start_s, chunk=chunk, language=language, telephone=telephone)
            for chunk in manifest.chunks
        ]

    def work(self, call: CallContext, part: AsrPart) -> list[Heard]:
        """The words of a chunk, their times from its start."""
        path = call.fetch_input("preprocess", part.chunk.key)
        heard = list(self._engine.transcribe(path, part.language, telephone=part.telephone))
        path.unlink()
        return heard

    def finish(self, call: CallContext, results: Iterable[tuple[AsrPart, list[Heard]]]) -> None:
        """Write `words.json`."""
        speakers = Speakers(call.read_model("diarization", "turns.json", Turns))
        words = [_word(each, part.chunk, speakers) for part, heard in results for each in heard]
        words.sort(key=lambda word: (word.start_s, word.channel))
        engine = self._engine
        call.write_model(
            "words.json", Words(engine=engine.name, engine_version=engine.version, words=tuple(words))
        )


def _word(heard: Heard, chunk: AudioChunk, speakers: Speakers) -> Word:
    start_s, end_s = chunk.start_s + heard.start_s, min(chunk.start_s + heard.end_s, chunk.end_s)
    return Word(
        text=heard.text,
        start_s=round(start_s, 3),
        end_s=round(max(start_s, end_s), 3),
        confidence=round(heard.confidence, 4),
        channel=chunk.channel,
        speaker=speakers.of(chunk.channel, start_s, end_s),
    )
