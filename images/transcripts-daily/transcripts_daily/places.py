"""What "of a day" means, and where a day's data lie. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from switchboard_spark.application import UsageError

TRANSCRIPT = re.compile(r"[^/]+/postprocess/transcript\.json")
"""A transcript's key behind the prefix of all of them: `<call>/postprocess/transcript.json`."""


@dataclass(frozen=True)
class Day:
    """One day's places in a lake. All are URIs as Spark has them (`s3a://bucket/key`)."""

    lake: str
    day: date

    @property
    def snapshot(self) -> str:
        """What was read: what is checked is what is written then, whatever happens to the transcripts."""
        return f"{self.lake}/snapshots/day={self.day}"

    def table(self, name: str) -> str:
        """The day's folder of a table. It is replaced as a whole: a committer without renames can't replace
        some of a table's partitions.
        """
        return f"{self.lake}/{name}/day={self.day}"

    @property
    def staged(self) -> str:
        """Tables that are whole and not yet published."""
        return f"{self.lake}/staged/day={self.day}"

    @property
    def quarantine(self) -> str:
        """The object with the keys of rows that broke rules."""
        return f"{self.lake}/quarantine/day={self.day}.json"


def day_in(lake: str, day: str, bucket: str) -> Day:
    """Raises UsageError."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"day={day!r} is no day", "give one as YYYY-MM-DD, like 2026-01-31") from None
    if found.isoformat() != day:
        raise UsageError(f"day={day!r} is not written as YYYY-MM-DD", f"give {found.isoformat()!r}")
    return Day(uri("lake", lake, bucket).rstrip("/"), found)


def uri(what: str, place: str, bucket: str) -> str:
    """A key in the bucket as a URI; a URI as it is. `what` names the argument. Raises UsageError."""
    if "://" not in place:
        place = f"s3a://{bucket}/{place.lstrip('/')}"
    scheme, _, rest = place.partition("://")
    if scheme not in {"s3", "s3a"} or not rest.strip("/") or rest.startswith("/"):
        raise UsageError(f"{what}={place!r} names nothing in S3", "give s3a://bucket/key, or a key")
    return f"s3a://{rest}"


def bucket_and_key(place: str) -> tuple[str, str]:
    """Of an `s3a://` URI."""
    bucket, _, key = place.removeprefix("s3a://").partition("/")
    return bucket, key


def call_of(transcript: str) -> str:
    """The call's id: its transcript lies in a folder of that name."""
    return transcript.rsplit("/", 3)[-3]


def transcripts_of(day: date, objects: Iterable[Mapping[str, Any]], prefix: str) -> list[str]:
    """The keys of a day's transcripts, in order.

    A transcript is of the day (UTC) on which its object was written: it says nothing of when its call was. A
    call that is transcribed again is one of the later day.

    Parameters
    ----------
    objects
        What ListObjectsV2 answers: `Key`, and `LastModified` with a time zone.
    prefix
        Of their keys; ends with a slash.
    """
    return sorted(
        str(item["Key"])
        for item in objects
        if TRANSCRIPT.fullmatch(item["Key"].removeprefix(prefix))
        and item["LastModified"].astimezone(UTC).date() == day
    )
