"""The network goes with the nodes that an unfinished run left on it."""

from __future__ import annotations

import json

import pytest

from infra.cluster import containers
from infra.cluster.containers import NODE_LABEL, Network, delete_network

NETWORK = Network("podman", "sb", "10.9.0.0/24", "10.9.0.128/25")
VOLUMES = json.dumps(
    [
        {"Name": "c1", "Labels": {"sb-control-plane": "true"}},
        {"Name": "w2", "Labels": {"sb-worker2": "true"}},
        {"Name": "another", "Labels": {"sb-e2e-worker": "true"}},
        {"Name": "somebody's", "Labels": None},
    ]
)


def test_dead_nodes_go_before_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, ...]] = []
    nodes = {f"{NODE_LABEL}=sb": ["sb-control-plane"]}
    monkeypatch.setattr(containers, "containers_with_label", lambda _engine, label: nodes.get(label, []))
    monkeypatch.setattr(containers, "remove_containers", lambda _engine, names: done.append(("rm", *names)))
    monkeypatch.setattr(containers, "inspect", lambda *_: {"name": "sb"})

    def call(_engine: str, *words: str) -> str:
        done.append(words)
        return VOLUMES

    monkeypatch.setattr(containers, "call", call)
    monkeypatch.setattr(containers, "sweep_podman", lambda cidr: done.append(("sweep", cidr)))
    delete_network(NETWORK)
    assert done == [
        ("rm", "sb-control-plane"),
        ("volume", "ls", "--format=json"),
        ("volume", "rm", "--force", "c1", "w2"),
        ("network", "rm", "sb"),
        ("sweep", "10.9.0.0/24"),
    ]


def test_a_network_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "containers_with_label", lambda *_: [])
    monkeypatch.setattr(containers, "inspect", lambda *_: None)
    monkeypatch.setattr(containers, "call", lambda *_: "[]")
    swept: list[str] = []
    monkeypatch.setattr(containers, "sweep_podman", swept.append)
    delete_network(NETWORK)
    assert swept == ["10.9.0.0/24"]
