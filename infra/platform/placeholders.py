"""What a preview shows where the cluster doesn't exist yet."""

from pydantic import SecretStr

from infra.shared.outputs import ClusterOutputs, Entrance, ObjectStore


def placeholder_cluster(entrances: list[str]) -> ClusterOutputs:
    """Outputs of the right shape: a preview on them creates the same objects as the first `up`."""
    return ClusterOutputs(
        provider="kind",
        kubeconfig=SecretStr(""),
        context="",
        image_registry="registry.invalid",
        object_store=ObjectStore(
            endpoint_url="http://object-store.invalid",
            host_endpoint_url="http://object-store.invalid",
            region="us-east-1",
            path_style=True,
            buckets={"data": "data", "logs": "logs"},
            access_key_id=SecretStr("unknown"),
            secret_access_key=SecretStr("unknown"),
        ),
        storage_class="standard",
        node_pools={},
        entrances={
            name: Entrance(node_port=30000 + number, url=f"http://{name}.invalid")
            for number, name in enumerate(entrances)
        },
    )
