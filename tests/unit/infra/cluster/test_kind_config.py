"""What kind is told."""

import json
import tomllib
from typing import Any

import yaml

from infra.cluster.kind_config import ALONE, kind_config, node_names, registry_hosts_toml
from infra.cluster.local import node_pools
from infra.cluster.settings import Settings, load

POOLS = {
    "general": {"labels": {"pool": "general"}},
    "gpu": {"labels": {"pool": "gpu"}, "taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
    "spark": {"cpu_millicores": 1500, "memory_mib": 2048},
}


def with_pools(pools: dict[str, Any]) -> Settings:
    return Settings.model_validate(load("local").model_dump() | {"node_pools": pools})


def test_one_pool_is_one_node_that_runs_everything() -> None:
    config = yaml.safe_load(kind_config(load("local"), "/state/certs.d"))
    assert config == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": "switchboard",
        "kubeadmConfigPatches": [json.dumps(ALONE)],
        "nodes": [
            {
                "role": "control-plane",
                "extraMounts": [
                    {
                        "hostPath": "/state/certs.d",
                        "containerPath": "/etc/containerd/certs.d",
                        "readOnly": True,
                    }
                ],
                "labels": {"switchboard.dev/pool": "general"},
                "extraPortMappings": [
                    {"containerPort": 30080, "hostPort": 8080, "listenAddress": "127.0.0.1"},
                    {"containerPort": 30081, "hostPort": 8081, "listenAddress": "127.0.0.1"},
                ],
            }
        ],
    }


def test_more_pools_are_workers_with_labels_and_taints() -> None:
    nodes = yaml.safe_load(kind_config(with_pools(POOLS), "/certs.d"))["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker"]
    assert [node.get("labels") for node in nodes] == [{"pool": "general"}, {"pool": "gpu"}, None]
    patches = [[json.loads(patch) for patch in node.get("kubeadmConfigPatches", [])] for node in nodes]
    assert patches == [
        [{"kind": "InitConfiguration", "nodeRegistration": {"taints": []}}],
        [
            {
                "kind": "JoinConfiguration",
                "nodeRegistration": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
            }
        ],
        [],
    ]
    assert ["extraPortMappings" in node for node in nodes] == [True, False, False]


def test_nodes_are_named_as_kind_names_them() -> None:
    assert list(node_names(with_pools(POOLS))) == [
        "switchboard-control-plane",
        "switchboard-worker",
        "switchboard-worker2",
    ]


def test_containerd_is_led_to_the_registry() -> None:
    hosts = tomllib.loads(registry_hosts_toml(load("local")))
    assert hosts == {
        "server": "http://10.111.0.2:5000",
        "host": {"http://10.111.0.2:5000": {"capabilities": ["pull", "resolve"]}},
    }


def test_pools_have_the_machines_size_unless_settings_give_one() -> None:
    pools = node_pools(with_pools(POOLS), machine_millicores=4000, machine_memory_mib=8192)
    assert {name: (pool.cpu_millicores, pool.memory_mib, pool.max_nodes) for name, pool in pools.items()} == {
        "general": (4000, 8192, 1),
        "gpu": (4000, 8192, 1),
        "spark": (1500, 2048, 1),
    }
    assert pools["gpu"].taints[0].key == "gpu"
