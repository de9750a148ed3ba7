"""Spark's own pages behind Airflow's login: a driver's at `/spark/<pod>/`, ended applications' at
`/spark-history/`.

They are passed on as they are, to readers only: Spark's pages ask nobody who they are. What goes to Spark has
no cookie and no token of Airflow's, since a driver runs the code of whoever wrote the DAG.
"""

import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import httpx
from airflow.api_fastapi.app import API_ROOT_PATH, get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException as AnyHttpException

from switchboard_airflow.in_cluster import PodApi

UI_PORT = 4040
HISTORY = "http://spark-history:18080"
POD = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DRIVERS = "app.kubernetes.io/component=spark-driver"
DAG_ID = "switchboard/dag-id"
"""Annotation of a driver's pod."""

FRESH_S = 5.0
"""How long a driver's address is believed: a page has some twenty parts, each a request."""

TIMEOUT = httpx.Timeout(60, connect=3)

TO_SPARK = frozenset({"accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match"})
TO_READER = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-length", "content-type"}
    | {
        "content-security-policy",
        "etag",
        "last-modified",
        "vary",
        "x-content-type-options",
        "x-frame-options",
    }
)
"""Headers that are passed on. `location` is rewritten; no other may pass: Spark sets no cookies here."""

GONE = "No driver runs in pod {pod} (any more). The task's link `Spark history` leads to what it did.\n"
SILENT = "{where} does not answer yet, or not any more ({error}). Reload this page in a few seconds.\n"


@dataclass(frozen=True)
class Driver:
    """A driver that runs: where its page is, and which DAG's it is."""

    address: str
    dag_id: str


@dataclass
class Drivers:
    """The drivers of this namespace, as Kubernetes knows them."""

    client: httpx.AsyncClient
    api: PodApi = field(default_factory=PodApi)
    _known: dict[str, tuple[float, Driver | None]] = field(default_factory=dict)

    async def __call__(self, pod: str) -> Driver | None:
        """The driver in a pod; None where none runs. Raises httpx.HTTPError without Kubernetes' answer."""
        if not POD.fullmatch(pod):
            return None
        now = time.monotonic()
        self._known = {name: known for name, known in self._known.items() if known[0] > now}
        if pod not in self._known:
            self._known[pod] = (now + FRESH_S, await self._ask(pod))
        return self._known[pod][1]

    async def _ask(self, pod: str) -> Driver | None:
        request = self.api.request("GET", fieldSelector=f"metadata.name={pod}", labelSelector=DRIVERS)
        answer = await self.client.request(**request)
        for item in answer.raise_for_status().json()["items"]:
            address, dag_id = item["status"].get("podIP"), item["metadata"].get("annotations", {}).get(DAG_ID)
            if address and dag_id and item["status"].get("phase") == "Running":
                host = f"[{address}]" if ":" in address else address
                return Driver(f"http://{host}:{UI_PORT}", dag_id)
        return None


User = Annotated[BaseUser, Depends(get_user)]


def make(name: str) -> FastAPI:
    """The application of a name: `drivers` or `history`."""
    pages = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)
    if name == "history":
        return history(pages)
    authority = ssl.create_default_context(cafile=PodApi().certificates)
    return drivers(pages, Drivers(httpx.AsyncClient(timeout=10, verify=authority)))


def drivers(pages: httpx.AsyncClient, find: Callable[[str], Awaitable[Driver | None]]) -> FastAPI:
    """Pages of drivers that run, for who may read the task logs of their DAG."""
    app = _application()

    @app.get("/{pod}", include_in_schema=False)
    async def root(pod: str, request: Request) -> Response:
        return RedirectResponse(f"{request.scope['root_path']}/{quote(pod)}/")

    @app.get("/{pod}/{path:path}", include_in_schema=False)
    async def page(pod: str, path: str, request: Request, user: User) -> Response:
        try:
            driver = await find(pod)
        except httpx.HTTPError as error:
            return PlainTextResponse(SILENT.format(where="Kubernetes", error=type(error).__name__), 502)
        if driver is None:
            return PlainTextResponse(GONE.format(pod=pod), 404)
        _authorise(user, DagDetails(id=driver.dag_id))
        return await _pass_on(pages, request, driver.address, f"{request.scope['root_path']}/{pod}", path)

    return app


def history(pages: httpx.AsyncClient, address: str = HISTORY) -> FastAPI:
    """Pages of the history server, for who may read task logs."""
    app = _application()

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str, request: Request, user: User) -> Response:
        _authorise(user, None)
        return await _pass_on(pages, request, address, request.scope["root_path"], path)

    return app


def _application() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(AnyHttpException, _to_login)
    return app


def _to_login(request: Request, error: Exception) -> Response:
    """People who are not logged in are sent to log in, and come back."""
    if not isinstance(error, AnyHttpException):
        raise error
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(
            f"{API_ROOT_PATH}api/v2/auth/login?{urlencode({'next': request.url.path})}", 303
        )
    return PlainTextResponse(f"{error.detail}\n", error.status_code)


def _authorise(user: BaseUser, details: DagDetails | None) -> None:
    allowed = get_auth_manager().is_authorized_dag(
        method="GET", access_entity=DagAccessEntity.TASK_LOGS, details=details, user=user
    )
    if not allowed:
        raise HTTPException(403, "You may not read the task logs of this DAG, so neither its Spark pages.")


async def _pass_on(
    pages: httpx.AsyncClient, request: Request, address: str, prefix: str, path: str
) -> Response:
    """Spark's answer, with its own links under `prefix`."""
    if "kill" in path.split("/"):
        raise HTTPException(403, "Kill the task in Airflow: its driver and executors go with it.")
    headers = {name: value for name, value in request.headers.items() if name in TO_SPARK}
    headers.setdefault("accept-encoding", "identity")  # what comes is not unpacked on its way
    asked = pages.build_request(
        "GET",
        httpx.URL(f"{address}/{quote(path)}", query=request.url.query.encode() or None),
        headers={**headers, "X-Forwarded-Context": prefix},  # Spark puts it before its links
    )
    try:
        answer = await pages.send(asked, stream=True)
    except httpx.TransportError as error:
        return PlainTextResponse(SILENT.format(where=prefix, error=type(error).__name__), 502)
    kept: dict[str, Any] = {name: value for name, value in answer.headers.items() if name in TO_READER}
    if location := answer.headers.get("location"):
        kept["location"] = _under(prefix, location)
    return StreamingResponse(
        answer.aiter_raw(), answer.status_code, headers=kept, background=BackgroundTask(answer.aclose)
    )


def _under(prefix: str, location: str) -> str:
    """Where a redirect of Spark's leads, seen from outside: always below `prefix`."""
    url = httpx.URL(location)
    path = url.raw_path.decode()
    return path if path.startswith(f"{prefix}/") else f"{prefix}/{path.lstrip('/')}"
