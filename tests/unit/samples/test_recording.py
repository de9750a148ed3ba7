"""Recordings: the same bytes each time, in every format, with turns where the reference says."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from samples import (
    BAD_CALLS,
    KINDS,
    Layout,
    Recording,
    Reference,
    Voice,
    VoiceError,
    make_bad_calls,
    make_call,
    make_dialogue,
    make_sample_call,
    record,
    voices,
)
from samples.__main__ import app
from samples.formats import FORMATS

needs_voices = pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")),
    reason="no flite or espeak-ng: run `make tools`",
)
pytestmark = needs_voices


SCRIPT = make_dialogue(31, minutes=0.4)
SCRIPT = SCRIPT.model_copy(update={"turns": SCRIPT.turns[:6]})
"""A few turns: enough for every check of a recording."""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def short(form: str, folder: Path, layout: Layout = Layout.TWO_CHANNEL) -> Reference:
    return record(SCRIPT, folder, Recording(form, layout))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def wav(folder: Path) -> Reference:
    return short("wav", folder)


@pytest.mark.parametrize("form", FORMATS)
def test_same_seed_same_bytes(form: str, tmp_path: Path) -> None:
    one, two = short(form, tmp_path / "1"), short(form, tmp_path / "2")
    assert one == two
    assert digest(tmp_path / "1" / one.file) == digest(tmp_path / "2" / two.file)
    info = soundfile.info(tmp_path / "1" / one.file)
    assert (info.channels, info.subtype) == (2, FORMATS[form].subtype)
    assert info.duration == pytest.approx(one.duration_s, abs=0.2)


def test_turns_sound_where_the_reference_says(wav: Reference, folder: Path) -> None:
    audio, rate = soundfile.read(folder / wav.file, dtype="float32")
    spoken = np.zeros(audio.shape, bool)
    for turn in wav.turns:
        start, end = round(turn.start_s * rate), round(turn.end_s * rate)
        spoken[start:end, turn.channel] = True
        assert np.sqrt(np.mean(audio[start:end, turn.channel] ** 2)) > 0.02
    assert np.max(np.abs(audio[~spoken])) < 0.01


def test_words_lie_in_their_turns_in_order(wav: Reference) -> None:
    for turn in wav.turns:
        edges = [edge for word in turn.words for edge in (word.start_s, word.end_s)]
        assert edges == sorted(edges)
        assert turn.start_s <= edges[0]
        assert edges[-1] <= turn.end_s + 0.01
        assert turn.speech[0][0] == turn.start_s


def test_personal_data_has_its_time(wav: Reference) -> None:
    assert wav.pii
    for piece in wav.pii:
        words = wav.turns[piece.turn].words[piece.words_from : piece.words_to]
        assert (piece.start_s, piece.end_s) == (words[0].start_s, words[-1].end_s)
        assert piece.speaker == wav.turns[piece.turn].speaker


def test_mixed_recording_has_both_speakers_on_one_channel(tmp_path: Path) -> None:
    reference = short("wav", tmp_path, Layout.MIXED)
    audio, rate = soundfile.read(tmp_path / reference.file, dtype="float32")
    assert audio.ndim == 1
    for turn in reference.turns:
        assert turn.channel == 0
        assert np.std(audio[round(turn.start_s * rate) : round(turn.end_s * rate)]) > 0.02


def test_reference_file_loads_and_refuses_unknown_keys(wav: Reference, folder: Path) -> None:
    text = (folder / f"{wav.call_id}.reference.json").read_text()
    assert Reference.model_validate_json(text) == wav
    with pytest.raises(ValueError, match="tempo"):
        Reference.model_validate_json(text.replace('"seed"', '"tempo": 1, "seed"', 1))


def test_sample_call_is_short_and_has_personal_data(tmp_path: Path) -> None:
    path = make_sample_call(tmp_path)
    reference = Reference.model_validate_json(path.with_suffix(".reference.json").read_text())
    assert path.name == "sample-call.wav"
    assert 25 <= reference.duration_s <= 45
    assert {"PERSON", "CARD_NUMBER"} <= {piece.entity.value for piece in reference.pii}


def test_kinds_cover_every_format_and_layout() -> None:
    assert {kind.recording.format for kind in KINDS.values()} == set(FORMATS)
    assert {kind.recording.layout for kind in KINDS.values()} == set(Layout)


def test_call_of_a_kind(tmp_path: Path) -> None:
    reference = make_call(tmp_path, "telephony-mixed", 3)
    assert reference.call_id == "telephony-mixed-0003"
    assert (reference.sample_rate_hz, reference.channels) == (8000, 1)


def test_bad_calls_are_bad(tmp_path: Path) -> None:
    paths = make_bad_calls(tmp_path)
    assert set(paths) == set(BAD_CALLS)
    assert paths["empty"].stat().st_size == 0
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(paths["not-audio"])
    header = int.from_bytes(paths["truncated"].read_bytes()[4:8], "little") + 8
    assert header > paths["truncated"].stat().st_size
    assert np.max(np.abs(soundfile.read(paths["silent"])[0])) < 0.01
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths.values())


def test_missing_program_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VoiceError, match="flite: not found; install it with `apt-get install flite`"):
        voices.speak(Voice("slt"), "hello", ("hello",), 16_000)


def test_command_line(tmp_path: Path) -> None:
    options = ["generate", "--count", "2", "--minutes", "0.4", "--format", "all", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "call-000001.reference.json", "call-000001.wav", "call-000002.reference.json", "call-000002.wav",
    ]  # fmt: skip
    assert "Next:" in done.output
    assert "autotranscribe" in done.output


def test_command_line_names_the_wrong_value(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["generate", "--format", "aiff", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "'aiff' is none of" in done.output
