"""An API server that knows one pod, a driver's, and runs executors as processes: for starting Spark on
Kubernetes where there is none, while the image is built.

It speaks TLS and takes watches by WebSocket, as a real one does, so that a driver loads the same classes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

Pod = dict[str, Any]

ADDRESS = "127.0.0.1"
DRIVER: Pod = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "driver", "namespace": "default", "uid": "1", "resourceVersion": "1"},
    "spec": {"containers": [{"name": "base", "image": "image"}]},
    "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
}
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


@contextmanager
def api_server(folder: Path, start: Callable[[dict[str, str]], None]) -> Iterator[tuple[str, Path]]:
    """Its address and the certificate to trust, for as long as it is needed. `start` is called in a thread
    for every executor, with the environment that Spark gave it.
    """
    certificate, key = folder / "server.pem", folder / "server.key"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=server"]
    where = ["-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *where], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Server((ADDRESS, 0), _Handler)
    server.start_executor = start
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://{ADDRESS}:{server.server_port}", certificate
    finally:
        server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    start_executor: Callable[[dict[str, str]], None]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.executors: list[Pod] = []
        self.changed = threading.Condition()

    def executor(self, number: int) -> Pod:
        """The executor that was made as that one, once there is one."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.executors) > number)
            return self.executors[number]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """A pod, or a watch of executors, or a list of pods."""
        if self.headers.get("Upgrade"):
            self._watch()
        elif self.path.split("?")[0].endswith("/driver"):
            self._answer(DRIVER)
        else:
            items = [DRIVER] if "metadata.name" in self.path else self.server.executors
            self._answer(
                {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items}
            )

    def do_POST(self) -> None:
        """Make an executor."""
        pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pod["metadata"] |= {"uid": "2", "resourceVersion": "2", "creationTimestamp": "2026-01-01T00:00:00Z"}
        pod["status"] = {"phase": "Running", "podIP": ADDRESS}
        self._answer(pod, HTTPStatus.CREATED)
        with self.server.changed:
            self.server.executors.append(pod)
            self.server.changed.notify_all()
        variables = pod["spec"]["containers"][0]["env"]
        given = {each["name"]: str(each["value"]) for each in variables if each.get("value") is not None}
        threading.Thread(target=self.server.start_executor, args=(given,), daemon=True).start()

    def do_DELETE(self) -> None:
        """Remove them all, as Spark does at its end: they end by themselves."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer({"apiVersion": "v1", "kind": "Status", "status": "Success"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _watch(self) -> None:
        accept = base64.b64encode(
            hashlib.sha1(
                self.headers["Sec-WebSocket-Key"].encode() + WEBSOCKET, usedforsecurity=False
            ).digest()
        )
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        for name, value in (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept.decode()),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        for number in count():
            change = {"type": "ADDED", "object": self.server.executor(number)}
            self.wfile.write(frame(json.dumps(change).encode()))


def frame(text: bytes) -> bytes:
    """A text message of WebSocket, of 126 to 65,535 bytes (RFC 6455, section 5.2)."""
    return b"\x81\x7e" + len(text).to_bytes(2, "big") + text
