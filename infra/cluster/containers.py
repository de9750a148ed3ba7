"""Service containers beside the cluster, and the network that they share with its nodes."""

import ipaddress
import json
import re
import time
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPConnection, HTTPException

from infra.cluster import services
from infra.cluster.leftovers import sweep_podman
from infra.shared.command import CommandError
from infra.shared.engine import Engine, call, containers_with_label, inspect, remove_containers

NODE_LABEL = "io.x-k8s.kind.cluster"
"""kind's own, on each node; its value is the cluster's name, which is the network's too."""
LABEL = "switchboard.dev/spec"
"""Holds a hash of what a container or network was made from."""
START_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 10


@dataclass(frozen=True)
class Network:
    """A bridge of our own. `dynamic_cidr` is what nodes get addresses from; the rest is for fixed ones."""

    engine: Engine
    name: str
    cidr: str
    dynamic_cidr: str


@dataclass(frozen=True)
class Service:
    """A container with a fixed address, one port on the host's 127.0.0.1 and one folder of data."""

    engine: Engine
    name: str
    service: str
    image: str
    network: str
    address: str
    port: int
    host_port: int
    data: str
    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)


def spec_hash(spec: Network | Service) -> str:
    """A short hash of a specification, secrets included but not readable."""
    return sha256(json.dumps(spec.__dict__, sort_keys=True).encode()).hexdigest()[:16]


def ensure_network(spec: Network) -> None:
    """Make the network unless it is there as wanted. One that differs is made anew. Raises CommandError."""
    if network_is_there(spec):
        return
    delete_network(spec)
    ranges = [f"--subnet={spec.cidr}", f"--ip-range={spec.dynamic_cidr}"]
    call(
        spec.engine,
        "network",
        "create",
        "--driver=bridge",
        *ranges,
        f"--label={LABEL}={spec_hash(spec)}",
        spec.name,
    )


def network_is_there(spec: Network) -> bool:
    """Whether the network exists, made from this very specification."""
    found = inspect(spec.engine, "network", spec.name)
    if found is None:
        return False
    labels = found.get("labels") or found.get("Labels") or {}
    return bool(labels.get(LABEL) == spec_hash(spec))


def nodes_of(engine: Engine, cluster: str) -> list[str]:
    """Names of the cluster's nodes, running or not. Raises CommandError."""
    return containers_with_label(engine, f"{NODE_LABEL}={cluster}")


def remove_nodes(engine: Engine, cluster: str) -> None:
    """Remove the cluster's nodes, running or not, and what they keep; those that are gone are no error.

    Raises CommandError.
    """
    remove_containers(engine, nodes_of(engine, cluster))
    # On podman, kind makes the nodes' volumes before the nodes; the engine does not know whose they are.
    if engine == "podman" and (volumes := volumes_of(cluster, call(engine, "volume", "ls", "--format=json"))):
        call(engine, "volume", "rm", "--force", *volumes)


def volumes_of(cluster: str, listed: str) -> list[str]:
    """Names of the volumes that kind made for a cluster's nodes, from podman's list in JSON. Pure."""
    node = re.compile(rf"{re.escape(cluster)}-(control-plane|worker)\d*")
    return [item["Name"] for item in json.loads(listed) if any(map(node.fullmatch, item["Labels"] or {}))]


def delete_network(spec: Network) -> None:
    """Remove the network, with the nodes that an unfinished run left on it; no error where there is none.

    Raises CommandError while other containers use it.
    """
    remove_nodes(spec.engine, spec.name)
    if inspect(spec.engine, "network", spec.name) is not None:
        call(spec.engine, "network", "rm", spec.name)
    if spec.engine == "podman":
        sweep_podman(spec.cidr)


def start(spec: Service) -> None:
    """Start the service in place of a dead or an outdated container. Raises CommandError."""
    services.ensure_image(spec.engine, spec.service)
    remove_containers(spec.engine, [spec.name])
    call(
        spec.engine,
        "run",
        "--detach",
        "--restart=unless-stopped",
        f"--name={spec.name}",
        f"--label={LABEL}={spec_hash(spec)}",
        f"--network={spec.network}",
        f"--ip={spec.address}",
        f"--mac-address={mac_address(spec.address)}",
        f"--publish=127.0.0.1:{spec.host_port}:{spec.port}",
        f"--volume={spec.data}:/data",
        *(f"--env={name}" for name in spec.environment),  # values have no place in the list of processes
        spec.image,
        *spec.arguments,
        env=spec.environment,
    )
    _wait_until_it_answers(spec)


def mac_address(address: str) -> str:
    """The hardware address of an address: both stay the same when the container is another one.

    Neighbours would else send to the old one for half a minute.
    """
    return ":".join(["02", "42", *(f"{part:02x}" for part in ipaddress.IPv4Address(address).packed)])


def is_running(spec: Service) -> bool:
    """Whether the service runs, made from this very specification, and answers."""
    found = inspect(spec.engine, "container", spec.name)
    if (
        found is None
        or not found["State"]["Running"]
        or found["Config"]["Labels"].get(LABEL) != spec_hash(spec)
    ):
        return False
    return answers(spec.host_port)


def remove(engine: Engine, name: str) -> None:
    """Remove a service's container; its data stays. Raises CommandError."""
    remove_containers(engine, [name])


def _wait_until_it_answers(spec: Service) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        state = inspect(spec.engine, "container", spec.name)
        if state is not None and state["State"]["Running"] and answers(spec.host_port):
            return
        time.sleep(0.2)
    log = call(spec.engine, "logs", "--tail=10", spec.name)
    raise CommandError(
        [spec.name], 1, f"does not answer on 127.0.0.1:{spec.host_port} after {START_TIMEOUT_S} s\n{log}"
    )


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something speaks HTTP there, as all services do.

    That the port is open says nothing: Docker's proxy takes connections before the service does.
    """
    client = HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        client.request("HEAD", "/")
        client.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        client.close()
    return True
