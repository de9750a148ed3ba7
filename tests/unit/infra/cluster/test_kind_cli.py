"""When a cluster's nodes are ready."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.cluster import kind_cli
from infra.cluster.kind_cli import unready

STARTED = {
    "one": datetime(2026, 1, 1, 12, 0, 7, 900_000, tzinfo=UTC),
    "two": datetime(2026, 1, 1, 11, 0, 0, tzinfo=UTC),
}
ONE = "one True 2026-01-01T12:00:20Z\n"
TWO = "two True 2026-01-01T12:00:01Z\n"
NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        (ONE + TWO, None),
        ("one True 2026-01-01T12:00:07Z\n" + TWO, None),
        ("one True 2026-01-01T12:00:06Z\n" + TWO, "nothing was heard of one"),
        ("one False 2026-01-01T12:00:20Z\n" + TWO, "nodes are not ready: one=False"),
        ("one Unknown 2026-01-01T12:00:06Z\n" + TWO, "nodes are not ready: one=Unknown"),
        (ONE + "two  \n", "nodes are not ready: two="),
        (ONE + TWO + "kwok-1 True 2026-01-01T08:00:00Z\n", None),
        ("", "it has no nodes"),
    ],
    ids=[
        "ready",
        "said in the second of its start",
        "said before its start",
        "not ready",
        "given up by the control plane",
        "has never said anything",
        "a node without a container",
        "no nodes",
    ],
)
def test_a_node_is_ready_where_it_said_so_since_it_was_started(listed: str, problem: str | None) -> None:
    assert unready(listed, STARTED, NOW) == problem


def test_a_clock_that_was_set_back_makes_no_node_unready() -> None:
    assert unready(ONE + TWO, {"one": NOW + timedelta(hours=2)}, NOW) is None


def test_an_engine_that_does_not_answer_in_time_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_cli, "kubectl", lambda *_: ONE)
    monkeypatch.setattr(kind_cli, "nodes_of", lambda *_: ["one"])
    monkeypatch.setattr("infra.shared.engine.inspect", lambda *_: None)
    cluster = kind_cli.Cluster("podman", *("one", "", "", "", "", "", "", ""))
    assert (
        kind_cli._api_problem(cluster)
        == "its nodes cannot be looked at: podman tells nothing of container one"
    )
