"""Spark's pages behind Airflow's login: who sees what, and what is passed on."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from switchboard_airflow import spark_pages
from switchboard_airflow.in_cluster import PodApi
from switchboard_airflow.spark_pages import Driver, Drivers, drivers, history

READER = SimpleNamespace(name="reader")
POD = "words-count-0123abcd"


class Body(httpx.AsyncByteStream):
    """What comes over a connection, once."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"<html>"
        yield b"jobs</html>"


class Spark:
    """What drivers and the history server answer; keeps what they were asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.status, self.headers = 200, {"content-type": "text/html"}
        self.error: Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.error:
            raise self.error
        return httpx.Response(self.status, headers=self.headers, stream=Body())


@pytest.fixture
def spark() -> Spark:
    return Spark()


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What users may see: ids of DAGs, or None for any."""
    may: list[Any] = ["words", None]

    def is_authorized_dag(*, details: Any, user: Any, **_: Any) -> bool:
        return user is READER and (details.id if details else None) in may

    manager = SimpleNamespace(is_authorized_dag=is_authorized_dag)
    monkeypatch.setattr(spark_pages, "get_auth_manager", lambda: manager)
    return may


async def find(pod: str) -> Driver | None:
    return Driver("http://10.0.0.7:4040", "words") if pod == POD else None


@pytest.fixture
def web(spark: Spark, allowed: list[Any]) -> Callable[..., TestClient]:
    """The two applications as Airflow mounts them, for a reader or for nobody."""

    def nobody() -> None:
        raise HTTPException(401, "Not authenticated")

    def make(logged_in: bool = True) -> TestClient:
        pages = httpx.AsyncClient(transport=httpx.MockTransport(spark))
        root = FastAPI()
        for prefix, app in (("/spark", drivers(pages, find)), ("/spark-history", history(pages))):
            app.dependency_overrides[get_user] = (lambda: READER) if logged_in else nobody
            root.mount(prefix, app)
        return TestClient(root, follow_redirects=False)

    return make


def test_a_drivers_page_is_passed_on(web: Any, spark: Spark) -> None:
    answer = web().get(f"/spark/{POD}/jobs/job/?id=3&x=a%20b", headers={"accept": "text/html"})
    assert (answer.status_code, answer.text) == (200, "<html>jobs</html>")
    (asked,) = spark.asked
    assert str(asked.url) == "http://10.0.0.7:4040/jobs/job/?id=3&x=a%20b"
    assert asked.headers["x-forwarded-context"] == f"/spark/{POD}"


def test_the_history_is_passed_on(web: Any, spark: Spark) -> None:
    assert web().get("/spark-history/history/spark-1/jobs/").status_code == 200
    assert str(spark.asked[0].url) == "http://spark-history:18080/history/spark-1/jobs/"
    assert spark.asked[0].headers["x-forwarded-context"] == "/spark-history"


def test_nothing_of_airflows_login_reaches_spark(web: Any, spark: Spark) -> None:
    secrets = {"cookie": "_token=s3cret", "authorization": "Bearer s3cret", "x-api-key": "s3cret"}
    spark.headers["set-cookie"] = "a=b"
    answer = web().get(f"/spark/{POD}/", headers=secrets)
    assert "s3cret" not in str(spark.asked[0].headers.raw)
    assert "set-cookie" not in answer.headers


def test_nobody_sees_anything_without_logging_in(web: Any, spark: Spark) -> None:
    for page in (f"/spark/{POD}/jobs/", "/spark-history/"):
        answer = web(logged_in=False).get(page, headers={"accept": "text/html"})
        assert answer.status_code == 303
        assert "/auth/login?next=%2Fspark" in answer.headers["location"]
        assert web(logged_in=False).get(page, headers={"accept": "text/css"}).status_code == 401
    assert spark.asked == []


def test_who_may_not_read_the_dags_logs_sees_no_page(web: Any, spark: Spark, allowed: list[Any]) -> None:
    allowed.clear()
    for page in (f"/spark/{POD}/", "/spark-history/"):
        answer = web().get(page)
        assert (answer.status_code, "may not read" in answer.text) == (403, True)
    assert spark.asked == []


def test_a_driver_that_has_ended_is_told_from_one_that_starts(web: Any, spark: Spark) -> None:
    gone = web().get("/spark/words-count-ffffffff/")
    assert (gone.status_code, "Spark history" in gone.text) == (404, True)
    spark.error = httpx.ConnectError("refused")
    starts = web().get(f"/spark/{POD}/")
    assert (starts.status_code, "Reload" in starts.text) == (502, True)


@pytest.mark.parametrize(
    "location", ["/jobs/", "http://10.0.0.7:4040/jobs/", f"/spark/{POD}/jobs/", "jobs/", "https://evil/jobs/"]
)
def test_redirects_stay_below_the_page(web: Any, spark: Spark, location: str) -> None:
    spark.status, spark.headers = 302, {"location": location}
    answer = web().get(f"/spark/{POD}/")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/spark/{POD}/jobs/")


def test_the_pages_are_for_looking(web: Any, spark: Spark) -> None:
    assert web().post(f"/spark/{POD}/jobs/").status_code == 405
    killed = web().get(f"/spark/{POD}/stages/stage/kill/?id=1")
    assert (killed.status_code, "Kill the task in Airflow" in killed.text) == (403, True)
    assert spark.asked == []


def test_the_short_address_leads_to_the_page(web: Any) -> None:
    answer = web().get(f"/spark/{POD}")
    assert answer.headers["location"] == f"/spark/{POD}/"


@pytest.fixture
def account(tmp_path: Path) -> PodApi:
    (tmp_path / "token").write_text("T\n")
    (tmp_path / "namespace").write_text("airflow-speech")
    return PodApi(tmp_path)


def pod(**status: Any) -> dict[str, Any]:
    annotations = {"switchboard/dag-id": "words"}
    return {
        "metadata": {"annotations": annotations},
        "status": {"phase": "Running", "podIP": "10.0.0.7", **status},
    }


async def looked_up(
    account: PodApi, name: str, items: list[Any]
) -> tuple[Driver | None, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"items": items})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        known = Drivers(client, account)
        first = await known(name)
        assert await known(name) == first
    return first, asked


@pytest.mark.anyio
async def test_a_driver_is_looked_up_once_in_its_own_namespace(account: PodApi) -> None:
    driver, asked = await looked_up(account, POD, [pod()])
    assert driver == Driver("http://10.0.0.7:4040", "words")
    (request,) = asked
    assert request.url.path == "/api/v1/namespaces/airflow-speech/pods"
    assert request.url.params["fieldSelector"] == f"metadata.name={POD}"
    assert request.url.params["labelSelector"] == "app.kubernetes.io/component=spark-driver"
    assert request.headers["authorization"] == "Bearer T"


@pytest.mark.anyio
async def test_only_a_driver_that_runs_is_found(account: PodApi) -> None:
    assert (await looked_up(account, POD, []))[0] is None
    assert (await looked_up(account, POD, [pod(phase="Succeeded")]))[0] is None
    assert await looked_up(account, "no/../pod", [pod()]) == (None, [])
    found, _ = await looked_up(account, POD, [pod(podIP="fd00::7")])
    assert found == Driver("http://[fd00::7]:4040", "words")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
