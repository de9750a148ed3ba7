"""The network goes with the nodes that an unfinished run left on it."""

from __future__ import annotations

import pytest

from infra.cluster import containers
from infra.cluster.containers import NODE_LABEL, Network, delete_network

NETWORK = Network("podman", "sb", "10.9.0.0/24", "10.9.0.128/25")


def test_dead_nodes_go_before_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, ...]] = []
    nodes = {f"{NODE_LABEL}=sb": ["sb-control-plane"]}
    monkeypatch.setattr(containers, "containers_with_label", lambda _engine, label: nodes.get(label, []))
    monkeypatch.setattr(containers, "remove_containers", lambda _engine, names: done.append(("rm", *names)))
    monkeypatch.setattr(containers, "inspect", lambda *_: {"name": "sb"})
    monkeypatch.setattr(containers, "call", lambda _engine, *words: done.append(words))
    delete_network(NETWORK)
    assert done == [("rm", "sb-control-plane"), ("network", "rm", "sb")]


def test_a_network_that_is_gone_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "containers_with_label", lambda *_: [])
    monkeypatch.setattr(containers, "inspect", lambda *_: None)
    delete_network(NETWORK)
