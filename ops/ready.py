"""Whether all that the platform program made is ready, as the cluster sees it now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from ops.environment import Environment, NotUpError

READY_WITHIN_S = 300
"""After a crash, pods that start before their database wait longer after each try, up to a minute or two."""


def not_ready(items: Iterable[dict[str, Any]]) -> list[str]:
    """Deployments and StatefulSets that have fewer ready pods than they want: `namespace/name: 0 of 1`."""
    waiting = []
    for item in items:
        about, status = item["metadata"], item.get("status", {})
        wanted, ready = item["spec"].get("replicas", 1), status.get("readyReplicas", 0)
        if ready < wanted or status.get("observedGeneration", 0) < about["generation"]:
            waiting.append(f"{about['namespace']}/{about['name']}: {ready} of {wanted}")
    return waiting


def wait_until_ready(
    environment: Environment, say: Callable[[str], None], within_s: float = READY_WITHIN_S
) -> None:
    """Wait for the platform's pods. `pulumi up` waits for what it changes; after a crash, that is nothing.

    Raises:
        NotUpError: some are not ready after `within_s`; the text names them.
    """
    deadline, said = time.monotonic() + within_s, ""
    while waiting := not_ready(_workloads(environment)):
        listed = ", ".join(waiting)
        if time.monotonic() > deadline:
            raise NotUpError(environment.name, f"after {within_s:.0f} s some pods are not ready ({listed})")
        if listed != said:
            say(f"waiting for pods: {listed} ready")
            said = listed
        time.sleep(1)


def _workloads(environment: Environment) -> list[dict[str, Any]]:
    found = environment.kubectl(
        "get",
        "deployments,statefulsets",
        "--all-namespaces",
        "--selector=app.kubernetes.io/part-of=switchboard",
        "--output=json",
    )
    items: list[dict[str, Any]] = json.loads(found)["items"]
    return items
