"""Keep pools and connections as the settings declare them: `python -m switchboard_airflow.reconcile FOLDER`.

FOLDER holds `pools.json`, `connections.json` (both `{name: {field: value}}`) and, in `password`, the
password of the user that may do this. Runs until it's stopped; imports nothing of Airflow, so that it needs
little memory.
"""

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from switchboard_airflow.desired import CONNECTION, DEFAULT_POOL, POOL, Change, Kind, changes

log = logging.getLogger("reconcile")

API = "http://airflow-api-server:8080"
USER = "reconciler"
PERIOD = timedelta(seconds=15)
"""How long a change by hand lives. Two list calls a period cost the API server under 1 % of a core."""

FIRST_TRY_PERIOD = timedelta(seconds=2)
"""Until the first round has gone well: the API server starts at the same time as this."""

REASSERT_PERIOD = timedelta(minutes=10)
"""How often declared connections are written whatever they look like: a secret that was changed by hand
can't be seen.
"""

PAGE = 100
"""The most that Airflow lists at once by default."""

ALIVE, READY = Path("/tmp/alive"), Path("/tmp/ready")  # noqa: S108  # the pod's own empty folder
"""What the probes look at: touched every round, and after the first round that went well."""


@dataclass
class Airflow:
    """The few calls of the REST API that are needed; logs in when it must."""

    password: Callable[[], str]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(base_url=API, timeout=20))
    token: str | None = None

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Raises httpx.HTTPError when the server can't be reached or refuses."""
        answer = self._send(method, path, **request)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.token = None
            answer = self._send(method, path, **request)
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text[:300]}",
                request=answer.request,
                response=answer,
            )
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        if self.token is None:
            login = {"username": USER, "password": self.password()}
            self.token = self.client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.request(method, f"/api/v2{path}", headers=headers, **request)

    def list(self, kind: Kind) -> list[dict[str, Any]]:
        """All objects of a kind."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", kind.path, params={"limit": PAGE, "offset": len(found)})
            items = page[kind.path.strip("/")]
            found += items
            if not items or len(found) >= page["total_entries"]:
                return found

    def apply(self, change: Change) -> None:
        """Make one change."""
        one = f"{change.kind.path}/{change.name}"
        if change.verb == "delete":
            self.call("DELETE", one)
        elif change.verb == "create":
            self.call("POST", change.kind.path, json=change.body)
        elif change.kind is POOL and change.name == DEFAULT_POOL:
            self.call(
                "PATCH", one, params={"update_mask": ["slots", "include_deferred"]}, json=_patch_body(change)
            )
        else:
            self.call("PATCH", one, json=_patch_body(change))


def _patch_body(change: Change) -> dict[str, Any]:
    body = dict(change.body or {})
    if change.kind is POOL:
        body["pool"] = body.pop("name")  # the one key that Airflow names differently when it's changed
    return body


@dataclass
class Reconciler:
    """One round after the other."""

    airflow: Airflow
    folder: Path
    reasserted_at: float = 0.0

    def round(self) -> list[Change]:
        """Make what is declared true; gives what had to be changed. Raises httpx.HTTPError and ValueError."""
        made: list[Change] = []
        for kind in (POOL, CONNECTION):
            for change in changes(kind, self._wanted(kind), self.airflow.list(kind)):
                self.airflow.apply(change)
                log.info("%s", change)
                made.append(change)
        if time.monotonic() - self.reasserted_at > REASSERT_PERIOD.total_seconds():
            self._reassert()
        return made

    def _wanted(self, kind: Kind) -> Mapping[str, Mapping[str, Any]]:
        declared: Mapping[str, Mapping[str, Any]] = json.loads(
            (self.folder / f"{kind.name}s.json").read_text("utf-8")
        )
        return declared

    def _reassert(self) -> None:
        for name, declared in self._wanted(CONNECTION).items():
            self.airflow.apply(Change(CONNECTION, "update", name, CONNECTION.body(name, declared)))
        self.reasserted_at = time.monotonic()


def main(arguments: list[str]) -> int:
    """Rounds until SIGTERM; what goes wrong is logged once a round and tried again in the next."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder = Path(arguments[0])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    reconciler = Reconciler(Airflow(lambda: (folder / "password").read_text("utf-8").strip()), folder)
    while not stop.is_set():
        ALIVE.touch()
        try:
            reconciler.round()
            READY.touch()
        except (httpx.HTTPError, OSError, ValueError) as error:
            log.warning("not reconciled: %s", error)
        stop.wait((PERIOD if READY.exists() else FIRST_TRY_PERIOD).total_seconds())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
