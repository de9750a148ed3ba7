"""The stage with a model made by hand, and, as an integration test, the model that is trained."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from language_id import corpus
from language_id.cached import cached_model
from language_id.engines import MODEL_VARIABLE, Acoustic
from language_id.model import Model, counts, frames_of
from language_id.stage import LanguageId, LanguageIdParams, spread
from switchboard_stage.errors import UsageError
from switchboard_stage.features import RATE_HZ, Array
from switchboard_stage.models import AudioChunk, AudioManifest, AudioSource, Language, Span
from switchboard_stage.testing import Workbench

SOURCE = AudioSource(uri="u", etag="e", container="wav", codec="pcm_16", sample_rate_hz=16_000, channels=1)


def tune(frequencies: Iterable[float], seconds: float = 10) -> Array:
    """A "language": some tones of 0.1 s in random order."""
    rng = np.random.default_rng(5)
    time = np.arange(RATE_HZ // 10) / RATE_HZ
    tones = [np.sin(2 * np.pi * f * time) for f in frequencies]
    order = rng.integers(0, len(tones), int(seconds * 10))
    sound = np.concatenate([tones[i] for i in order]) + rng.normal(0, 0.01, int(seconds * 10) * len(time))
    return np.asarray(0.3 * sound, np.float32)


LOW, HIGH = tune([300, 500, 800]), tune([300, 1500, 2500])


def toy_model() -> Model:
    """Two languages, weighed by the difference of their counts."""
    frames = [frames_of(LOW), frames_of(HIGH)]
    book = np.concatenate([f[:: len(f) // 20][:20] for f in frames])
    found = np.stack([counts(f, book, book[::4]) for f in frames])
    weights = np.stack([found[0] - found[1], found[1] - found[0]], axis=1) * 4
    size = found.shape[1]
    zero, one = np.zeros(size, np.float32), np.ones(size, np.float32)
    return Model(("lo", "hi"), book, book[::4], found.mean(axis=0), one, weights, zero[:2], 1.0)


def given_call(bench: Workbench, *sounds: Array) -> None:
    chunks, speech = [], []
    for channel, sound in enumerate(sounds):
        flac = io.BytesIO()
        soundfile.write(flac, sound, RATE_HZ, format="FLAC")
        key, end = f"chunks/ch{channel}/00000.flac", len(sound) / RATE_HZ
        bench.given("preprocess", key, flac.getvalue())
        chunks.append(AudioChunk(channel=channel, index=0, start_s=0, end_s=end, key=key))
        speech.append(Span(channel=channel, start_s=0.5, end_s=end))
    manifest = AudioManifest(
        call_id="call-1", source=SOURCE, duration_s=20, chunks=tuple(chunks), speech=tuple(speech)
    )
    bench.given("preprocess", "manifest.json", manifest)


def run(bench: Workbench, *languages: str) -> str:
    return bench.run_stage(LanguageId(LanguageIdParams(languages=languages), Acoustic(toy_model()))).reason


@pytest.mark.parametrize(("sound", "code"), [(LOW, "lo"), (HIGH, "hi"), (LOW[: RATE_HZ // 2 * 3], "lo")])
def test_says_which(tmp_path: Path, sound: Array, code: str) -> None:
    bench = Workbench(tmp_path)
    given_call(bench, sound, sound)
    assert run(bench) == ""
    language = bench.result("language-id", "language.json", Language)
    assert language.code == code
    assert language.confidence > 0.6
    assert sum(language.scores.values()) == pytest.approx(1, abs=0.01)


def test_sets_aside_what_is_not_wanted(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given_call(bench, HIGH)
    assert run(bench, "lo").startswith("unsupported language hi (probability ")
    record = bench.error()
    assert record
    assert record.remedy.startswith('add "hi"')
    assert run(bench, "lo", "hi") == ""
    assert run(bench, "xx").startswith("unsupported language hi")


def test_in_doubt_the_call_passes_with_its_low_confidence(tmp_path: Path) -> None:
    class Unsure:
        def identify(self, pieces: Iterable[Array]) -> dict[str, float]:
            return {"es": 0.4, "en": 0.35, "fr": 0.25}

    bench = Workbench(tmp_path)
    given_call(bench, LOW)
    assert bench.run_stage(LanguageId(LanguageIdParams(), Unsure())).reason == ""
    language = bench.result("language-id", "language.json", Language)
    assert (language.code, language.confidence) == ("en", 0.35)


def test_listens_to_the_whole_of_a_long_call() -> None:
    chunks = tuple(
        AudioChunk(channel=0, index=i, start_s=10 * i, end_s=10 * i + 10, key=str(i)) for i in range(360)
    )
    chosen = spread(chunks, 60)
    assert 6 <= len(chosen) <= 7
    assert chosen[-1].index > 290


def test_missing_model_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, "/nowhere/model.npz")
    with pytest.raises(UsageError, match=r"language_id\.train"):
        LanguageId(LanguageIdParams())


def test_missing_whisper_says_what_to_build() -> None:
    with pytest.raises(UsageError, match="requirements-whisper"):
        LanguageId(LanguageIdParams(language_engine="faster-whisper"))


def test_model_survives_its_file(tmp_path: Path) -> None:
    model = toy_model()
    model.save(tmp_path / "m.npz")
    again = Model.load(tmp_path / "m.npz")
    assert again.languages == model.languages
    np.testing.assert_allclose(again.log_probabilities(LOW), model.log_probabilities(LOW), rtol=1e-5)


def test_sentences_are_enough_in_each_language() -> None:
    for code in corpus.DIALECTS:
        lines = (corpus.SENTENCES / f"{code}.txt").read_text().splitlines()
        assert len(lines) >= 3 * corpus.HELD_OUT
        assert len(set(lines)) == len(lines)


@pytest.mark.integration
@pytest.mark.timeout(900)
def test_trained_model_knows_unheard_voices() -> None:
    model = Model.load(cached_model())
    assert model.accuracy >= 0.9
    rng = np.random.default_rng(9)
    for voice, text, code in (
        ("flite:rms", "Thank you for calling. May I have your account number, please?", "en"),
        ("flite:awb", "I would like to change the address on my account before the end of the month.", "en"),
        (
            "espeak:es+m5",
            "Buenas tardes, me he mudado y quería cambiar la dirección de mi cuenta antes de fin de mes.",
            "es",
        ),
        ("espeak:de+f3", "Guten Tag, ich möchte gern die Adresse ändern, die Sie von mir haben.", "de"),
    ):
        sound = corpus.worn(corpus.speak(text, voice), rng)
        assert max(zip(model.log_probabilities(sound), model.languages, strict=True))[1] == code
