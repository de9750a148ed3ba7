"""A kind cluster: made, looked at, healed and removed through kind's own command."""

import hashlib
import ipaddress
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.cluster.containers import nodes_of, remove_nodes
from infra.offline.node.build import ensure_node_image
from infra.shared.command import CommandError, run
from infra.shared.engine import (
    ENGINE_ENV,
    Engine,
    call,
    inspect,
    is_running,
    settle,
    started_at,
)
from infra.shared.paths import Paths

MARKER = "/kind/switchboard"
"""In each node: a hash of what the cluster was made from, written when it was complete."""
CREATE_TIMEOUT_S = 600
HEAL_TIMEOUT_S = 180
OWN_IMAGE = "own"
"""As the image of a cluster: the one that we build."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Cluster:
    """What a cluster is made from. `image` is empty for kind's own; `network` is where its nodes are."""

    engine: Engine
    name: str
    config: str
    image: str
    network: str
    kubeconfig: str
    certs_dir: str
    registry_host: str
    hosts_toml: str

    @property
    def spec_hash(self) -> str:
        """A short hash of all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def environment(self) -> dict[str, str]:
        """What kind needs to know about the engine."""
        provider = {"KIND_EXPERIMENTAL_PROVIDER": self.engine}
        return ENGINE_ENV | provider | {f"KIND_EXPERIMENTAL_{self.engine.upper()}_NETWORK": self.network}


class UnhealthyClusterError(RuntimeError):
    """A cluster that was made but does not become ready."""

    def __init__(self, name: str, seconds: int, reason: str) -> None:
        super().__init__(f"cluster {name} is not ready after {seconds} s: {reason}")


def ensure(cluster: Cluster, say: Say) -> str:
    """Have the cluster run, and give its kubeconfig.

    One that stopped is started, one that can't be healed is made anew. Raises CommandError,
    UnhealthyClusterError.
    """
    if nodes_of(cluster.engine, cluster.name):
        if _heal(cluster, say):
            return Path(cluster.kubeconfig).read_text()
        say(f"the cluster {cluster.name} that was left here can't be used; making it anew")
        delete(cluster)
    _create(cluster, say)
    return Path(cluster.kubeconfig).read_text()


def problem(cluster: Cluster) -> str | None:
    """Why the cluster is not as wanted, or None where it is. Changes nothing."""
    nodes = nodes_of(cluster.engine, cluster.name)
    if not nodes:
        return "has no nodes"
    if not Path(cluster.kubeconfig).exists():
        return "has no kubeconfig"
    for node in nodes:
        if not is_running(cluster.engine, node):
            return f"node {node} does not run"
        if not _address_is_kept(cluster, node):
            return f"node {node} came back with another address"
    return _marker_problem(cluster, nodes) or _api_problem(cluster)


def delete(cluster: Cluster) -> None:
    """Remove the cluster, half-made ones too, and its kubeconfig. Raises CommandError."""
    for node in nodes_of(cluster.engine, cluster.name):
        if is_running(cluster.engine, node):
            # A node takes longer to stop than engines wait before they kill it.
            call(cluster.engine, "kill", node)
    command = [_kind(), "delete", "cluster", f"--name={cluster.name}", f"--kubeconfig={cluster.kubeconfig}"]
    run(command, env=cluster.environment, timeout_s=120)
    remove_nodes(cluster.engine, cluster.name)
    Path(cluster.kubeconfig).unlink(missing_ok=True)
    shutil.rmtree(cluster.certs_dir, ignore_errors=True)


def _create(cluster: Cluster, say: Say) -> None:
    image = ensure_node_image(say) if cluster.image.startswith(OWN_IMAGE) else cluster.image
    _write_certs(cluster)
    if cluster.engine == "podman":
        # kind mounts it; a machine with a kernel of one piece has none.
        Path("/lib/modules").mkdir(exist_ok=True)
    command = [
        _kind(),
        "create",
        "cluster",
        "--config=-",
        f"--kubeconfig={cluster.kubeconfig}",
        "--wait=180s",
    ]
    options = [f"--image={image}"] if image else []
    run([*command, *options], env=cluster.environment, stdin=cluster.config, timeout_s=CREATE_TIMEOUT_S)
    nodes = nodes_of(cluster.engine, cluster.name)
    _wait(cluster, lambda: _api_problem(cluster))
    _connect_pod_ranges(cluster, nodes)
    for node in nodes:
        call(cluster.engine, "exec", node, "sh", "-c", f"echo {cluster.spec_hash} > {MARKER}")


def _heal(cluster: Cluster, say: Say) -> bool:
    """Bring back a complete cluster that stopped; False where that can't be done."""
    nodes = nodes_of(cluster.engine, cluster.name)
    for attempt in (1, 2):  # what a cluster holds is worth a second try
        try:
            return _restart(cluster, nodes, say)
        except (CommandError, UnhealthyClusterError) as error:
            say(f"attempt {attempt}: {error}")
    return False


def _restart(cluster: Cluster, nodes: list[str], say: Say) -> bool:
    _write_certs(cluster)
    for node in nodes:
        if not is_running(cluster.engine, node) or not _address_is_kept(cluster, node):
            say(f"starting node {node} again")
            _start_with_its_address(cluster, node)
    if _marker_problem(cluster, nodes):
        return False
    command = [_kind(), "export", "kubeconfig", f"--name={cluster.name}"]
    run([*command, f"--kubeconfig={cluster.kubeconfig}"], env=cluster.environment, timeout_s=60)
    _wait(cluster, lambda: _api_problem(cluster))
    _connect_pod_ranges(cluster, nodes)
    return True


def _start_with_its_address(cluster: Cluster, node: str) -> None:
    """Start a node where it was: its certificates and its database are bound to its first address."""
    settle(cluster.engine, node)
    address = _made_with_address(cluster.engine, node)
    if cluster.engine == "podman" and address is not None:
        if is_running(cluster.engine, node):
            call(cluster.engine, "kill", node)
            call(cluster.engine, "wait", node)
        if cluster.network in _networks(cluster, node):  # not so where a run was killed after this
            call(cluster.engine, "network", "disconnect", cluster.network, node)
        call(
            cluster.engine, "network", "connect", f"--ip={address}", f"--alias={node}", cluster.network, node
        )
    call(cluster.engine, "start", node)


def _address_is_kept(cluster: Cluster, node: str) -> bool:
    """Whether the node has the address that it was made with. kind's own image handles another one itself."""
    made_with = _made_with_address(cluster.engine, node) if cluster.engine == "podman" else None
    return made_with is None or made_with == _address(cluster, node)


def _networks(cluster: Cluster, node: str) -> dict[str, dict[str, Any]]:
    """The networks that a node is on, running or not."""
    found = inspect(cluster.engine, "container", node) or {}
    return found.get("NetworkSettings", {}).get("Networks") or {}


def _address(cluster: Cluster, node: str) -> str | None:
    address = _networks(cluster, node).get(cluster.network, {}).get("IPAddress")
    return str(address) if address else None


def _made_with_address(engine: Engine, node: str) -> str | None:
    """What kind wrote into the node when it was made; readable while the node is stopped, too."""
    try:
        archive = call(engine, "cp", f"{node}:/kind/kubeadm.conf", "-")
    except CommandError:
        return None
    found = re.search(r"node-ip[\"']?(?:[:=]|\n\s*value:)\s*[\"']?([0-9.]+)", archive)
    return str(ipaddress.ip_address(found.group(1))) if found else None


def _connect_pod_ranges(cluster: Cluster, nodes: list[str]) -> None:
    """Tell each node of ours where the others' pods are: they are neighbours, so plain routes do."""
    if len(nodes) == 1 or not cluster.image.startswith(OWN_IMAGE):
        return
    address = '{.status.addresses[?(@.type=="InternalIP")].address}'
    template = "{range .items[*]}{.metadata.name} {.spec.podCIDR} " + address + "\n{end}"
    listed = kubectl(cluster, "get", "nodes", f"--output=jsonpath={template}")
    ranges = [line.split() for line in listed.splitlines() if line.strip()]
    for node in nodes:
        for name, pods, address in ranges:
            if name != node:
                call(cluster.engine, "exec", node, "ip", "route", "replace", pods, "via", address)


def _marker_problem(cluster: Cluster, nodes: list[str]) -> str | None:
    for node in nodes:
        try:
            written = call(cluster.engine, "exec", node, "cat", MARKER).strip()
        except CommandError:
            return f"node {node} was never finished"
        if written != cluster.spec_hash:
            return f"node {node} was made from other settings"
    return None


def _api_problem(cluster: Cluster) -> str | None:
    ready = '.status.conditions[?(@.type=="Ready")]'
    columns = f"{{.metadata.name}} {{{ready}.status}} {{{ready}.lastHeartbeatTime}}"
    template = f'{{range .items[*]}}{columns}{{"\\n"}}{{end}}'
    try:
        listed = kubectl(cluster, "get", "nodes", f"--output=jsonpath={template}")
    except CommandError as error:
        return f"its API server does not answer: {' '.join(error.output.split())[-200:]}"
    try:
        nodes = nodes_of(cluster.engine, cluster.name)
        started = {node: started_at(cluster.engine, node) for node in nodes}
    except (CommandError, LookupError) as error:
        return f"its nodes cannot be looked at: {error}"
    return unready(listed, started, datetime.now(UTC))


def unready(listed: str, started: Mapping[str, datetime], now: datetime) -> str | None:
    """Which nodes are not ready, or None. A line of `listed` is a node, its Ready status and when it said so.

    What a node said before its container was `started` is of before it died: the API server goes on to tell
    it, for most of a minute. A start that is yet to come says nothing: the clock was set back since.
    """
    said = [(line + "  ").split(" ")[:3] for line in listed.splitlines() if line.strip()]
    if not said:
        return "it has no nodes"
    waiting = [f"{node}={status}" for node, status, _ in said if status != "True"]
    if waiting:
        return f"nodes are not ready: {', '.join(waiting)}"
    # Kubernetes' times are whole seconds, cut off
    since = {node: when.replace(microsecond=0) for node, when in started.items() if when <= now}
    silent = [node for node, _, at in said if node in since and datetime.fromisoformat(at) < since[node]]
    return f"nothing was heard of {', '.join(silent)}" if silent else None


def _wait(cluster: Cluster, problem: Callable[[], str | None]) -> None:
    deadline = time.monotonic() + HEAL_TIMEOUT_S
    while (reason := problem()) is not None:
        if time.monotonic() > deadline:
            raise UnhealthyClusterError(cluster.name, HEAL_TIMEOUT_S, reason)
        time.sleep(1)


def kubectl(cluster: Cluster, *words: str) -> str:
    """kubectl on this cluster; gives what it wrote. Raises CommandError."""
    options = [
        f"--kubeconfig={cluster.kubeconfig}",
        f"--context=kind-{cluster.name}",
        "--request-timeout=10s",
    ]
    return run([_tool("kubectl"), *options, *words], timeout_s=30)


def _write_certs(cluster: Cluster) -> None:
    folder = Path(cluster.certs_dir) / cluster.registry_host
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.toml").write_text(cluster.hosts_toml)


def _kind() -> str:
    return _tool("kind")


def _tool(name: str) -> str:
    search = f"{Paths.of().tools_bin}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which(name, path=search) or name
