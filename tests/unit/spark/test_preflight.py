"""The first executor: what is asked again, and what is not."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest

from switchboard_spark import preflight
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError
from switchboard_spark.model import EXIT_INFRASTRUCTURE, Verdict
from tests.unit.spark.driving import FakeApi, said, start

pytestmark = pytest.mark.usefixtures("jobs")

FULL = "exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4"


@pytest.mark.parametrize(
    "error",
    [
        ApiUnreachableError("POST pods: refused"),
        *(ApiError(status, "etcd is slow") for status in (429, 500, 503, 504)),
        ApiError(409, "Operation cannot be fulfilled on resourcequotas", "Conflict"),
        ApiError(403, FULL),
    ],
)
def test_what_can_pass_in_a_moment_is_tried_again(
    log: Path, api: FakeApi, in_a_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    api.refusals = [error] * 3
    assert start("started", log, in_a_pod) == 0
    monkeypatch.setattr(preflight, "PATIENCE_S", 0.05)
    api.refusals = [error] * 1000
    assert start("started", log, in_a_pod) == EXIT_INFRASTRUCTURE
    verdict = said(log)
    assert isinstance(verdict, Verdict)
    assert verdict.reason == str(error)


def test_what_never_passes_is_not_tried_again(api: FakeApi) -> None:
    api.refusals = [ApiError(403, FULL.replace("limited: pods=4", "limited: pods=0")), ApiError(500, "other")]
    with pytest.raises(preflight.RefusedError, match="exceeded quota"):
        preflight.make_executor(cast("Api", api), {})
    assert len(api.refusals) == 1


def test_no_executor_is_made_once_it_is_over(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PAUSE_S", 60)
    monkeypatch.setattr(preflight, "PATIENCE_S", 600)
    over = threading.Event()
    over.set()
    api.refusals = [ApiError(503, "busy")]
    with pytest.raises(preflight.RefusedError, match="busy"):
        preflight.make_executor(cast("Api", api), {}, over)
    assert not api.made
