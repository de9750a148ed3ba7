"""kind's configuration file, and containerd's for the local registry, from settings. Pure."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from infra.cluster.settings import PoolSettings, Settings

CERTS_DIR = "/etc/containerd/certs.d"
REGISTRY_PORT = 5000
"""The port inside the registry's container."""

ALONE = {
    "apiVersion": "kubeadm.k8s.io/v1beta3",  # what kind writes for Kubernetes up to 1.35
    "kind": "ClusterConfiguration",
    "controllerManager": {"extraArgs": {"leader-elect": "false"}},
    "scheduler": {"extraArgs": {"leader-elect": "false"}},
}
"""There is one control plane: electing it again every two seconds is most of what etcd would do at rest."""


def kind_config(settings: Settings, certs_dir: str) -> str:
    """The file for `kind create cluster --config`. `certs_dir`: the host's folder of registries."""
    pools = list(settings.node_pools.values())
    nodes = [_node(index, pool, certs_dir, alone=len(pools) == 1) for index, pool in enumerate(pools)]
    nodes[0]["extraPortMappings"] = [
        {"containerPort": item.node_port, "hostPort": item.host_port, "listenAddress": "127.0.0.1"}
        for item in settings.entrances.values()
    ]
    config = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": settings.cluster_name,
        "kubeadmConfigPatches": [json.dumps(ALONE)],
        "nodes": nodes,
    }
    return yaml.safe_dump(config, sort_keys=False)


def _node(index: int, pool: PoolSettings, certs_dir: str, *, alone: bool) -> dict[str, Any]:
    node: dict[str, Any] = {
        "role": "worker" if index else "control-plane",
        "extraMounts": [{"hostPath": certs_dir, "containerPath": CERTS_DIR, "readOnly": True}],
    }
    if pool.labels:
        node["labels"] = dict(pool.labels)
    # A control plane with other nodes beside it would take the system's pods only; ours runs the first
    # pool's too. kind does the same for one that is alone, and fails where that was done already.
    taints = [taint.model_dump() for taint in pool.taints]
    if taints or (index == 0 and not alone):
        kind = "JoinConfiguration" if index else "InitConfiguration"
        # JSON is YAML, and kubeadm takes it.
        node["kubeadmConfigPatches"] = [json.dumps({"kind": kind, "nodeRegistration": {"taints": taints}})]
    return node


def node_names(settings: Settings) -> Iterator[str]:
    """The names that kind gives the nodes."""
    for index in range(len(settings.node_pools)):
        suffix = "control-plane" if index == 0 else "worker" if index == 1 else f"worker{index}"
        yield f"{settings.cluster_name}-{suffix}"


def registry_host(settings: Settings) -> str:
    """What images of the local registry are named under."""
    return f"localhost:{settings.registry_port}"


def registry_hosts_toml(settings: Settings) -> str:
    """How a node's containerd reaches the local registry, whose images are named after the host's address."""
    url = f"http://{settings.registry_address}:{REGISTRY_PORT}"
    return f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'
