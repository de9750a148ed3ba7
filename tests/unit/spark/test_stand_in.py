"""The stand-in for Kubernetes on which Spark shows, while the image is built, what it loads."""

from __future__ import annotations

import base64
import json
import queue
import socket
import ssl
import struct
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from image.stand_in import api_server, frame

EXECUTOR = {
    "metadata": {"name": "executor"},
    "spec": {
        "containers": [
            {
                "env": [
                    {"name": "SPARK_EXECUTOR_ID", "value": "1"},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "args": ["executor"] * 20,
            }
        ]
    },
}
PODS = "/api/v1/namespaces/default/pods"


def test_a_message_of_a_websocket_has_its_length_in_two_bytes() -> None:
    text = b"x" * 300
    assert frame(text) == b"\x81\x7e" + struct.pack("!H", 300) + text


def test_a_driver_finds_its_pod_and_gets_executors(tmp_path: Path) -> None:
    started: queue.Queue[dict[str, str]] = queue.Queue()
    with api_server(tmp_path, started.put) as (address, certificate):
        trust = ssl.create_default_context(cafile=str(certificate))

        def call(method: str, path: str, body: object = None) -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"{address}{PODS}{path}", data, method=method)
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
            )
            with opener.open(request, timeout=10) as answer:
                return json.load(answer)

        assert call("GET", "/driver")["status"]["phase"] == "Running"
        assert (
            call("GET", "?fieldSelector=metadata.name%3Ddriver")["items"][0]["metadata"]["name"] == "driver"
        )
        assert call("GET", "?labelSelector=spark-role%3Dexecutor")["items"] == []
        assert call("POST", "", EXECUTOR)["metadata"]["uid"]
        assert started.get(timeout=10) == {"SPARK_EXECUTOR_ID": "1"}
        assert len(call("GET", "?labelSelector=spark-role%3Dexecutor")["items"]) == 1
        assert watched(address, trust)["object"]["metadata"]["name"] == "executor"
        assert call("DELETE", "?labelSelector=spark-role%3Dexecutor")["status"] == "Success"


def watched(address: str, trust: ssl.SSLContext) -> Any:
    """The first change that a watch by WebSocket brings."""
    place = urlsplit(address)
    assert place.hostname is not None
    assert place.port is not None
    plain = socket.create_connection((place.hostname, place.port), timeout=10)
    with trust.wrap_socket(plain, server_hostname=place.hostname) as connection:
        key = base64.b64encode(b"0123456789abcdef").decode()
        lines = [
            f"GET {PODS}?watch=true HTTP/1.1",
            "Host: server",
            "Upgrade: websocket",
            "Connection: Upgrade",
        ]
        connection.sendall("\r\n".join([*lines, f"Sec-WebSocket-Key: {key}", "", ""]).encode())
        answer = connection.makefile("rb")
        assert b" 101 " in answer.readline()
        while answer.readline().strip():
            pass
        kind, length = struct.unpack("!HH", answer.read(4))
        assert kind == 0x817E
        return json.loads(answer.read(length))
