"""The reconciler against an Airflow API that keeps what it's given."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from switchboard_airflow.reconcile import Airflow, Reconciler


class FakeAirflow:
    """Pools and connections behind the few calls of the REST API; tokens end when told to."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"pools": {}, "connections": {}}
        self.token, self.calls = "t1", list[str]()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/auth/token":
            return httpx.Response(201, json={"access_token": self.token})
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401)
        _, _, _, kind, *name = path.split("/")
        self.calls.append(f"{request.method} {kind}")
        return self._kept(request, self.kept[kind], kind, name)

    def _kept(
        self, request: httpx.Request, items: dict[str, dict[str, Any]], kind: str, name: list[str]
    ) -> httpx.Response:
        if request.method == "GET":
            offset, limit = int(request.url.params["offset"]), int(request.url.params["limit"])
            page = list(items.values())[offset : offset + min(limit, 2)]
            return httpx.Response(200, json={kind: page, "total_entries": len(items)})
        if request.method == "DELETE":
            del items[name[0]]
            return httpx.Response(204)
        body = json.loads(request.content)
        key = "connection_id" if kind == "connections" else "name"
        if request.method == "PATCH" and kind == "pools":
            body["name"] = body.pop("pool")
        items[body[key]] = body
        return httpx.Response(200, json=body)


@pytest.fixture
def fake() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture
def reconciler(fake: FakeAirflow, tmp_path: Path) -> Reconciler:
    client = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(fake.answer))
    declare(tmp_path)
    return Reconciler(Airflow(lambda: "hush", client), tmp_path)


def declare(
    folder: Path, pools: dict[str, Any] | None = None, connections: dict[str, Any] | None = None
) -> None:
    (folder / "pools.json").write_text(json.dumps(pools or {}))
    (folder / "connections.json").write_text(json.dumps(connections or {}))


def pool(slots: int) -> dict[str, Any]:
    return {"slots": slots, "description": "", "include_deferred": False}


def test_declared_then_changed_then_removed(
    reconciler: Reconciler, fake: FakeAirflow, tmp_path: Path
) -> None:
    declare(tmp_path, {"a": pool(1), "b": pool(2), "c": pool(3)})
    assert len(reconciler.round()) == 3
    assert reconciler.round() == []
    fake.kept["pools"]["b"]["slots"] = 99
    assert [str(change) for change in reconciler.round()] == ["pool b: put back (differed in slots)"]
    assert fake.kept["pools"]["b"]["slots"] == 2
    declare(tmp_path, {"a": pool(1)})
    reconciler.round()
    assert set(fake.kept["pools"]) == {"a"}


def test_an_ended_token_is_renewed(reconciler: Reconciler, fake: FakeAirflow, tmp_path: Path) -> None:
    declare(tmp_path, {"a": pool(1)})
    reconciler.round()
    fake.token = "t2"
    assert reconciler.round() == []


def test_a_round_without_changes_only_reads(
    reconciler: Reconciler, fake: FakeAirflow, tmp_path: Path
) -> None:
    declare(tmp_path, {"a": pool(1)})
    reconciler.round()
    fake.calls.clear()
    reconciler.round()
    assert fake.calls == ["GET pools", "GET connections"]


def test_connections_are_written_again_once_in_a_while(
    reconciler: Reconciler, fake: FakeAirflow, tmp_path: Path
) -> None:
    declare(tmp_path, connections={"crm": {"conn_type": "http", "password": "s3cret"}})
    reconciler.round()
    fake.kept["connections"]["crm"]["password"] = "***"
    reconciler.round()
    assert fake.kept["connections"]["crm"]["password"] == "***", "what can't be seen is not looked for"
    reconciler.reasserted_at = float("-inf")
    reconciler.round()
    assert fake.kept["connections"]["crm"]["password"] == "s3cret"


def test_a_refusal_says_what_was_refused(reconciler: Reconciler, tmp_path: Path) -> None:
    reconciler.airflow.client = httpx.Client(
        base_url="http://airflow",
        transport=httpx.MockTransport(
            lambda request: (
                httpx.Response(201, json={"access_token": "x"})
                if request.url.path == "/auth/token"
                else httpx.Response(422, text="no such field")
            )
        ),
    )
    with pytest.raises(httpx.HTTPStatusError, match=r"GET /pools: 422 no such field"):
        reconciler.round()
