"""The Airflow client against answers made up here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import httpx
import pytest
from tenacity import stop_after_attempt, wait_none

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


@pytest.mark.parametrize(("trouble", "asked"), [(httpx.ConnectError, 2), (httpx.ReadTimeout, 1)])
def test_a_post_that_may_have_arrived_is_not_sent_twice(
    monkeypatch: pytest.MonkeyPatch, trouble: type[httpx.TransportError], asked: int
) -> None:
    answers = iter([trouble("no answer"), None])
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if error := next(answers):
            raise error
        return httpx.Response(200, json={})

    client = api(answer, monkeypatch)
    with nullcontext() if asked == 2 else pytest.raises(AirflowError, match="does not answer: no answer"):
        client.request("POST", "/dags/d/dagRuns", json={})
    assert len(sent) == asked


def test_a_server_that_stays_away_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = api(answer, monkeypatch)
    monkeypatch.setattr(AirflowApi.request.retry, "stop", stop_after_attempt(2))
    with pytest.raises(AirflowError, match="http://airflow does not answer: refused; `make up` heals it"):
        client.run_state("d", "r")


def test_an_expired_token_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx.Response(401), httpx.Response(200, json={"state": "running"})])
    assert api(lambda _: next(answers), monkeypatch).run_state("d", "r") == "running"
