"""A registry in front of another one, which at first says that there were too many requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.waiting import ANSWER_S

NOT_PASSED_ON = {"connection", "date", "server", "transfer-encoding"}


class LimitedRegistry(ThreadingHTTPServer):
    """Answers 429 for some seconds from its first request on, and then as the one behind it does."""

    daemon_threads = True

    def __init__(self, address: str, behind: str, limited_s: float) -> None:
        super().__init__((address, 0), _Handler)
        self.behind = behind
        self.limited_s = limited_s
        self.first: float | None = None
        self.refused = 0

    def limits(self) -> bool:
        """Whether one more request is one too many."""
        now = time.monotonic()
        self.first = now if self.first is None else self.first
        return now - self.first < self.limited_s


class _Handler(BaseHTTPRequestHandler):
    server: LimitedRegistry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.server.limits():
            self.server.refused += 1
            self._answer(HTTPStatus.TOO_MANY_REQUESTS, {}, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}')
            return
        accept = {"Accept": ", ".join(self.headers.get_all("Accept") or ["*/*"])}
        behind = httpx.request(
            self.command, f"http://{self.server.behind}{self.path}", headers=accept, timeout=ANSWER_S
        )
        headers = {name: text for name, text in behind.headers.items() if name not in NOT_PASSED_ON}
        self._answer(behind.status_code, headers, behind.content)

    do_HEAD = do_GET  # noqa: N815  the server's own naming

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the server's own name
        """Say nothing: the tests' output is not the place."""


@contextmanager
def limited_registry(address: str, behind: str, limited_s: float) -> Iterator[LimitedRegistry]:
    """One that serves at an address of this machine, while it is needed."""
    with LimitedRegistry(address, behind, limited_s) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
