"""Where stage pods may run: the platform tells it in one environment variable of Airflow's pods, as data.

    SWITCHBOARD_NODE_POOLS = {"general": {"labels": {...}, "taints": [{"key": ..., "value": ..., "effect":
    ...}]}, ...}

It has the shape of `node_pools` in the cluster's outputs. Without the variable pods run wherever they fit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from kubernetes.client import models as k8s

VARIABLE = "SWITCHBOARD_NODE_POOLS"


class PlacementError(ValueError):
    """The variable cannot be used, or lacks the pool that a size asks for."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{VARIABLE} {what}; it is set by the platform program from the cluster's node pools"
        )


def node_pools(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Every node pool that the platform named; empty where it named none. Raises PlacementError."""
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return {}
    try:
        pools = json.loads(text)
    except ValueError as error:
        raise PlacementError(f"is not JSON ({error})") from None
    if not isinstance(pools, dict):
        raise PlacementError("is not an object of node pools")
    return pools


def placement(pool: str, pools: Mapping[str, Any]) -> tuple[dict[str, str], list[k8s.V1Toleration]]:
    """Node selector and tolerations that bring a pod to a pool. Raises PlacementError for an unknown pool."""
    if not pools:
        return {}, []
    if pool not in pools:
        raise PlacementError(f"has no pool {pool!r} (it has: {', '.join(sorted(pools))})")
    taints = pools[pool].get("taints", [])
    return dict(pools[pool].get("labels", {})), [
        k8s.V1Toleration(
            key=taint["key"],
            operator="Equal",
            value=taint.get("value", ""),
            effect=taint["effect"],
        )
        for taint in taints
    ]
