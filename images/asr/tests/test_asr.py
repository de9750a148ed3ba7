"""Words of an engine to words of a call; and PocketSphinx itself on a spoken sentence."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.engine import Heard
from asr.speakers import NOBODY, Speakers
from asr.sphinx import PocketSphinx, widened
from asr.stage import Asr, AsrParams
from asr.whisper import FasterWhisper
from switchboard_stage.errors import UsageError
from switchboard_stage.models import AudioChunk, AudioManifest, AudioSource, Language, Turn, Turns, Words
from switchboard_stage.testing import Workbench

flite = pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")


class Scripted:
    """Hears the same two words in each chunk, and notes what it was asked."""

    name = "scripted"
    version = "1"
    languages: tuple[str, ...] = ("en",)

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def transcribe(self, audio: Path, language: str, *, telephone: bool) -> Iterator[Heard]:
        assert audio.exists()
        self.asked.append((language, telephone))
        yield Heard("hello", 0.1, 0.5, 0.9)
        yield Heard("there", 0.5, 9.9, 0.12345)


def turn(speaker: int, start_s: float, end_s: float, channel: int = 0) -> Turn:
    return Turn(speaker=f"speaker-{speaker}", channel=channel, start_s=start_s, end_s=end_s)


def given_call(bench: Workbench, audio: bytes, *, rate: int = 16_000, language: str = "en") -> None:
    """Two channels, a chunk each, the second one 1 s later."""
    source = AudioSource(uri="u", etag="e", container="wav", codec="ulaw", sample_rate_hz=rate, channels=2)
    seconds = soundfile.info(io.BytesIO(audio)).duration
    chunks = []
    for channel, start in enumerate((2.0, 3.0)):
        key = f"chunks/ch{channel}/00000.flac"
        bench.given("preprocess", key, audio)
        chunks.append(AudioChunk(channel=channel, index=0, start_s=start, end_s=start + seconds, key=key))
    bench.given(
        "preprocess",
        "manifest.json",
        AudioManifest(call_id="call-1", source=source, duration_s=9, chunks=tuple(chunks), speech=()),
    )
    bench.given("language-id", "language.json", Language(code=language, confidence=1, scores={language: 1}))
    turns = Turns(method="channel", turns=(turn(0, 2, 9), turn(1, 3, 9, channel=1)))
    bench.given("diarization", "turns.json", turns)


def flac(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, 16_000, format="FLAC")
    return out.getvalue()


def test_times_speakers_and_order(tmp_path: Path) -> None:
    bench, engine = Workbench(tmp_path), Scripted()
    given_call(bench, flac(np.zeros(32_000)))
    assert bench.run_stage(Asr(AsrParams(), engine)).reason == ""
    words = bench.result("asr", "words.json", Words)
    assert (words.engine, words.engine_version) == ("scripted", "1")
    told = [(w.text, w.start_s, w.end_s, w.confidence, w.channel, w.speaker) for w in words.words]
    assert told == [
        ("hello", 2.1, 2.5, 0.9, 0, "speaker-0"),
        ("there", 2.5, 4.0, 0.1235, 0, "speaker-0"),
        ("hello", 3.1, 3.5, 0.9, 1, "speaker-1"),
        ("there", 3.5, 5.0, 0.1235, 1, "speaker-1"),
    ]
    assert engine.asked == [("en", False)] * 2


def test_telephone_is_told_by_the_rate(tmp_path: Path) -> None:
    bench, engine = Workbench(tmp_path), Scripted()
    given_call(bench, flac(np.zeros(32_000)), rate=8000)
    bench.run_stage(Asr(AsrParams(), engine))
    assert engine.asked == [("en", True)] * 2


def test_unsupported_language(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given_call(bench, flac(np.zeros(32_000)), language="es")
    outcome = bench.run_stage(Asr(AsrParams(), Scripted()))
    assert outcome.reason == "unsupported language es: scripted understands en"


def test_missing_whisper_says_what_to_build() -> None:
    with pytest.raises(UsageError, match="requirements-whisper"):
        Asr(AsrParams(engine="faster-whisper"))


def test_whisper_words_lose_their_punctuation(tmp_path: Path) -> None:
    class Item:
        def __init__(self, **values: object) -> None:
            self.__dict__.update(values)

    class Fake:
        def transcribe(self, *_: object, **__: object) -> tuple[list[Item], None]:
            word = Item(word=" O'Neill's, twenty-one?", start=0.5, end=1.0, probability=0.7)
            return [Item(words=[word]), Item(words=None)], None

    heard = list(FasterWhisper(Fake(), "1").transcribe(tmp_path, "en", telephone=False))
    assert [h.text for h in heard] == ["o'neill's", "twenty-one"]
    assert heard[0].confidence == 0.7


@pytest.mark.parametrize(
    ("start", "end", "speaker"),
    [
        (0.5, 0.9, 0),
        (1.8, 2.4, 1),  # mostly in the second turn
        (3.2, 3.4, 1),  # in no turn, nearer to the second
        (4.8, 4.9, 0),  # nearer to the third
        (99, 100, 2),
    ],
)
def test_whose_word(start: float, end: float, speaker: int) -> None:
    turns = (turn(0, 0, 2), turn(1, 2, 3), turn(0, 5, 6), turn(2, 10, 11), turn(7, 0, 20, channel=1))
    assert Speakers(Turns(method="clustering", turns=turns)).of(0, start, end) == f"speaker-{speaker}"


def test_whose_word_where_nobody_has_a_turn() -> None:
    assert Speakers(Turns(method="clustering", turns=())).of(0, 1, 2) == NOBODY


def test_widened_speech_has_something_above_4_khz() -> None:
    tone = (8000 * np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000)).astype(np.int16)
    spectrum = np.abs(np.fft.rfft(widened(tone)))
    assert int(np.argmax(spectrum[4000:])) + 4000 == 5000
    assert spectrum[3000] > 2 * spectrum[5000] > 0.1 * spectrum[3000]
    assert widened(np.full(4, 32_767, np.int16)).max() == 32_767


@flite
@pytest.mark.integration
def test_pocketsphinx_hears_a_sentence(tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.wav"
    text = "thank you for calling the bank, could you tell me your account number please"
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(spoken)], check=True)
    bench = Workbench(tmp_path)
    given_call(bench, flac(soundfile.read(spoken)[0]))
    stage = Asr(AsrParams())
    assert bench.run_stage(stage).reason == ""
    words = bench.result("asr", "words.json", Words).words
    first = [w.text for w in words if w.channel == 0]
    assert len(set(first) & set(text.replace(",", "").split())) >= 10
    assert first == [w.text for w in words if w.channel == 1], "a chunk leaves nothing behind in the decoder"
    assert all(0 <= w.confidence <= 1 and w.end_s > w.start_s for w in words)
    assert any(w.confidence > 0.5 for w in words)


@flite
@pytest.mark.integration
def test_pocketsphinx_hears_the_same_whatever_it_heard_before(tmp_path: Path) -> None:
    """To a hundredth of a second: which worker gets which chunk after which must not show."""
    spoken, noise = tmp_path / "spoken.wav", tmp_path / "noise.flac"
    text = "good morning, can i have the number of your card, and your date of birth"
    subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", str(spoken)], check=True)
    noise.write_bytes(flac(np.random.default_rng(1).normal(0, 0.2, 3 * 16_000)))
    engine = PocketSphinx.load()
    first = list(engine.transcribe(spoken, "en", telephone=False))
    assert len(first) > 5
    list(engine.transcribe(noise, "en", telephone=False))
    assert list(engine.transcribe(spoken, "en", telephone=False)) == first


@pytest.mark.integration
def test_pocketsphinx_hears_nothing_in_silence(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.flac"
    quiet.write_bytes(flac(np.random.default_rng(1).normal(0, 1e-4, 16_000)))
    assert len(list(PocketSphinx.load().transcribe(quiet, "en", telephone=False))) <= 1
