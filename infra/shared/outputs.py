"""The one seam between the cluster program and everything that runs on the cluster: data, not code."""

from typing import Any, Literal

from pydantic import Field, SecretStr

from infra.shared.model import Model

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Taint(Model):
    """A node taint, as Kubernetes names its parts."""

    key: str
    value: str = ""
    effect: Effect


class NodePool(Model):
    """Nodes of one kind. Sizes are what one node of the pool offers to pods."""

    labels: dict[str, str] = Field(default_factory=dict)
    taints: list[Taint] = Field(default_factory=list)
    cpu_millicores: int = Field(gt=0)
    memory_mib: int = Field(gt=0)
    gpus: int = Field(default=0, ge=0)
    """As Kubernetes counts them: `nvidia.com/gpu`."""
    max_nodes: int = Field(gt=0)


class ObjectStore(Model):
    """An S3 store. `None` for an endpoint means AWS's own; `None` for keys means the pods' cloud identity."""

    endpoint_url: str | None = None
    """How pods reach it."""
    host_endpoint_url: str | None = None
    """How commands on the operator's machine reach it."""
    region: str
    path_style: bool
    buckets: dict[str, str]
    """Role (`data`, `logs`) to bucket name."""
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None


class Entrance(Model):
    """How people reach a NodePort service."""

    node_port: int = Field(ge=30000, le=32767)
    url: str


class ClusterOutputs(Model):
    """All that the platform program may know about the cluster that it runs on."""

    provider: Literal["kind", "eks"]
    kubeconfig: SecretStr
    context: str
    image_registry: str
    object_store: ObjectStore
    storage_class: str
    node_pools: dict[str, NodePool]
    entrances: dict[str, Entrance]
    """`airflow` and `git`."""
    service_account_annotations: dict[str, str] = Field(default_factory=dict)
    """What gives a service account its cloud identity; empty where there is none."""

    def revealed(self) -> dict[str, Any]:
        """Plain values, secrets readable: for the stack's export, which marks them as secrets itself."""
        return {name: _reveal(value) for name, value in self.model_dump().items()}


def _reveal(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_reveal(item) for item in value]
    return value
