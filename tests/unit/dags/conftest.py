"""Airflow reads its configuration on import: it gets a home of its own before any test imports it."""

import json
import os
import tempfile
from pathlib import Path

import pytest

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"

IMAGES = ("preprocess", "language-id", "diarization", "asr", "redaction", "postprocess", "report")


def reference(name: str) -> str:
    """A pinned image as `make images` would write it."""
    return f"registry.example/{name}@sha256:{'a' * 64}"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file with all images, which the DAG library takes for its own."""
    path = tmp_path / "images.lock.json"
    path.write_text(json.dumps({name: reference(name) for name in IMAGES}))
    monkeypatch.setattr("switchboard.images.LOCK_FILE", path)
    return path
