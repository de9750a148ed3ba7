"""Nodes that only seem to be there: kwok or its stand-in plays their kubelets, and nothing runs on them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra.shared.paths import REPOSITORY, Paths
from ops.bench.measure import NAMESPACE
from ops.bench.spark.pushed import BenchError
from ops.console import detail
from ops.environment import Environment

POOL = {"switchboard.dev/pool": "bench-fake"}
TAINT = {"key": "switchboard.dev/fake", "value": "true", "effect": "NoSchedule"}
MARK = ("kwok.x-k8s.io/node", "fake")
SELECTOR = "switchboard.dev/pool=bench-fake"
ROOM = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "10Ti", "pods": "110"}
LEASE_S = 40
LOG = REPOSITORY / ".build/kwok.log"
GONE_S = 120


def node(number: int) -> dict[str, Any]:
    """A node. It has no label of an operating system, which DaemonSets that tolerate everything ask for."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"bench-fake-{number:02d}",
            "annotations": {MARK[0]: MARK[1], "node.alpha.kubernetes.io/ttl": "0"},
            "labels": POOL,
        },
        "spec": {"taints": [TAINT]},
        "status": {"allocatable": ROOM, "capacity": ROOM},
    }


def player(paths: Paths) -> list[str]:
    """What plays the nodes: kwok, or its stand-in where kwok could not be had."""
    kwok = paths.tools_bin / "kwok"
    return [str(kwok)] if kwok.exists() else [sys.executable, "-m", "infra.offline.kwok"]


def command(paths: Paths) -> list[str]:
    """How it is started: for nodes that bear its mark, and no others."""
    return [
        *player(paths),
        f"--kubeconfig={paths.kubeconfig}",
        f"--manage-nodes-with-annotation-selector={MARK[0]}={MARK[1]}",
        f"--node-lease-duration-seconds={LEASE_S}",
        "--cidr=10.200.0.1/16",  # of pods that nobody reaches
    ]


@contextmanager
def fake_nodes(environment: Environment, count: int) -> Iterator[None]:
    """So many nodes, ready; at the end they are gone, with whatever is said to run on them."""
    LOG.parent.mkdir(exist_ok=True)
    paths = Paths.of(environment.name)
    detail(f"{count} nodes are played by {' '.join(player(paths))}")
    with (
        LOG.open("w") as log,
        subprocess.Popen(command(paths), cwd=REPOSITORY, stdout=log, stderr=log) as kwok,
    ):
        try:
            for number in range(count):
                environment.kubectl("create", "-f", "-", stdin=json.dumps(node(number)))
            environment.kubectl(
                *("wait", "node", "-l", SELECTOR, "--for=condition=Ready", "--timeout=60s"), timeout_s=90
            )
            yield
            if kwok.poll() is not None:
                raise BenchError(f"what played the nodes ended by itself; {LOG} says why")
        finally:
            _remove(environment)
            kwok.terminate()


def _remove(environment: Environment) -> None:
    """Pods first, while there is somebody to confirm their end."""
    for pod in environment.pods(NAMESPACE):
        if str(pod["spec"].get("nodeName", "")).startswith("bench-fake-"):
            name = pod["metadata"]["name"]
            environment.kubectl(
                "-n", NAMESPACE, "delete", "pod", name, "--force", "--grace-period=0", "--wait=false"
            )
    environment.kubectl(
        "delete", "node", "-l", SELECTOR, "--ignore-not-found", f"--timeout={GONE_S}s", timeout_s=GONE_S + 30
    )
