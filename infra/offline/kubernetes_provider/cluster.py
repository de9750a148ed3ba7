"""A small client of the Kubernetes API: any kind, by discovery.

The official client takes 1.8 s to import, which every update would pay; this one is urllib3 (0.1 s).
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from infra.offline.kubernetes_provider.kubeconfig import Access
from infra.offline.kubernetes_provider.objects import Obj, Ref

FIELD_MANAGER = "pulumi-kubernetes"
_RETRIES = urllib3.Retry(
    total=6,
    connect=4,
    other=0,  # a certificate that is not the cluster's stays so
    backoff_factor=0.2,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,  # applying and deleting twice is as good as once
    raise_on_status=False,
)
_TIMEOUT = urllib3.Timeout(connect=5, read=60)


class ApiError(Exception):
    """The API server refused. Has its status, its reason (`NotFound`, `Invalid`, ...) and its message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(f"{message} ({f'{status} {reason}'.strip()})")


class UnreachableError(Exception):
    """The API server did not answer, is another one than the kubeconfig's, or does not know us."""


class UnknownKindError(Exception):
    """The API server serves no such kind (now)."""


@dataclass(frozen=True)
class Served:
    """How the API serves a kind."""

    plural: str
    namespaced: bool


class Cluster:
    """The objects of one cluster. Safe to use from many threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._headers: dict[str, str] = {}
        self._groups: dict[str, dict[str, Served]] = {}

    def get(self, ref: Ref) -> Obj | None:
        """The live object, or None. Raises ApiError, UnreachableError, UnknownKindError."""
        try:
            return dict(self._call("GET", self._path(ref)))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def apply(self, body: Obj, wait_s: float = 10) -> Obj:
        """Create or update by server-side apply; waits a little for a kind only just defined."""
        ref = Ref.of(body)
        served = self.served(ref.api_version, ref.kind, wait_s)
        if not served.namespaced:
            body = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "namespace"}}
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        return dict(self._call("PATCH", self._path(ref), query, body, "application/apply-patch+yaml"))

    def delete(self, ref: Ref) -> None:
        """Ask for the object's end, and before it that of all it owns. One that is gone already is fine."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        try:
            self._call("DELETE", self._path(ref), body=options)
        except ApiError as error:
            if error.status != 404:
                raise

    def items(self, like: Ref, *, labels: str = "", fields: str = "") -> list[Obj]:
        """The objects of a kind in a namespace (the name is not looked at)."""
        path = self._path(Ref(like.api_version, like.kind, "", like.namespace)).rstrip("/")
        return list(
            self._call("GET", path, {"labelSelector": labels, "fieldSelector": fields}).get("items", [])
        )

    def log_tail(self, pod: Ref, container: str, lines: int, *, previous: bool = False) -> str:
        """The last lines that a container wrote; "" where there are none to be had."""
        query = {"container": container, "tailLines": str(lines), "previous": str(previous).lower()}
        try:
            return str(self._call("GET", f"{self._path(pod)}/log", query, text=True)).strip()
        except (ApiError, UnreachableError):
            return ""

    def served(self, api_version: str, kind: str, wait_s: float = 0) -> Served:
        """How a kind is served. Raises UnknownKindError if it still is not after `wait_s` seconds."""
        deadline = time.monotonic() + wait_s
        while True:
            found = self._group(api_version).get(kind)
            if found:
                return found
            with self._lock:
                self._groups.pop(api_version, None)
            if time.monotonic() >= deadline:
                raise UnknownKindError(f"{self._access.server} serves no kind {kind} of {api_version}")
            time.sleep(0.3)

    def _group(self, api_version: str) -> dict[str, Served]:
        with self._lock:
            known = self._groups.get(api_version)
        if known is None:
            try:
                found = self._call("GET", f"{'/apis' if '/' in api_version else '/api'}/{api_version}")[
                    "resources"
                ]
            except ApiError as error:
                if error.status != 404:
                    raise
                found = []
            known = {
                it["kind"]: Served(it["name"], it["namespaced"]) for it in found if "/" not in it["name"]
            }
            with self._lock:
                self._groups[api_version] = known
        return known

    def _path(self, ref: Ref) -> str:
        served = self.served(ref.api_version, ref.kind)
        root = f"{'/apis' if '/' in ref.api_version else '/api'}/{ref.api_version}"
        place = f"/namespaces/{ref.namespace}" if served.namespaced and ref.namespace else ""
        return f"{root}{place}/{served.plural}/{ref.name}"

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Obj | None = None,
        content_type: str = "application/json",
        *,
        text: bool = False,
    ) -> Any:
        url = f"{self._access.server}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        try:
            pool = self._connection()
            answer = pool.request(
                method, url, body=data, headers={**self._headers, "Content-Type": content_type}
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            cause = getattr(error, "reason", None) or error
            raise UnreachableError(
                f"the cluster at {self._access.server} cannot be reached: {cause}"
            ) from error
        if answer.status == 401:
            raise UnreachableError(
                f"the cluster at {self._access.server} refuses the kubeconfig's user (401)"
            )
        if answer.status >= 400:
            raise _refusal(answer.status, answer.data)
        return answer.data.decode(errors="replace") if text else json.loads(answer.data)

    def _connection(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                token = self._access.bearer_token()
                self._headers = {"Authorization": f"Bearer {token}"} if token else {}
                self._pool = urllib3.PoolManager(
                    ssl_context=self._access.ssl_context(),
                    server_hostname=self._access.server_name,
                    maxsize=32,
                    retries=_RETRIES,
                    timeout=_TIMEOUT,
                )
            return self._pool


def _refusal(status: int, data: bytes) -> ApiError:
    try:
        found = json.loads(data)
        return ApiError(status, found.get("reason", ""), found.get("message", ""))
    except ValueError:
        return ApiError(status, "", data.decode(errors="replace")[:500])
