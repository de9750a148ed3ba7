"""Turns by channel, and by voice for two made-up voices."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarization.clustering import cluster, describe, pitch_of, viterbi
from diarization.stage import Diarization
from diarization.turns import by_frames, joined
from switchboard_stage.features import RATE_HZ, Array
from switchboard_stage.models import AudioChunk, AudioManifest, AudioSource, Span, Turn, Turns
from switchboard_stage.testing import Workbench

VOICES = {"low": (110.0, (450.0, 1100.0, 2400.0)), "high": (210.0, (600.0, 1700.0, 3000.0))}


def speech(voice: str, seconds: float, seed: int = 1) -> Array:
    """Vowels that change, of a throat with a pitch and formants of its own."""
    pitch, formants = VOICES[voice]
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    track = pitch * (1 + 0.08 * np.sin(2 * np.pi * 0.8 * time + seed))
    phase = 2 * np.pi * np.cumsum(track) / RATE_HZ
    sound = np.zeros_like(time)
    for harmonic in range(1, int(3500 / pitch)):
        shifts = (1 + 0.2 * np.sin(2 * np.pi * rate * time + seed) for rate in (1.1, 1.7, 0.6))
        near = sum(
            np.exp(-(((harmonic * track - f * s) / 180) ** 2)) for f, s in zip(formants, shifts, strict=True)
        )
        sound += near * np.sin(harmonic * phase)
    noise = np.random.default_rng(seed).normal(0, 0.003, len(time))
    return np.asarray(0.2 * sound + noise, np.float32)


def manifest(channels: int, duration_s: float, spans: list[Span], chunks: list[AudioChunk]) -> AudioManifest:
    source = AudioSource(
        uri="u", etag="e", container="wav", codec="pcm_16", sample_rate_hz=8000, channels=channels
    )
    return AudioManifest(
        call_id="call-1", source=source, duration_s=duration_s, chunks=tuple(chunks), speech=tuple(spans)
    )


def span(channel: int, start_s: float, end_s: float) -> Span:
    return Span(channel=channel, start_s=start_s, end_s=end_s)


def turn(speaker: int, start_s: float, end_s: float, channel: int = 0) -> Turn:
    return Turn(speaker=f"speaker-{speaker}", channel=channel, start_s=start_s, end_s=end_s)


def test_two_channels_are_two_speakers(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    spans = [span(0, 0, 2), span(0, 2.1, 3), span(1, 2.5, 4), span(0, 6, 7)]
    bench.given("preprocess", "manifest.json", manifest(2, 8, spans, []))
    assert bench.run(Diarization).outcome == "done"
    turns = bench.result("diarization", "turns.json", Turns)
    assert turns.method == "channel"
    assert turns.turns == (turn(0, 0, 3), turn(1, 2.5, 4, channel=1), turn(0, 6, 7))


def given_conversation(bench: Workbench, parts: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """One channel, chunks of two parts; answers who speaks when."""
    spans, chunks, at = [], [], 0.0
    truth: list[tuple[str, float, float]] = []
    for index in range(0, len(parts), 2):
        start, sounds = at, []
        for voice, seconds in parts[index : index + 2]:
            sounds += [speech(voice, seconds, seed=len(truth)), np.zeros(RATE_HZ // 2, np.float32)]
            spans.append(span(0, at, at + seconds))
            truth.append((voice, at, at + seconds))
            at += seconds + 0.5
        flac = io.BytesIO()
        soundfile.write(flac, np.concatenate(sounds), RATE_HZ, format="FLAC")
        key = f"chunks/ch0/{index // 2:05d}.flac"
        bench.given("preprocess", key, flac.getvalue())
        chunks.append(AudioChunk(channel=0, index=index // 2, start_s=start, end_s=at, key=key))
    bench.given("preprocess", "manifest.json", manifest(1, at, spans, chunks))
    return truth


PARTS = [("low", 4), ("high", 3), ("low", 1.5), ("high", 5), ("low", 6), ("high", 2)]


def test_one_channel_by_voice(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    truth = given_conversation(bench, PARTS)
    assert bench.run(Diarization).reason == ""
    turns = bench.result("diarization", "turns.json", Turns)
    assert turns.method == "clustering"
    expected = {"low": "speaker-0", "high": "speaker-1"}
    wrong = sum(
        max(0.0, min(end, t.end_s) - max(start, t.start_s))
        for voice, start, end in truth
        for t in turns.turns
        if t.speaker != expected[voice]
    )
    assert wrong < 0.05 * sum(end - start for _, start, end in truth)


def test_most_speakers_is_a_bound(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given_conversation(bench, PARTS)
    bench.run(Diarization, max_speakers=1)
    assert {t.speaker for t in bench.result("diarization", "turns.json", Turns).turns} == {"speaker-0"}


def test_a_word_long_call_has_one_speaker(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    given_conversation(bench, [("low", 0.4)])
    assert bench.run(Diarization).reason == ""
    assert len(bench.result("diarization", "turns.json", Turns).turns) == 1


def test_the_same_call_gives_the_same_turns() -> None:
    features = [describe(speech(voice, 4, seed)) for seed, voice in enumerate(["low", "high", "low"])]
    cepstra = np.concatenate([f.cepstra for f in features])
    pitch = np.concatenate([f.pitch for f in features])
    np.testing.assert_array_equal(cluster(cepstra, pitch, 2), cluster(cepstra, pitch, 2))


@pytest.mark.parametrize("voice", ["low", "high"])
def test_pitch(voice: str) -> None:
    found = pitch_of(speech(voice, 2), 20)
    assert np.nanmedian(2**found) == pytest.approx(VOICES[voice][0], rel=0.1)


def test_pitch_of_noise_is_unknown() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert np.isnan(pitch_of(noise, 10)).all()


def test_viterbi_ignores_a_blip_and_follows_a_change() -> None:
    first = np.array([0.0] * 10 + [-3] + [0.0] * 10 + [-3.0] * 10)
    scores = np.stack([first, -3 - first], axis=1)
    assert viterbi(scores, 0.0).tolist() == [0] * 10 + [1] + [0] * 10 + [1] * 10
    assert viterbi(scores, 5.0).tolist() == [0] * 21 + [1] * 10


def test_frames_become_turns_numbered_by_first_word() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 1.0, 1.1, 3.0]
    turns = by_frames([span(0, 0, 0.4), span(0, 1, 1.2), span(0, 3, 3.5)], times, [7, 7, 2, 2, 2, 2, 7], 0.1)
    assert turns == (turn(0, 0, 0.2), turn(1, 0.2, 0.4), turn(1, 1, 1.2), turn(0, 3, 3.5))


def test_a_span_too_short_for_a_frame_is_its_neighbours() -> None:
    turns = by_frames([span(0, 0, 0.2), span(0, 5.01, 5.25)], [0.0, 0.1], [0, 1], 0.1)
    assert turns[-1] == turn(1, 5.01, 5.25)


def test_pauses_join_unless_somebody_else_speaks_in_them() -> None:
    assert joined([turn(0, 0, 1), turn(0, 1.2, 2)]) == (turn(0, 0, 2),)
    assert joined([turn(0, 0, 1), turn(0, 1.5, 2)]) == (turn(0, 0, 1), turn(0, 1.5, 2))
    apart = [turn(0, 0, 1), turn(1, 1.02, 1.2), turn(0, 1.25, 2)]
    assert joined(apart) == tuple(apart)
    assert joined([turn(0, 0, 0.1)]) == ()
