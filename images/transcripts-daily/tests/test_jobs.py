"""In which order a day is published. What it does to data: tests/integration/spark."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from transcripts_daily import jobs, quality, tables
from transcripts_daily.quality import Findings
from transcripts_daily.store import Store
from transcripts_daily.tables import TABLES

LAKE = "s3a://data/lake/transcripts"


class FakeStore:
    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def below(self, prefix: str) -> list[dict[str, Any]]:
        return []

    def replace(self, place: str, new: str) -> None:
        self.done.append(("replace", place.removeprefix(LAKE), new.removeprefix(LAKE)))

    def remove(self, place: str) -> None:
        self.done.append(("remove", place.removeprefix(LAKE)))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """The job's, with Spark's part played by nobody."""
    found = FakeStore()
    monkeypatch.setenv("SWITCHBOARD_DATA_BUCKET", "data")
    monkeypatch.setattr(Store, "connect", lambda: found)
    monkeypatch.setattr(jobs, "spark_session", lambda: None)
    monkeypatch.setattr(quality, "examine", lambda *_: Findings())
    for name in ("read", "freeze", "calls", "segments"):
        monkeypatch.setattr(tables, name, lambda *_: None)
    monkeypatch.setattr(tables, "published", lambda *_: SimpleNamespace(count=lambda: 3))
    return found


def test_the_published_day_is_left_alone_until_all_tables_are_whole(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage(name: str, frame: Any, day: Any) -> str:
        if name == "segments":
            raise RuntimeError("executors are lost")
        return f"{day.staged}/{name}"

    monkeypatch.setattr(tables, "stage", stage)
    with pytest.raises(RuntimeError, match="executors are lost"):
        jobs.to_parquet("2026-01-31")
    assert store.done == []


def test_what_is_whole_is_published_and_the_rest_goes(
    store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "stage", lambda name, frame, day: f"{day.staged}/{name}")
    assert jobs.to_parquet("2026-01-31")["calls"] == 3
    replaced = [("replace", f"/{name}/day=2026-01-31", f"/staged/day=2026-01-31/{name}") for name in TABLES]
    assert store.done[:2] == replaced
    assert ("remove", "/staged/day=2026-01-31") in store.done[2:]
