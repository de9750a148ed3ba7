"""The real stages, in this process, on generated calls: they meet the marks and refuse what is bad."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops.quality.audio import AudioResult, measure_audio, measure_languages
from ops.quality.pipeline import LocalRun, make_stage, prepare_models
from ops.quality.report import Row, audio_rows, text_rows
from ops.quality.text import measure_text
from samples import make_bad_calls, make_dialogue

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (shutil.which("flite") and shutil.which("espeak-ng")),
        reason="no flite or espeak-ng: run `make tools`",
    ),
]
SEED = 7000
"""Neither the seeds that the stages were made with nor those of `make quality`."""

REFUSED = {
    "not-audio": "preprocess",
    "empty": "preprocess",
    "truncated": "preprocess",
    "silent": "preprocess",
    "spanish": "language-id",
}


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> AudioResult:
    """Two channels wide band, two channels telephony, one channel; and one call in each language."""
    root = tmp_path_factory.mktemp("quality")
    result = measure_audio(3, SEED, root / "calls", say=print)
    measure_languages(1, SEED, root / "languages", result, say=print)
    return result


def missed(rows: list[Row]) -> list[str]:
    return [f"{row.name}: {row.value:.3f}, mark {row.mark}" for row in rows if row.passed is False]


def test_recordings_meet_the_marks(audio: AudioResult) -> None:
    rows = audio_rows(audio)
    assert sum(row.passed is not None for row in rows) == 4
    assert not missed(rows), audio.notes


def test_little_personal_data_can_be_read_in_what_was_recognised(audio: AudioResult) -> None:
    """No mark, but a floor: a third of what is heard on the telephone is wrong, and rules go by words."""
    assert audio.readable.share <= 0.2, audio.notes
    assert audio.redaction.precision.share >= 0.8, audio.notes


def test_redaction_of_text_meets_the_marks(tmp_path: Path) -> None:
    result = measure_text((make_dialogue(SEED + place) for place in range(60)), tmp_path)
    assert not missed(text_rows(result)), result.missed + result.wrong


def test_bad_calls_are_refused_by_the_right_stage(tmp_path: Path) -> None:
    run = LocalRun(tmp_path)
    prepare_models()
    for path in make_bad_calls(tmp_path / "in").values():
        run.add(path.stem, path)
    for name in ("preprocess", "language-id"):
        run.run(make_stage(name, languages=["en"]), may_fail=True)
    errors = {kind: run.error(f"bad-{kind}") for kind in REFUSED}
    assert {kind: error.stage for kind, error in errors.items()} == REFUSED
    for error in errors.values():
        assert error.remedy
        assert "internal error" not in error.reason
