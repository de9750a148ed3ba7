"""A day's transcripts to Parquet and Postgres: the image as it is, real servers, pandas to compare with."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.images.containers import Docker, address, until
from tests.integration.spark.batch import (
    DAY,
    NEXT,
    PASSWORD,
    Database,
    Job,
    all_documents,
    answers,
    bad_files,
    found_by_rule,
)
from tests.integration.spark.conftest import S3
from tests.integration.spark.test_image import run
from tests.support.transcripts import SAID, compare, document
from transcripts_daily.warehouse import LoadError

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(containers: Docker, built: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Database:
    secret = tmp_path_factory.mktemp("secret") / "owner-password"
    secret.write_text(PASSWORD)
    secret.chmod(0o444)
    container = containers.start(
        built["postgres"],
        environment={
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "warehouse",
            "POSTGRES_PASSWORD": "another",
            "POSTGRES_OWNER": "warehouse",
            "POSTGRES_OWNER_PASSWORD_FILE": "/owner-password",
        },
        volumes={
            containers.volume(): {"bind": "/var/lib/postgresql/data", "mode": "rw"},
            str(secret): {"bind": "/owner-password", "mode": "ro"},
        },
        ports={"5432/tcp": ("127.0.0.1", None)},
    )
    login = f"postgresql://warehouse:{PASSWORD}"
    outside = f"{login}@{address(container, 5432)}/warehouse?connect_timeout=5"
    until(lambda: answers(outside), timeout_s=60)
    # By its address: not every Docker has a DNS for containers.
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    return Database(f"{login}@{network['IPAddress']}:5432/warehouse", outside)


@pytest.fixture
def database(server: Database) -> Iterator[Database]:
    yield server
    server.change("DROP TABLE IF EXISTS segments, calls")


@pytest.fixture
def job(
    request: pytest.FixtureRequest,
    containers: Docker,
    built: dict[str, str],
    message: Path,
    s3: S3,
    database: Database,
) -> Job:
    return Job(containers, built["transcripts-daily"], message, s3, database, f"batch/{request.node.name}")


def test_a_day_is_in_both_places_as_pandas_has_it(job: Job, database: Database) -> None:
    of_day = [document(f"call-{number}") for number in range(12)]
    later = [document(f"later-{number}") for number in range(2)]
    for each in of_day:
        job.put(each)
    for each in later:
        job.put(each, at=NEXT)
    job.s3.put_at(f"{job.folder}/transcripts/call-1/asr/words.json", "{}", DAY)
    made = job.do("to_parquet")
    assert (made["calls"], made["segments"]) == (12, sum(len(each["segments"]) for each in of_day))
    assert made["parquet"][0] == f"s3a://data/{job.folder}/lake/calls/day=2026-01-31"
    compare(job.parquet(), of_day)
    loaded = job.do("to_postgres")
    assert (loaded["calls"], loaded["changed"], loaded["removed"]) == (12, 12 + made["segments"], 0)
    compare(database.tables(), of_day)
    assert database.query("SELECT DISTINCT transcribed_at, day FROM calls") == [(DAY, DAY.date())]
    for leftover in ("snapshots", "staged"):
        assert not job.s3.keys(f"{job.folder}/lake/{leftover}/")

    again = job.both()
    assert (again["calls"], again["changed"], again["removed"]) == (12, 0, 0)
    compare(job.parquet(), of_day)
    compare(database.tables(), of_day)


def test_bad_rows_are_told_and_nothing_is_published(job: Job) -> None:
    good = [document(f"good-{number}") for number in range(3)]
    bad = bad_files()
    for each in good:
        job.put(each)
    for name, body in bad.items():
        job.put(body, name)

    status, said, _ = job.start("to_parquet")
    assert (status, said["kind"]) == (65, "application")
    rows = sum(len(each["segments"]) for each in all_documents(good, bad))
    found = found_by_rule(said["reason"])
    assert "standard_deviation" in found.pop("calls.durations_differ"), "one call of a day is enough for that"
    assert found == {
        "calls.is_a_transcript": "2 of 14 rows break it (broken, empty)",
        "calls.is_complete": "2 of 14 rows break it (broken, empty)",
        "calls.is_there_once": "2 of 14 rows break it (list)",
        "calls.language_is_a_code": "1 of 14 rows break it (klingon)",
        "calls.duration_is_possible": "1 of 14 rows break it (long)",
        "calls.confidence_is_a_share": "1 of 14 rows break it (unsure)",
        "segments.is_complete": f"1 of {rows} rows break it (nobody#1)",
        "segments.starts_before_it_ends": f"1 of {rows} rows break it (backwards#2)",
        "segments.ends_within_the_call": f"1 of {rows} rows break it (endless#1)",
        "segments.has_no_nul": f"1 of {rows} rows break it (nul#1)",
    }
    assert "regex-match (column language, pattern ^[a-z]{2}$)" in said["reason"]

    kept = job.s3.get(f"{job.folder}/lake/quarantine/day=2026-01-31.json").decode()
    assert SAID not in kept
    quarantined = {(row["call_id"], row.get("position")): row["rules"] for row in json.loads(kept)["rows"]}
    assert quarantined == {
        ("broken", None): ["is_a_transcript", "is_complete"],
        ("empty", None): ["is_a_transcript", "is_complete"],
        ("klingon", None): ["language_is_a_code"],
        ("long", None): ["duration_is_possible"],
        ("unsure", None): ["confidence_is_a_share"],
        ("list", None): ["is_there_once"],
        ("nobody", 1): ["is_complete"],
        ("backwards", 2): ["starts_before_it_ends"],
        ("endless", 1): ["ends_within_the_call"],
        ("nul", 1): ["has_no_nul"],
    }
    assert not job.s3.keys(f"{job.folder}/lake/calls/") + job.s3.keys(f"{job.folder}/lake/segments/")

    for name in bad:
        job.s3.delete(job.key(name))
    job.do("to_parquet")
    compare(job.parquet(), good)
    assert not job.s3.keys(f"{job.folder}/lake/quarantine/")


def test_a_day_as_a_whole_is_held_to_rules_too(job: Job) -> None:
    for number in range(10):
        job.put(document(f"call-{number}", duration_s=60.0))
    status, said, _ = job.start("to_parquet", min_calls=11)
    assert status == 65
    lines = said["reason"].splitlines()
    assert lines[0] == "2 rules were broken by the transcripts of 2026-01-31; nothing was loaded"
    few, alike = (line for line in lines[1:])
    assert few == (
        "- calls.enough_calls asks for row-count-min (min-count 11), but measured actual_row_count 10, "
        "min_expected 11"
    )
    assert alike.startswith("- calls.durations_differ asks for standard-deviation-between (column duration_s")
    assert alike.endswith("but measured values 10, standard_deviation 0.0")


def test_a_day_on_which_few_speak_and_all_as_clearly_is_refused(job: Job) -> None:
    for number in range(10):
        spoken = document(f"call-{number}")
        words = [{**spoken["segments"][0]["words"][0], "confidence": 0.5}]
        job.put({**spoken, "segments": [{**spoken["segments"][0], "words": words}]})
    for number in range(11):
        job.put(document(f"silent-{number}", segments=[]))
    status, said, _ = job.start("to_parquet")
    assert status == 65
    found = found_by_rule(said["reason"])
    assert sorted(found) == ["calls.confidences_differ", "calls.most_speak"]
    assert found["calls.confidences_differ"] == "measured values 10, standard_deviation 0.0"
    assert "total_count 21, non_null_count 10" in found["calls.most_speak"]


def test_a_day_without_calls_empties_the_tables_where_it_may_be_one(job: Job, database: Database) -> None:
    database.load([document("call")])
    assert job.do("to_parquet", min_calls=0)["calls"] == 0
    assert job.do("to_postgres")["removed"] == 1
    assert database.query("SELECT count(*) FROM segments") == [(0,)]


# --- the load alone: as in the image, on rows that pandas made


def test_what_is_gone_goes_and_what_changed_changes(database: Database) -> None:
    gone, shorter, same = (document(name) for name in ("gone", "shorter", "same"))
    database.load([gone, shorter, same])
    other = document("other")
    database.load([other], at=NEXT)
    cut = {**shorter, "segments": shorter["segments"][:1]}
    new = document("new")
    done = database.load([cut, same, new])
    compare(database.tables(), [cut, same, new])
    compare(database.tables(NEXT), [other])
    assert done["removed"] == 1 + len(shorter["segments"]) - 1, "the call that is gone, segments of another"
    assert done["changed"] == 1 + 1 + len(new["segments"]), "the one cut short, and all of the new one"


def test_a_call_that_was_transcribed_again_moves_to_the_later_day_and_stays(database: Database) -> None:
    before, same = document("moved"), document("same")
    database.load([before, same])
    after = {**before, "run_id": "run-2", "segments": before["segments"][:1]}
    database.load([after], at=NEXT)
    compare(database.tables(NEXT), [after])
    # The earlier day once more, as it was published before.
    again = database.load([before, same])
    assert (again["calls"], again["changed"], again["removed"]) == (2, 0, 0)
    compare(database.tables(), [same])
    compare(database.tables(NEXT), [after])


def test_a_load_that_fails_leaves_the_tables_as_they_were_and_quotes_nobody(database: Database) -> None:
    before = document("before")
    database.load([before])
    database.change("ALTER TABLE segments ADD CHECK (speaker <> 'speaker-1') NOT VALID")
    with pytest.raises(LoadError, match="CheckViolation: new row for relation") as caught:
        database.load([{**before, "run_id": "run-2"}, document("another")])
    assert SAID not in "".join(traceback.format_exception(caught.value))
    compare(database.tables(), [before])


def test_loads_of_two_days_wait_for_each_other(database: Database) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    with ThreadPoolExecutor() as pool:
        loads = [pool.submit(database.load, [document(f"call-{at.day}")], at) for at in days]
    assert [load.result()["calls"] for load in loads] == [1] * 4
    assert database.query("SELECT count(DISTINCT day) FROM calls") == [(4,)]


def test_who_loads_may_do_nothing_else(database: Database) -> None:
    (role,) = database.query(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles "
        "WHERE rolname = current_user"
    )
    assert role == (False, False, False, False)


def test_without_the_connection_the_task_says_what_to_ask_for(job: Job) -> None:
    arguments = {"day": "2026-01-31", "lake": f"{job.folder}/lake"}
    status, said, _ = run(
        job.containers,
        job.image,
        job.message,
        "transcripts_daily.jobs:to_postgres",
        arguments=arguments,
        environment=job.s3.environment,
    )
    assert (status, said["kind"]) == (2, "usage")
    assert "connections=['warehouse']" in said["remedy"]
