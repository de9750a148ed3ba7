"""The batch job's applications and its warehouse, for the tests of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg

from tests.integration.images.containers import Docker
from tests.integration.spark.conftest import S3
from tests.integration.spark.test_image import run
from tests.support.transcripts import CALLS, SAID, SEGMENTS, Document, document, expected, parquet, text
from transcripts_daily import warehouse

DAY, NEXT = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 2, 1, 0, tzinfo=UTC)
PASSWORD = "not-to-be-seen"


@dataclass(frozen=True)
class Database:
    """The warehouse, for containers and for this process."""

    inside: str
    outside: str

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.outside) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        with psycopg.connect(self.outside) as connection:
            connection.execute(sql)

    def load(self, documents: list[Document], at: datetime = DAY) -> dict[str, int]:
        """Load these as all that was written then."""
        tables = expected(documents)
        rows = {
            "calls": tables["calls"].assign(transcribed_at=at.isoformat())[list(warehouse.CALLS)],
            "segments": tables["segments"][list(warehouse.SEGMENTS)],
        }
        calls, segments = (each.itertuples(index=False, name=None) for each in rows.values())
        return warehouse.load(self.outside, at.date(), calls, segments)

    def tables(self, day: datetime = DAY) -> dict[str, pd.DataFrame]:
        of_day = f"JOIN calls USING (call_id) WHERE calls.day = '{day:%Y-%m-%d}'"
        columns = ", ".join(f"segments.{name}" for name in SEGMENTS)
        return {
            "calls": pd.DataFrame(
                self.query(f"SELECT {', '.join(CALLS)} FROM calls WHERE day = '{day:%Y-%m-%d}'"),
                columns=CALLS,
            ),
            "segments": pd.DataFrame(
                self.query(f"SELECT {columns} FROM segments {of_day}"), columns=SEGMENTS
            ),
        }


@dataclass(frozen=True)
class Job:
    """The applications on a folder of this test's own."""

    containers: Docker
    image: str
    message: Path
    s3: S3
    database: Database
    folder: str

    def put(self, value: Document | str, call_id: str = "", at: datetime = DAY) -> None:
        call_id = call_id or value["call_id"]  # type: ignore[index]
        body = value if isinstance(value, str) else text(value)
        self.s3.put_at(self.key(call_id), body, at)

    def key(self, call_id: str) -> str:
        return f"{self.folder}/transcripts/{call_id}/postprocess/transcript.json"

    def start(self, name: str, day: datetime = DAY, **arguments: Any) -> tuple[int, Any, str]:
        given = {"day": f"{day:%Y-%m-%d}", "lake": f"{self.folder}/lake", **arguments}
        if name == "to_parquet":
            given["prefix"] = f"{self.folder}/transcripts"
        application = f"transcripts_daily.jobs:{name}"
        environment = dict(self.s3.environment)
        if name == "to_postgres":
            environment["SWITCHBOARD_CONNECTION_WAREHOUSE"] = self.database.inside
        status, said, log = run(
            self.containers, self.image, self.message, application, arguments=given, environment=environment
        )
        for secret in (PASSWORD, SAID, "very-secret"):
            assert secret not in log + json.dumps(said)
        return status, said, log

    def do(self, name: str, **options: Any) -> Any:
        """Run one to its good end; gives its result."""
        status, said, log = self.start(name, **options)
        assert status == 0, log
        return said["result"]

    def both(self, day: datetime = DAY) -> Any:
        self.do("to_parquet", day=day)
        return self.do("to_postgres", day=day)

    def parquet(self, day: datetime = DAY) -> dict[str, pd.DataFrame]:
        return {
            table: parquet(self.s3.client(), self.s3.bucket, f"{self.folder}/lake/{table}/day={day:%Y-%m-%d}")
            for table in ("calls", "segments")
        }


def answers(uri: str) -> bool:
    """Whether a database can be logged into."""
    try:
        psycopg.connect(uri).close()
    except psycopg.OperationalError:
        return False
    return True


def bad_files() -> dict[str, str]:
    """Transcripts with something wrong with each, by call."""
    changes: dict[str, Document] = {
        "long": {"duration_s": 86_401.0},
        "unsure": {"language": {"code": "en", "confidence": 1.5, "scores": {}}},
        "klingon": {"language": {"code": "tlh", "confidence": 0.5, "scores": {}}},
        "nobody": _segment("nobody", 0, speaker=None),
        "backwards": _segment("backwards", 1, start_s=2.0, end_s=1.0),
        "endless": _segment("endless", 0, end_s=5000.0),
        "nul": _segment("nul", 0, text=f"{SAID}\0"),
    }
    return {
        **{name: text(document(name, **changed)) for name, changed in changes.items()},
        "broken": "{ no JSON, but " + SAID,
        "empty": "",
        "list": json.dumps([document("list"), document("list")]),
    }


def _segment(call_id: str, index: int, **changes: Any) -> Document:
    segments = document(call_id)["segments"]
    return {"segments": [each | (changes if at == index else {}) for at, each in enumerate(segments)]}


def all_documents(good: list[Document], files: dict[str, str]) -> list[Document]:
    """Those that can be read."""
    readable = [json.loads(body) for name, body in files.items() if name not in {"broken", "empty"}]
    return [*good, *(each for value in readable for each in (value if isinstance(value, list) else [value]))]


def found_by_rule(reason: str) -> dict[str, str]:
    """What an error says was found, by table and rule."""
    lines = [line.removeprefix("- ") for line in reason.splitlines()[1:]]
    return {line.split(" asks for ")[0]: line.rpartition(", but ")[2] for line in lines}
