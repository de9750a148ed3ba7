"""A small client of Airflow's REST API, for what the commands and the end-to-end tests ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

FINISHED = frozenset({"success", "failed"})


class AirflowError(RuntimeError):
    """Airflow refused a call or a run did not end in time; the text names the call and the answer."""


class ServerTroubleError(AirflowError):
    """The server can't be reached or can't answer now: it or its database is just coming back, say."""


@dataclass(frozen=True)
class TaskState:
    """One task instance of a run."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int

    @property
    def label(self) -> str:
        """`asr[3]`, or `plan` for a task that is not mapped."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass(frozen=True)
class TaskTimes:
    """Points in the life of a task instance."""

    queued: datetime
    start: datetime
    """When its worker began with it."""
    end: datetime


class AirflowApi:
    """Log in once, then call `/api/v2`; an expired token is renewed without the caller's noticing."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=self.url, timeout=30)
        self._token: str | None = None

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._client.close()

    @retry(
        retry=retry_if_exception_type(ServerTroubleError),
        stop=stop_after_delay(60),
        wait=wait_fixed(2),
        reraise=True,
    )
    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Call `/api/v2<path>`; a server that is just restarting is waited for, at most 60 s.

        Raises:
            AirflowError: the server answered with an error; the text quotes it.
        """
        try:
            response = self._logged_in(method, path, **kwargs)
        except httpx.TransportError as error:
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            kind = ServerTroubleError if unsent or method != "POST" else AirflowError
            raise kind(f"{method} {path}: {self.url} does not answer: {error}; `make up` heals it") from error
        if response.is_error:
            # What a POST began may have come about: that is for the caller to find out
            again = response.is_server_error and method != "POST"
            kind = ServerTroubleError if again else AirflowError
            raise kind(f"{method} {path}: Airflow answered {response.status_code}: {response.text[:500]}")
        return response

    def _logged_in(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        if self._token is None:
            self._token = self._new_token()
        response = self._send(method, path, **kwargs)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = self._new_token()
            response = self._send(method, path, **kwargs)
        return response

    def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return self._client.request(
            method, f"/api/v2{path}", headers={"Authorization": f"Bearer {self._token}"}, **kwargs
        )

    def _new_token(self) -> str:
        response = self._client.post("/auth/token", json=self._login)
        if response.is_server_error:
            raise ServerTroubleError(f"log-in at {self.url}: Airflow answered {response.status_code}")
        if response.is_error:
            raise AirflowError(
                f"log-in as {self._login['username']!r} at {self.url}: Airflow answered "
                f"{response.status_code}; `make password` prints the password that the stack made"
            )
        return str(response.json()["access_token"])

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer of a GET."""
        return self.request("GET", path, params=params).json()

    def dag_ids(self) -> set[str]:
        """The DAGs that Airflow has parsed and not lost."""
        return {dag["dag_id"] for dag in self.get("/dags", limit=1000, exclude_stale=True)["dags"]}

    def dag_bundle_version(self, dag_id: str) -> str | None:
        """The commit that the newest version of a DAG was read from, or None before it was read."""
        try:
            versions = self.get(f"/dags/{dag_id}/dagVersions", order_by="-version_number", limit=1)[
                "dag_versions"
            ]
        except AirflowError:
            return None
        return versions[0]["bundle_version"] if versions else None

    def import_errors(self) -> dict[str, str]:
        """File name -> traceback, of the DAG files that can't be read now."""
        return {
            e["filename"]: e["stack_trace"] for e in self.get("/importErrors", limit=1000)["import_errors"]
        }

    def trigger(self, dag_id: str, conf: dict[str, Any], run_id: str | None = None) -> str:
        """Start a run without a logical date (so any number may run at once); unpause the DAG first."""
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})
        body: dict[str, Any] = {"logical_date": None, "conf": conf}
        if run_id:
            body["dag_run_id"] = run_id
        return str(self.request("POST", f"/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """`queued`, `running`, `success` or `failed`."""
        return str(self.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Every task instance of a run, mapped ones one by one."""
        return [
            TaskState(t["task_id"], t["map_index"], t["state"], t["try_number"])
            for t in self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")
        ]

    def task_times(self, dag_id: str, run_id: str) -> dict[str, TaskTimes]:
        """When each task of a finished run was queued and when it ended."""
        found = self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")
        return {
            t["task_id"]: TaskTimes(
                *(datetime.fromisoformat(t[name]) for name in ("queued_when", "start_date", "end_date"))
            )
            for t in found
        }

    def _pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while page := self.get(path, limit=100, offset=offset)[key]:
            yield from page
            offset += len(page)

    def log(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """The log of a task's last try as plain text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task.task_id}/logs/{task.try_number}"
        answer = self.get(path, map_index=task.map_index, full_content=True)
        return "\n".join(
            line if isinstance(line, str) else str(line.get("event", line)) for line in answer["content"]
        )

    def wait(
        self,
        dag_id: str,
        run_id: str,
        timeout_s: float,
        on_change: Callable[[list[TaskState]], None] | None = None,
    ) -> str:
        """Wait until a run has ended and return its state.

        Raises:
            AirflowError: it did not end within `timeout_s`; the text names the tasks that were not done.
        """
        deadline = time.monotonic() + timeout_s
        seen: list[TaskState] = []
        while (state := self.run_state(dag_id, run_id)) not in FINISHED:
            tasks = self.tasks(dag_id, run_id)
            if on_change and tasks != seen:
                on_change(tasks)
            seen = tasks
            if time.monotonic() > deadline:
                waiting = ", ".join(f"{t.label} {t.state}" for t in tasks if t.state != "success")
                raise AirflowError(
                    f"run {run_id} of {dag_id} is still {state} after {timeout_s:.0f} s: {waiting}"
                )
            time.sleep(1.5)
        return state
