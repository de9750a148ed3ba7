"""Which transcripts are a day's, and where its data lie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from switchboard_spark.application import UsageError
from transcripts_daily.places import call_of, day_in, transcripts_of, uri
from transcripts_daily.store import Store

DAY = date(2026, 1, 31)


def item(key: str, at: datetime) -> dict[str, Any]:
    return {"Key": key, "LastModified": at}


def test_a_transcript_is_of_the_day_in_utc_on_which_it_was_written() -> None:
    midnight, name = datetime(2026, 1, 31, tzinfo=UTC), "postprocess/transcript.json"
    second = timedelta(seconds=1)
    written = {
        "before": midnight - second,
        "first": midnight,
        "last": midnight + timedelta(days=1) - second,
        "after": midnight + timedelta(days=1),
        # The same moment as `after`, on a clock that still has the 31st.
        "elsewhere": datetime(2026, 1, 31, 19, tzinfo=timezone(timedelta(hours=-5))),
    }
    objects = [item(f"t/{call}/{name}", at) for call, at in written.items()]
    assert transcripts_of(DAY, objects, "t/") == [f"t/first/{name}", f"t/last/{name}"]


@pytest.mark.parametrize(
    "key",
    [
        "t/call/postprocess/transcript.txt",
        "t/call/asr/transcript.json",
        "t/postprocess/transcript.json",
        "t/team/call/postprocess/transcript.json",
        "t/call/postprocess/transcript.json.bak",
    ],
)
def test_what_is_no_transcript_is_passed_over(key: str) -> None:
    assert transcripts_of(DAY, [item(key, datetime(2026, 1, 31, 12, tzinfo=UTC))], "t/") == []


def test_a_call_is_named_by_its_folder() -> None:
    assert call_of("s3a://data/transcripts/call-7.a/postprocess/transcript.json") == "call-7.a"


def test_a_day_has_a_folder_of_its_own_in_every_table() -> None:
    day = day_in("lake/transcripts/", "2026-01-31", "data")
    assert day.table("calls") == "s3a://data/lake/transcripts/calls/day=2026-01-31"
    assert day.snapshot == "s3a://data/lake/transcripts/snapshots/day=2026-01-31"
    assert day.quarantine == "s3a://data/lake/transcripts/quarantine/day=2026-01-31.json"


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "20260131", "2026-01-31T00:00"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(UsageError, match=r"day=.*YYYY-MM-DD|is no day") as caught:
        day_in("lake", day, "data")
    assert "2026-01-31" in caught.value.remedy


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("lake", "s3a://data/lake"),
        ("/lake/x/", "s3a://data/lake/x/"),
        ("s3://other/lake", "s3a://other/lake"),
        ("s3a://other/lake", "s3a://other/lake"),
    ],
)
def test_a_key_is_one_of_the_data_bucket(place: str, found: str) -> None:
    assert uri("lake", place, "data") == found


@pytest.mark.parametrize("place", ["file:///tmp/x", "s3://", "s3a:///lake"])
def test_what_is_not_in_s3_is_refused(place: str) -> None:
    with pytest.raises(UsageError, match="lake=.*names nothing in S3"):
        uri("lake", place, "data")


class FakeS3:
    """Keys of one bucket, listed two at a time."""

    def __init__(self, *keys: str, errors: int = 0) -> None:
        self.keys, self.errors, self.broken = list(keys), errors, False
        self.requests: list[str] = []

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        found = [{"Key": key} for key in self.keys if key.startswith(Prefix)]
        yield from ({"Contents": found[start : start + 2]} for start in range(0, len(found), 2))
        yield {}

    def copy(self, source: dict[str, str], bucket: str, key: str) -> None:
        assert source["Key"] in self.keys
        if self.broken:
            raise OSError("connection refused")
        self.requests.append(key)
        self.keys.append(key)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        gone = {each["Key"] for each in Delete["Objects"]}
        self.requests.append("delete")
        self.keys = [key for key in self.keys if key not in gone]
        return {"Errors": [{"Key": "x", "Code": "AccessDenied"}] * self.errors}


def test_a_day_is_replaced_as_a_whole_and_is_there_at_any_time() -> None:
    before = ("t/day=1/_SUCCESS", "t/day=1/language=es/old", "t/day=1/language=en/old")
    s3 = FakeS3(*before, "t/day=10/other", "staged/t/", "staged/t/_SUCCESS", "staged/t/language=en/new")
    s3.broken = True
    with pytest.raises(OSError, match="connection refused"):
        Store(s3).replace("s3a://data/t/day=1", "s3a://data/staged/t")
    assert set(before) < set(s3.keys), "nothing is taken away before all is there"
    s3.broken = False
    Store(s3).replace("s3a://data/t/day=1", "s3a://data/staged/t")
    assert s3.requests == ["t/day=1/_SUCCESS", "t/day=1/language=en/new", "delete"]
    assert {key for key in s3.keys if key.startswith("t/")} == {
        "t/day=1/_SUCCESS",
        "t/day=1/language=en/new",
        "t/day=10/other",
    }


def test_removing_takes_what_is_below_and_nothing_beside() -> None:
    s3 = FakeS3("lake/a", "lake/a/1", "lake/a/b/2", "lake/a/3", "lake/ab", "other")
    Store(s3).remove("s3a://data/lake/a")
    assert s3.keys == ["lake/ab", "other"]


def test_what_is_not_removed_is_an_error() -> None:
    with pytest.raises(OSError, match="1 objects below s3a://data/lake/a were not removed.*AccessDenied"):
        Store(FakeS3("lake/a", errors=1)).remove("s3a://data/lake/a")
