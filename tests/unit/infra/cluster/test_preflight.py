"""What stands in the way of `up`: one line each, with the remedy, all at once."""

import dataclasses
import socket
import sys
from typing import Any

import pytest

from infra.cluster import facts as looking
from infra.cluster import preflight
from infra.cluster.facts import Facts, PortHolder
from infra.cluster.preflight import problems
from infra.cluster.settings import load
from infra.shared.settings import SettingsError

FILE = "infra/cluster/Pulumi.local.yaml"
GOOD = Facts(
    engine="podman",
    engine_problem=None,
    is_root=True,
    is_up=False,
    disk_free_gib=40,
    disk_path="/home",
    memory_gib=16,
    memory_free_gib=10,
)

PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "not root": ({"is_root": False}, "not root: kind's nodes need it with podman; run `sudo make up`"),
    "an engine": ({"engine_problem": "Docker does not run; start it"}, "Docker does not run; start it"),
    "tools": ({"missing_tools": ("kind", "pulumi")}, "programs are missing: kind, pulumi; run `make tools`"),
    "a port": (
        {"port_holders": {8080: PortHolder("java", 42)}},
        (
            f"port 8080 (entrances.airflow.host_port) is in use by java (process 42); "
            f"stop it, or set another entrances.airflow.host_port in {FILE}"
        ),
    ),
    "a port of somebody else's": (
        {"port_holders": {5001: PortHolder()}},
        (
            "port 5001 (registry_port) is in use by a process of another user; "
            f"stop it, or set another registry_port in {FILE}"
        ),
    ),
    "the network": (
        {"overlapping_route": "the route 10.0.0.0/8 (eth0)"},
        (
            "network 10.111.0.0/24 (network_cidr) overlaps the route 10.0.0.0/8 (eth0) of this machine; "
            f"set another one in {FILE}"
        ),
    ),
    "disk": (
        {"disk_free_gib": 9.94},
        (
            "too little disk: 9.9 GiB are free in /home, 15 are needed; "
            "free some, or set SWITCHBOARD_HOME and SWITCHBOARD_CACHE to a larger disk"
        ),
    ),
    "disk while it is up": (
        {"disk_free_gib": 2, "is_up": True},
        "too little disk: 2.0 GiB are free in /home, 3 are",
    ),
    "memory": (
        {"memory_gib": 4},
        "too little memory: the machine has 4.0 GiB, 8 are needed; use a larger machine",
    ),
    "free memory": (
        {"memory_free_gib": 1},
        "too little free memory: 1.0 GiB, 5 are needed; end other programs",
    ),
}


@pytest.mark.parametrize(("change", "line"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_each_problem_is_one_line_with_its_remedy(change: dict[str, Any], line: str) -> None:
    found = problems(load("local"), FILE, dataclasses.replace(GOOD, **change))
    assert len(found) == 1
    assert found[0].startswith(line)
    assert "\n" not in found[0]


GOOD_ENOUGH: dict[str, dict[str, Any]] = {
    "all well": {},
    "Docker needs no root": {"engine": "docker", "is_root": False},
    "what is up has taken its memory": {"is_up": True, "memory_free_gib": 1},
    "what is up has taken its disk": {"is_up": True, "disk_free_gib": 5},
    "8 GiB, less what the kernel keeps": {"memory_gib": 7.6},
    "another's port that we don't want": {"port_holders": {9999: PortHolder("java", 42)}},
}


@pytest.mark.parametrize("change", GOOD_ENOUGH.values(), ids=GOOD_ENOUGH.keys())
def test_nothing_is_said_where_nothing_stands_in_the_way(change: dict[str, Any]) -> None:
    assert problems(load("local"), FILE, dataclasses.replace(GOOD, **change)) == []


def test_all_problems_are_named_at_once() -> None:
    together: dict[str, Any] = {}
    for name in ("not root", "tools", "a port", "disk", "memory"):
        together |= PROBLEMS[name][0]
    assert len(problems(load("local"), FILE, dataclasses.replace(GOOD, **together))) == 5


def test_mistakes_in_settings_are_problems_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(preflight.check("nowhere")) == 1
    assert "no such file" in preflight.check("nowhere")[0]


def test_the_command_prints_problems_and_ends_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["preflight", "--env", "nowhere"])
    assert preflight.main() == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("engine", "output", "line"),
    [
        (
            "docker",
            "dial unix: connect: permission denied",
            "docker may not be used by this user; run as root, or join",
        ),
        ("docker", "Cannot connect to the Docker daemon", "Docker does not run; start it"),
        (
            "podman",
            "Error: a\nError: no such store",
            "podman does not work: Error: no such store; `podman info` must",
        ),
        ("podman", "", "podman does not work: no output"),
    ],
)
def test_an_engine_that_does_not_answer_is_one_line(engine: Any, output: str, line: str) -> None:
    assert looking.engine_problem(engine, output).startswith(line)


def test_who_listens_is_named_unless_it_is_ours() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        holder = looking._port_holders([port], ours=set())[port]
        assert holder.pid is not None
        assert "python" in str(holder) or "pytest" in str(holder)
        assert looking._port_holders([port], ours={port}) == {}
    assert looking._port_holders([port], ours=set()) == {}


def test_published_ports_are_read_from_configuration() -> None:
    container: dict[str, object] = {
        "HostConfig": {
            "PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5001"}], "53/udp": None}
        }
    }
    assert list(looking._published([container])) == [5001]


def test_settings_errors_are_value_errors() -> None:
    assert issubclass(SettingsError, ValueError)
