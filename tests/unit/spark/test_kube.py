"""What a driver makes of the API server's answers. The calls: tests/integration/spark/test_api.py."""

from __future__ import annotations

import io
import json
import urllib.error
from email.message import Message
from typing import Any

import pytest

from switchboard_spark import kube
from switchboard_spark.kube import Api, ApiError

API = Api("airflow-speech")


def answer(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    def call(*_: object) -> bytes:
        if isinstance(given, Exception):
            raise given
        return json.dumps(given).encode()

    monkeypatch.setattr(Api, "_call", call)


def test_a_pod_that_is_there_already_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, ApiError(409, 'pods "x" already exists', "AlreadyExists"))
    API.create({})


def test_a_conflict_is_not_a_pod_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, ApiError(409, "Operation cannot be fulfilled on resourcequotas", "Conflict"))
    with pytest.raises(ApiError, match="cannot be fulfilled"):
        API.create({})


@pytest.mark.parametrize(
    ("body", "message", "reason"),
    [
        (b'{"message": "is there", "reason": "AlreadyExists"}', "is there", "AlreadyExists"),
        (b'{"message": "no reason"}', "no reason", ""),
        (b"upstream is away", "409 Conflict", ""),
        (b"[]", "409 Conflict", ""),
    ],
)
def test_a_refusal_has_the_servers_own_words(body: bytes, message: str, reason: str) -> None:
    error = kube._refusal(urllib.error.HTTPError("", 409, "", Message(), io.BytesIO(body)))
    assert (error.status, str(error), error.reason) == (409, message, reason)


def test_events_are_in_the_order_in_which_they_were_seen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pulling = {"reason": "Pulling", "lastTimestamp": "2026-01-31T00:10:00Z", "metadata": {}}
    failed = {"reason": "Failed", "lastTimestamp": "2026-01-31T00:09:00Z", "metadata": {}}
    made: dict[str, Any] = {
        "reason": "Scheduled",
        "lastTimestamp": None,
        "eventTime": "2026-01-31T00:00:00.1Z",
        "metadata": {},
    }
    answer(monkeypatch, {"items": [pulling, failed, made]})
    assert [each["reason"] for each in API.events("exec-1")] == ["Scheduled", "Failed", "Pulling"]
