"""The few calls of the Kubernetes API that a driver makes beside Spark's own, with its pod's token.

Python's own library does: five calls do not need a client with an object for everything Kubernetes knows.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

Object = dict[str, Any]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
API_SERVER = "https://kubernetes.default.svc"
TIMEOUT_S = 10.0


class ApiError(Exception):
    """The API server refused; message and reason (a word, where it has one) are its own."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class ApiUnreachableError(Exception):
    """The API server did not answer; trying again later can help."""


@dataclass(frozen=True)
class Api:
    """A namespace of the API server."""

    namespace: str
    server: str = API_SERVER
    account: Path = ACCOUNT

    def pods(self, selector: str) -> tuple[list[Object], str]:
        """The pods with these labels, and the version from which to watch them."""
        found = json.loads(self._call("GET", "pods", {"labelSelector": selector}))
        return found.get("items") or [], found["metadata"]["resourceVersion"]

    def changes(self, selector: str, version: str, wait_s: int) -> Iterator[Object]:
        """What happened to pods after that version, as it happens; ends after `wait_s`.

        Raises:
            ApiError: 410 where the version is too old; list them again.
        """
        query = {
            "labelSelector": selector,
            "resourceVersion": version,
            "watch": "true",
            "timeoutSeconds": str(wait_s),
        }
        with self._answer("GET", "pods", query, timeout_s=wait_s + TIMEOUT_S) as answer:
            for line in answer:
                change = json.loads(line)
                if change["type"] == "ERROR":
                    raise ApiError(change["object"].get("code", 500), change["object"].get("message", ""))
                yield change

    def log_tail(self, pod: str, lines: int) -> str:
        """The end of a pod's log."""
        text = self._call("GET", f"pods/{quote(pod)}/log", {"tailLines": str(lines)})
        return text.decode(errors="replace").rstrip()

    def events(self, pod: str) -> list[Object]:
        """A pod's events, oldest first."""
        events = json.loads(self._call("GET", "events", {"fieldSelector": f"involvedObject.name={pod}"}))
        return sorted(events.get("items") or [], key=_last_seen)

    def try_create(self, pod: Object) -> None:
        """Have the API server do everything but keep the pod. Raises ApiError where it refuses."""
        self._call("POST", "pods", {"dryRun": "All"}, pod)

    def create(self, pod: Object) -> None:
        """Make a pod, which may be there already. Raises ApiError where the API server refuses it."""
        try:
            self._call("POST", "pods", {}, pod)
        except ApiError as error:
            if (error.status, error.reason) != (HTTPStatus.CONFLICT, "AlreadyExists"):
                raise

    def delete_pods(self, selector: str) -> None:
        """Remove all pods with these labels."""
        self._call("DELETE", "pods", {"labelSelector": selector})

    def _call(self, method: str, path: str, query: Mapping[str, str], body: Object | None = None) -> bytes:
        with self._answer(method, path, query, body) as answer:
            return bytes(answer.read())

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Iterator[Any]:
        """Raises ApiError and ApiUnreachableError, also while the answer is read."""
        url = f"{self.server}/api/v1/namespaces/{self.namespace}/{path}?{urlencode(query)}"
        # Read each time: the kubelet renews the token every hour.
        token = (self.account / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310  always the API server
            url, json.dumps(body).encode() if body else None, headers, method=method
        )
        context = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=timeout_s) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, HTTPException) as error:  # time-outs and broken connections
            raise ApiUnreachableError(f"{method} {path}: {error}") from error


def _refusal(error: urllib.error.HTTPError) -> ApiError:
    try:
        said = json.loads(error.read())
        return ApiError(error.code, str(said["message"]), str(said.get("reason", "")))
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return ApiError(error.code, f"{error.code} {HTTPStatus(error.code).phrase}")


def _last_seen(event: Object) -> str:
    """When an event was last so, as text that sorts by time."""
    metadata: Object = event["metadata"]
    return str(event.get("lastTimestamp") or event.get("eventTime") or metadata.get("creationTimestamp"))
