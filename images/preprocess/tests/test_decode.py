"""Reading recordings block by block."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from preprocess.decode import blocks, open_audio


def test_an_mp3_is_read_without_complaint(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 16_000 * 8).astype(np.float32)
    path = tmp_path / "call.mp3"
    soundfile.write(path, noise, 16_000)
    with open_audio(path) as sound:
        assert sum(len(block) for block in blocks(sound)) == pytest.approx(len(noise), abs=3000)
    assert capfd.readouterr().err == ""
