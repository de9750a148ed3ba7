"""The Airflow client against answers made up here."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from tenacity import wait_none

from ops.airflow_api import AirflowApi, AirflowError, ServerTroubleError

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> AirflowApi:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        return answer(request)

    made = AirflowApi("http://airflow", "admin", "secret")
    monkeypatch.setattr(
        made, "_client", httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(handle))
    )
    monkeypatch.setattr(AirflowApi.request.retry, "wait", wait_none())
    return made


def test_a_server_whose_database_comes_back_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx.Response(500), httpx.Response(503), httpx.Response(200, json={"state": "success"})])
    assert api(lambda _: next(answers), monkeypatch).run_state("d", "r") == "success"


def test_a_refusal_is_final_and_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404, text="no such DAG")

    with pytest.raises(AirflowError, match="404: no such DAG"):
        api(refuse, monkeypatch).run_state("d", "r")
    assert len(asked) == 1


def test_what_a_post_began_is_not_begun_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(500) if request.method == "POST" else httpx.Response(200, json={})

    with pytest.raises(AirflowError) as caught:
        api(fail, monkeypatch).trigger("d", {})
    assert not isinstance(caught.value, ServerTroubleError)
    assert asked == ["PATCH", "POST"]


def test_an_expired_token_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx.Response(401), httpx.Response(200, json={"state": "running"})])
    assert api(lambda _: next(answers), monkeypatch).run_state("d", "r") == "running"
