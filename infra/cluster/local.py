"""The local environment as one component: kind, an image registry and an S3 server."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pulumi
from pydantic import SecretStr

from infra.cluster import services
from infra.cluster.buckets import Bucket as BucketSpec
from infra.cluster.containers import Network, Service
from infra.cluster.kind_cli import OWN_IMAGE, Cluster
from infra.cluster.kind_config import REGISTRY_PORT, kind_config, registry_host, registry_hosts_toml
from infra.cluster.resources import (
    AccessKeys,
    Bucket,
    ContainerNetwork,
    DataFolder,
    KindCluster,
    ServiceContainer,
)
from infra.cluster.settings import Settings
from infra.offline.node.build import content_key
from infra.shared.engine import Engine
from infra.shared.outputs import ClusterOutputs, Entrance, NodePool, ObjectStore
from infra.shared.paths import Paths

S3_PORT = 7070


class LocalEnvironment(pulumi.ComponentResource):
    """Everything that a laptop has in place of a cloud. `outputs` is a `ClusterOutputs` as plain values."""

    outputs: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, settings: Settings, engine: Engine, paths: Paths) -> None:
        super().__init__("switchboard:cluster:Local", name)
        self._settings, self._engine, self._paths = settings, engine, paths
        self._child = pulumi.ResourceOptions(parent=self)
        network = Network(engine, settings.cluster_name, settings.network_cidr, settings.dynamic_cidr)
        self._network = ContainerNetwork("network", _json(asdict(network)), self._child)
        self._registry()
        keys = AccessKeys("s3-keys", self._child)
        self._buckets(keys, self._s3(keys))
        cluster = self._cluster()
        self.outputs = pulumi.Output.all(
            cluster.kubeconfig, keys.access_key_id, keys.secret_access_key
        ).apply(lambda values: self._outputs(*values).revealed())
        self.register_outputs({"outputs": self.outputs})

    def _registry(self) -> None:
        # As a cloud's registry does, it outlives the environments that use it.
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        folder = DataFolder("registry-data", str(self._paths.registry), kept)
        addresses = self._settings.registry_address, REGISTRY_PORT, self._settings.registry_port
        spec = self._service("registry", self._paths.registry, *addresses)
        options = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        ServiceContainer("registry", self._on_network(asdict(spec)), options)

    def _s3(self, keys: AccessKeys) -> ServiceContainer:
        folder = DataFolder("s3-data", str(self._paths.s3), self._child)
        addresses = self._settings.s3_address, S3_PORT, self._settings.s3_port
        spec = asdict(self._service("s3", self._paths.s3, *addresses))
        spec["arguments"] = [f"0.0.0.0:{S3_PORT}", "/data"]
        secret = {"S3_ACCESS_KEY_ID": keys.access_key_id, "S3_SECRET_ACCESS_KEY": keys.secret_access_key}
        spec["environment"] = secret
        options = pulumi.ResourceOptions(parent=self, depends_on=[folder])
        return ServiceContainer("s3", self._on_network(spec), options)

    def _buckets(self, keys: AccessKeys, s3: ServiceContainer) -> None:
        options = pulumi.ResourceOptions(parent=self, depends_on=[s3], retain_on_delete=True)
        for role, bucket in self._settings.buckets.items():
            spec = BucketSpec(bucket, self._host_s3_url, self._settings.region, "", "")
            with_keys = asdict(spec) | {
                "access_key_id": keys.access_key_id,
                "secret_access_key": keys.secret_access_key,
            }
            Bucket(f"bucket-{role}", pulumi.Output.json_dumps(with_keys, sort_keys=True), options)

    def _cluster(self) -> KindCluster:
        certs_dir = str(self._paths.certs)
        spec = Cluster(
            engine=self._engine,
            name=self._settings.cluster_name,
            config=kind_config(self._settings, certs_dir),
            image=self._settings.node_image
            or (f"{OWN_IMAGE}:{content_key()}" if self._engine == "podman" else ""),
            network="",
            kubeconfig=str(self._paths.kubeconfig),
            certs_dir=certs_dir,
            registry_host=registry_host(self._settings),
            hosts_toml=registry_hosts_toml(self._settings),
        )
        options = pulumi.ResourceOptions(parent=self, depends_on=[self._network])
        return KindCluster("kind", self._on_network(asdict(spec)), options)

    def _service(self, service: str, data: Path, address: str, port: int, host_port: int) -> Service:
        return Service(
            engine=self._engine,
            name=f"{self._settings.cluster_name}-{service}",
            service=service,
            image=services.image_name(service),
            network="",
            address=address,
            port=port,
            host_port=host_port,
            data=str(data),
        )

    def _on_network(self, spec: dict[str, Any]) -> pulumi.Output[str]:
        """The specification with the network as made: whoever is on it is made anew when it is."""
        return pulumi.Output.json_dumps({**spec, "network": self._network.id}, sort_keys=True)

    @property
    def _host_s3_url(self) -> str:
        return f"http://127.0.0.1:{self._settings.s3_port}"

    def _outputs(self, kubeconfig: str, access_key_id: str, secret_access_key: str) -> ClusterOutputs:
        settings = self._settings
        return ClusterOutputs.model_validate(
            {
                "provider": "kind",
                "kubeconfig": kubeconfig,
                "context": f"kind-{settings.cluster_name}",
                "image_registry": registry_host(settings),
                "object_store": ObjectStore(
                    endpoint_url=f"http://{settings.s3_address}:{S3_PORT}",
                    host_endpoint_url=self._host_s3_url,
                    region=settings.region,
                    path_style=True,
                    buckets=settings.buckets,
                    access_key_id=SecretStr(access_key_id),
                    secret_access_key=SecretStr(secret_access_key),
                ),
                "storage_class": "standard",
                "node_pools": node_pools(settings, _machine_millicores(), _machine_memory_mib()),
                "entrances": {
                    name: Entrance(node_port=item.node_port, url=f"http://127.0.0.1:{item.host_port}")
                    for name, item in settings.entrances.items()
                },
            }
        )


def node_pools(settings: Settings, machine_millicores: int, machine_memory_mib: int) -> dict[str, NodePool]:
    """What the platform may count on: one node a pool, of the machine's size where settings give none."""
    return {
        name: NodePool(
            labels=pool.labels,
            taints=pool.taints,
            cpu_millicores=pool.cpu_millicores or machine_millicores,
            memory_mib=pool.memory_mib or machine_memory_mib,
            max_nodes=1,
        )
        for name, pool in settings.node_pools.items()
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _machine_millicores() -> int:
    return 1000 * (os.cpu_count() or 1)


def _machine_memory_mib() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20)
