"""The applications. Each does a day again as often as it is asked to, with the same result."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

from switchboard_spark import units
from switchboard_spark.connections import connection
from switchboard_spark.session import spark_session
from transcripts_daily import quality, tables, warehouse
from transcripts_daily.places import Day, bucket_and_key, day_in, transcripts_of, uri
from transcripts_daily.rules import KEYS, rules
from transcripts_daily.store import Store

log = logging.getLogger(__name__)

LAKE = "lake/transcripts"


def to_parquet(
    day: str, prefix: str = "transcripts/", lake: str = LAKE, min_calls: int = 1
) -> dict[str, Any]:
    """Bring a day's transcripts to Parquet, if they keep the rules: `<lake>/{calls,segments}/day=.../`.

    Parameters
    ----------
    day
        YYYY-MM-DD, in UTC: the one on which a transcript was written.
    prefix, lake
        Keys in the data bucket, or URIs.
    min_calls
        A day with fewer calls is not believed; 0 takes any.

    Raises
    ------
    PermanentError
        Data broke a rule: nothing was published, and the keys of bad rows are in `<lake>/quarantine/`.
    UsageError
        An argument names nothing that could be.
    """
    place, store = day_in(lake, day, _bucket()), Store.connect()
    uris = _transcripts(store, uri("prefix", prefix, _bucket()).rstrip("/") + "/", place)
    log.info("%d transcripts of %s", len(uris), day)
    snapshot = tables.freeze(tables.read(spark_session(), uris, place.day), place.snapshot)
    found = {"calls": tables.calls(snapshot), "segments": tables.segments(snapshot)}
    findings = quality.Findings()
    for name, kept in rules(min_calls).items():
        findings += quality.examine(name, found[name], KEYS[name], kept)
    if findings.broken:
        store.put_json(place.quarantine, quality.quarantine(place, findings))
        raise quality.refusal(place, findings)
    staged = {name: tables.stage(name, frame, place) for name, frame in found.items()}
    for name, folder in staged.items():
        store.replace(place.table(name), folder)
    for leftover in (place.quarantine, place.snapshot, place.staged):
        store.remove(leftover)
    written = {name: tables.published(spark_session(), name, place).count() for name in found}
    units.count(calls=written["calls"])
    return {"day": day, **written, "parquet": [place.table(name) for name in found]}


def to_postgres(day: str, lake: str = LAKE) -> dict[str, Any]:
    """Make the warehouse's tables have a day as its Parquet has it: all of it, or nothing where it fails.

    Parameters
    ----------
    day, lake
        As for `to_parquet`, which must have gone well.

    Raises
    ------
    UsageError
        The task did not ask for the connection `warehouse`, or an argument names nothing that could be.
    """
    place, address = day_in(lake, day, _bucket()), connection("warehouse")
    # Only this process has the password: rows come to it, part by part, and no executor connects.
    loaded = warehouse.load(address, place.day, _rows("calls", place), _rows("segments", place))
    return {"day": day, **loaded}


def _rows(table: str, place: Day) -> Iterator[Any]:
    """A table's day as it is loaded; read when it is asked for."""
    frame = tables.published(spark_session(), table, place)
    yield from frame.selectExpr(*warehouse.SELECTED[table]).toLocalIterator(prefetchPartitions=True)


def _bucket() -> str:
    return os.environ["SWITCHBOARD_DATA_BUCKET"]


def _transcripts(store: Store, prefix: str, place: Day) -> list[str]:
    """The URIs of the day's transcripts."""
    bucket, start = bucket_and_key(prefix)
    return [f"s3a://{bucket}/{key}" for key in transcripts_of(place.day, store.below(prefix), start)]
