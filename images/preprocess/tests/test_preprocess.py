"""The preprocess stage on made-up speech, in every format, and on everything that is not a call."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from preprocess.stage import Preprocess
from switchboard_stage.models import AudioManifest
from switchboard_stage.testing import Workbench

Samples = npt.NDArray[np.float64]


def speech(seconds: float, rate: int = 16_000, seed: int = 1) -> Samples:
    """Something that a voice activity detector takes for speech: a buzzing vowel that changes, in
    syllables.
    """
    time = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time + seed)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = (500 + 150 * np.sin(2 * np.pi * 1.3 * time), 1500 + 400 * np.sin(2 * np.pi * 0.9 * time))
    sound = np.zeros_like(time)
    for harmonic in range(1, 28):
        near = sum(np.exp(-(((harmonic * pitch - f) / 200) ** 2)) for f in formants)
        sound += near * np.sin(harmonic * phase)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * time)
    return np.asarray(0.2 * sound * syllables, np.float64)


def quiet(seconds: float, rate: int = 16_000) -> Samples:
    return np.random.default_rng(1).normal(0, 0.0003, int(seconds * rate))


def recording(path: Path, sound: Samples, rate: int = 16_000, **options: Any) -> Path:
    soundfile.write(path, sound, rate, **options)
    return path


def manifest_of(bench: Workbench) -> AudioManifest:
    return bench.result("preprocess", "manifest.json", AudioManifest)


@pytest.mark.parametrize(
    ("name", "rate", "options", "container", "codec"),
    [
        ("a.wav", 44_100, {}, "wav", "pcm_16"),
        ("a.wav", 8_000, {"subtype": "ULAW"}, "wav", "ulaw"),
        ("a.wav", 8_000, {"subtype": "ALAW"}, "wav", "alaw"),
        ("a.flac", 22_050, {}, "flac", "pcm_16"),
        ("a.mp3", 16_000, {}, "mp3", "mpeg_layer_iii"),
        ("a.opus", 48_000, {"format": "OGG", "subtype": "OPUS"}, "ogg", "opus"),
        ("a.ulaw", 8_000, {"format": "RAW", "subtype": "ULAW"}, "raw", "ulaw"),
    ],
)
def test_formats(
    tmp_path: Path, name: str, rate: int, options: dict[str, Any], container: str, codec: str
) -> None:
    bench = Workbench(tmp_path)
    sound = np.concatenate([quiet(1, rate), speech(2, rate), quiet(1, rate)])
    bench.add_source(recording(tmp_path / name, sound, rate, **options))
    outcome = bench.run(Preprocess)
    assert outcome.reason == ""
    manifest = manifest_of(bench)
    source = manifest.source
    assert (source.container, source.codec, source.sample_rate_hz, source.channels) == (
        container,
        codec,
        rate,
        1,
    )
    assert source.etag
    assert manifest.duration_s == pytest.approx(4, abs=0.1)
    assert outcome.audio_s == manifest.duration_s
    assert [s.start_s for s in manifest.speech] == [pytest.approx(1, abs=0.2)]
    assert manifest.speech[0].end_s == pytest.approx(3, abs=0.3)
    [chunk] = manifest.chunks
    info = soundfile.info(bench.path("preprocess", chunk.key))
    assert (info.format, info.samplerate, info.channels) == ("FLAC", 16_000, 1)
    assert info.duration == pytest.approx(chunk.end_s - chunk.start_s, abs=0.001)


def test_two_channels_are_cut_each_for_itself(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    left = np.concatenate([speech(2), quiet(4)])
    right = np.concatenate([quiet(3.5), speech(2), quiet(0.5)])
    bench.add_source(recording(tmp_path / "a.wav", np.stack([left, right], axis=1)))
    bench.run(Preprocess)
    manifest = manifest_of(bench)
    assert [(c.channel, c.index) for c in manifest.chunks] == [(0, 0), (1, 0)]
    assert manifest.speech_of(0)[0].start_s == pytest.approx(0, abs=0.2)
    assert manifest.speech_of(1)[0].start_s == pytest.approx(3.5, abs=0.2)


@pytest.mark.parametrize("most", [5, 12])
def test_chunks_are_bounded_and_cut_in_pauses(tmp_path: Path, most: int) -> None:
    bench = Workbench(tmp_path)
    parts = [p for n in range(8) for p in (speech(3, seed=n), quiet(0.7))]
    bench.add_source(recording(tmp_path / "a.wav", np.concatenate(parts)))
    bench.run(Preprocess, chunk_s=most)
    chunks = manifest_of(bench).chunks
    assert len(chunks) >= 2
    for chunk in chunks:
        assert chunk.end_s - chunk.start_s <= most + 0.001
    for before, after in pairwise(chunks):
        assert before.end_s <= after.start_s + 0.001
        assert before.end_s % 3.7 > 2.9 or before.end_s % 3.7 < 0.2, "cut in a pause"


def test_speech_without_a_pause_is_cut_hard_and_nothing_is_lost(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.add_source(recording(tmp_path / "a.wav", speech(23)))
    bench.run(Preprocess, chunk_s=5)
    manifest = manifest_of(bench)
    assert all(c.end_s - c.start_s <= 5.001 for c in manifest.chunks)
    for before, after in pairwise(manifest.chunks):
        assert after.start_s == pytest.approx(before.end_s, abs=0.001)
    assert sum(s.end_s - s.start_s for s in manifest.speech) > 21


def truncated(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {}),
        ("a.flac", {}),
        ("a.mp3", {}),
        ("a.ogg", {"subtype": "OPUS"}),
        ("b.ogg", {"subtype": "VORBIS"}),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated(tmp_path: Path, name: str, options: dict[str, Any], share: float) -> None:
    bench = Workbench(tmp_path)
    bench.add_source(truncated(recording(tmp_path / name, speech(8), **options), share))
    outcome = bench.run(Preprocess)
    assert outcome.outcome == "failed"
    assert outcome.reason.startswith("truncated:")


def test_a_wav_written_into_a_pipe_is_not_truncated(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav", speech(2))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    path.write_bytes(data)
    bench = Workbench(tmp_path)
    bench.add_source(path)
    assert bench.run(Preprocess).reason == ""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty: the object has no bytes"),
        (b"Dear customer, " * 400, "not audio:"),
        (bytes(np.random.default_rng(3).integers(0, 256, 40_000, dtype=np.uint8)), "not audio:"),
        (b"\x00" * 40_000, "not audio:"),
        (b"RIFF\x24\x00\x00\x00WAVE", "not audio:"),
    ],
)
def test_not_audio(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(data)
    bench = Workbench(tmp_path)
    bench.add_source(path)
    outcome = bench.run(Preprocess)
    assert outcome.reason.startswith(reason)
    record = bench.error()
    assert record
    assert record.remedy


def test_silent(tmp_path: Path) -> None:
    for sound in (quiet(5), np.zeros(80_000)):
        bench = Workbench(tmp_path)
        bench.add_source(recording(tmp_path / "a.wav", sound))
        assert bench.run(Preprocess).reason.startswith("silent: 0.0 s of speech in 5.0 s")


def test_no_frames(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.add_source(recording(tmp_path / "a.wav", np.zeros(0)))
    assert bench.run(Preprocess).reason.startswith("empty: there is no sound")


def test_too_many_channels(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.add_source(recording(tmp_path / "a.wav", np.stack([speech(1)] * 3, axis=1)))
    assert bench.run(Preprocess).reason == "unsupported channels: 3"


def test_object_gone(tmp_path: Path) -> None:
    assert Workbench(tmp_path).run(Preprocess).reason.startswith("object gone:")


def test_a_shorter_recording_leaves_no_chunk_of_the_longer_one(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    bench.add_source(recording(tmp_path / "a.wav", speech(12)))
    bench.run(Preprocess, chunk_s=5)
    bench.add_source(recording(tmp_path / "a.wav", speech(2)))
    bench.run(Preprocess, chunk_s=5)
    assert len(list(bench.path("preprocess", "chunks").rglob("*.flac"))) == 1


MEASURE = """
import resource, sys
from pathlib import Path
from preprocess.stage import Preprocess
from switchboard_stage.testing import Workbench
bench = Workbench(Path(sys.argv[1]))
bench.add_source(Path(sys.argv[2]))
print(bench.run(Preprocess).outcome, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(folder: Path, minutes: int) -> int:
    """Peak memory of preprocessing a two-channel telephone call of that many minutes, in MiB."""
    folder.mkdir()
    path = folder / "long.wav"
    minute = np.concatenate([speech(25, 8000), quiet(5, 8000), speech(20, 8000), quiet(10, 8000)])
    with soundfile.SoundFile(path, "w", 8000, 2, subtype="ULAW") as sound:
        for _ in range(minutes):
            sound.write(np.stack([minute, np.roll(minute, 80_000)], axis=1))
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), str(path)],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    outcome, mib = result.stdout.split()
    assert outcome == "done"
    return int(mib)


@pytest.mark.integration
def test_three_hours_need_no_more_memory_than_three_minutes(tmp_path: Path) -> None:
    short, long = peak_mib(tmp_path / "short", 3), peak_mib(tmp_path / "long", 180)
    assert long < short + 16, f"{short} MiB for 3 minutes, {long} MiB for 180"
