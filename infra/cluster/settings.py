"""Settings of the cluster program for a local environment: what a stack file may say.

`python -m infra.cluster.settings` writes the JSON schema that editors complete stack files with.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra.shared.model import Model
from infra.shared.outputs import Taint
from infra.shared.settings import load_settings, schema, stack_file

PROJECT = "switchboard-cluster"
HERE = Path(__file__).parent
SCHEMA = HERE / "settings.schema.json"
BUCKET_ROLES = ("data", "logs")
ENTRANCES = ("airflow", "git")


def _dns_label(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", value):
        raise ValueError(
            "must be a DNS label of at most 40 characters: lower-case letters, digits and hyphens"
        )
    return value


def _bucket_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]", value):
        raise ValueError("is no S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens")
    return value


def _network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"is no IPv4 network ({error}); write one like 10.111.0.0/24") from error
    if not network.is_private or not 16 <= network.prefixlen <= 27:
        raise ValueError("must be a private network of a size from /16 to /27, like 10.111.0.0/24")
    return value


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
BucketName = Annotated[str, AfterValidator(_bucket_name)]
HostPort = Annotated[int, Field(ge=1024, le=65535)]


class EntranceSettings(Model):
    """A NodePort that the host reaches on 127.0.0.1."""

    node_port: int = Field(ge=30000, le=32767)
    host_port: HostPort


class PoolSettings(Model):
    """One node of the local cluster. A size that is left out is the machine's."""

    labels: dict[str, str] = Field(default_factory=dict)
    taints: list[Taint] = Field(default_factory=list)
    cpu_millicores: int | None = Field(default=None, gt=0)
    memory_mib: int | None = Field(default=None, gt=0)


class Settings(Model):
    """A local environment: kind, with an image registry and an S3 server beside it."""

    cluster_name: DnsLabel
    network_cidr: Annotated[str, AfterValidator(_network)]
    registry_port: HostPort
    s3_port: HostPort
    entrances: dict[str, EntranceSettings]
    region: str = Field(pattern=r"^[a-z]{2}-[a-z]+-\d$")
    buckets: dict[str, BucketName]
    node_pools: dict[DnsLabel, PoolSettings] = Field(min_length=1)
    node_image: str | None = None
    """An image for kind's nodes; left out, it is kind's own (Docker) or ours (podman)."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _need_keys("buckets", self.buckets, BUCKET_ROLES)
        _need_keys("entrances", self.entrances, ENTRANCES)
        ports = self.host_ports
        for name, port in ports.items():
            if other := next((key for key, value in ports.items() if value == port and key != name), None):
                raise ValueError(f"{name} and {other} are both {port}; give each a port of its own")
        first, pool = next(iter(self.node_pools.items()))
        if pool.taints:
            raise ValueError(
                f"node_pools.{first}.taints: the first pool runs the system's pods; give it no taints"
            )
        return self

    @cached_property
    def host_ports(self) -> dict[str, int]:
        """Every port that is opened on 127.0.0.1, by the setting that says so."""
        ports = {f"entrances.{name}.host_port": item.host_port for name, item in self.entrances.items()}
        return {"registry_port": self.registry_port, "s3_port": self.s3_port, **ports}

    @property
    def registry_address(self) -> str:
        """The registry on the containers' network. Fixed, so that nothing depends on a name server."""
        return str(ipaddress.IPv4Network(self.network_cidr)[2])

    @property
    def s3_address(self) -> str:
        """The S3 server on the containers' network."""
        return str(ipaddress.IPv4Network(self.network_cidr)[3])

    @property
    def dynamic_cidr(self) -> str:
        """The upper half of the network. Nodes get addresses from it, so that they never take a fixed one."""
        return str(list(ipaddress.IPv4Network(self.network_cidr).subnets())[1])


def _need_keys(field: str, given: Collection[str], wanted: tuple[str, ...]) -> None:
    if set(given) != set(wanted):
        raise ValueError(
            f"{field}: has the keys {', '.join(sorted(given)) or 'none'}; needs {' and '.join(wanted)}"
        )


def load(env: str) -> Settings:
    """The settings of an environment. Raises SettingsError."""
    return load_settings(Settings, stack_file(HERE, PROJECT, env), PROJECT)


if __name__ == "__main__":
    SCHEMA.write_text(schema(Settings, PROJECT))
