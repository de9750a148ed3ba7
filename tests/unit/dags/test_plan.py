from typing import Any

import pytest
from botocore.exceptions import ClientError

from switchboard.objects import Objects, UriError, data_bucket, s3_uri
from switchboard.plan import Planned, plan_run
from switchboard_stage.models import Batch, ErrorRecord
from tests.unit.dags.fake_s3 import FakeS3

DEFAULTS: dict[str, Any] = {
    "prefix": None,
    "calls": None,
    "engine": "pocketsphinx",
    "languages": ["en"],
    "chunk_s": 30,
    "batch_size": 2,
    "max_batches": 10,
    "max_failure_share": 0.5,
    "output": "transcripts",
    "stages": ["preprocess", "asr"],
}


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


def plan(s3: FakeS3, run_id: str = "r1", **params: Any) -> Planned:
    return plan_run(Objects(s3), "data", run_id, {**DEFAULTS, **params})


def test_without_params_everything_below_calls_is_planned(s3: FakeS3) -> None:
    s3.add(
        "s3://data/calls/1.wav", "s3://data/calls/x/2.mp3", "s3://data/calls/3.flac", "s3://data/other/4.wav"
    )
    planned = plan(s3)
    assert [each[:2] for each in planned.stages] == [
        ["--batch", "s3://data/runs/r1/batches/00000.json"],
        ["--batch", "s3://data/runs/r1/batches/00001.json"],
    ]
    assert planned.report == ["--run", "s3://data/runs/r1", "--max-failure-share", "0.5"]
    assert s3.json("s3://data/runs/r1/plan.json")["batches"] == [2, 1]
    assert "3 calls in 2 batches" in planned.summary


def test_stages_read_the_batches_with_their_own_model(s3: FakeS3) -> None:
    s3.add("s3://data/calls/1.wav")
    plan(s3)
    batch = Batch.model_validate(s3.json("s3://data/runs/r1/batches/00000.json"))
    assert batch.calls[0].uri == "s3://data/calls/1.wav"
    assert len(batch.calls[0].etag) == 32
    assert batch.calls[0].size_bytes > 0


def test_a_named_call_looks_the_same_as_one_that_was_found(s3: FakeS3) -> None:
    s3.add("s3://data/calls/1.wav")
    plan(s3, run_id="found")
    plan(s3, run_id="named", calls=["calls/1.wav"])
    found, named = (
        s3.json(f"s3://data/runs/{run}/batches/00000.json")["calls"] for run in ("found", "named")
    )
    assert found == named


def test_the_run_id_becomes_a_safe_key(s3: FakeS3) -> None:
    s3.add("s3://data/calls/1.wav")
    planned = plan(s3, run_id="manual__2026-01-01T00:00:00+00:00")
    run_id = planned.stages[0][planned.stages[0].index("--run-id") + 1]
    assert ":" not in run_id
    assert f"s3://data/runs/{run_id}/batches/00000.json" in planned.stages[0]


def test_nothing_found_is_a_plan_without_batches(s3: FakeS3) -> None:
    s3.add("s3://data/calls/readme.md")
    planned = plan(s3)
    assert planned.stages == []
    assert s3.json("s3://data/runs/r1/plan.json")["batches"] == []
    assert "no calls found (1 other files)" in planned.summary


def test_refused_calls_get_error_records_and_the_others_go_on(s3: FakeS3) -> None:
    s3.add("s3://data/calls/1.wav", "s3://data/calls/x/1.mp3", "s3://data/calls/2.wav")
    planned = plan(s3)
    record = ErrorRecord.model_validate(s3.json("s3://data/transcripts/1/error.json"))
    assert (record.stage, record.run_id, len(record.uris)) == ("plan", "r1", 2)
    assert len(planned.stages) == 1
    assert s3.json("s3://data/runs/r1/plan.json")["rejected"][0]["call_id"] == "1"


def test_a_call_that_is_gone_gets_an_error_record(s3: FakeS3) -> None:
    planned = plan(s3, calls=["calls/gone.wav"])
    assert planned.stages == []
    assert "no such object" in s3.json("s3://data/transcripts/gone/error.json")["reason"]


def test_an_object_store_that_refuses_is_not_taken_for_a_missing_call(s3: FakeS3) -> None:
    with pytest.raises(ClientError):
        plan(s3, calls=["s3://forbidden/1.wav"])


def test_many_calls_make_batches_grow(s3: FakeS3) -> None:
    s3.add(*(f"s3://data/calls/{index}.wav" for index in range(25)))
    plan(s3, max_batches=3)
    assert s3.json("s3://data/runs/r1/plan.json")["batches"] == [9, 8, 8]


def test_prefix_and_calls_together_are_refused(s3: FakeS3) -> None:
    with pytest.raises(UriError, match="either `prefix` or `calls`"):
        plan(s3, prefix="calls/", calls=["calls/1.wav"])


@pytest.mark.parametrize("value", ["http://x/y", "s3://", "s3:///key", "file:///tmp/x"])
def test_what_is_no_s3_uri_is_refused_by_name(s3: FakeS3, value: str) -> None:
    with pytest.raises(UriError, match="output = "):
        plan(s3, output=value)


def test_keys_are_taken_from_the_data_bucket() -> None:
    assert s3_uri("prefix", " calls/ ", "data") == "s3://data/calls/"
    assert s3_uri("prefix", "s3://else/calls/", "data") == "s3://else/calls/"


def test_a_missing_bucket_variable_is_named() -> None:
    assert data_bucket({"SWITCHBOARD_DATA_BUCKET": "b"}) == "b"
    with pytest.raises(UriError, match="SWITCHBOARD_DATA_BUCKET"):
        data_bucket({})
