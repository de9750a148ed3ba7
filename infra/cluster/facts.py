"""Look at the machine, for `infra.cluster.preflight`. Changes nothing."""

import ipaddress
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.cluster.engine import NoEngineError, choose_engine
from infra.cluster.kind_config import node_names
from infra.cluster.settings import Settings
from infra.offline.engine import REPLACED, stand_in_because
from infra.shared.command import CommandError, run
from infra.shared.engine import Engine, call, inspect
from infra.shared.paths import Paths

GIB = 2**30
CAP_SYS_ADMIN = 21
CAP_NET_ADMIN = 12
TOOLS = ("kind", "kubectl", "pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python", "s3proxy")


@dataclass(frozen=True)
class PortHolder:
    """Who listens on a port. Without the right to see it, the process is unknown."""

    process: str | None = None
    pid: int | None = None

    def __str__(self) -> str:
        return f"{self.process} (process {self.pid})" if self.process else "a process of another user"


@dataclass(frozen=True)
class Facts:
    """What was found on the machine."""

    engine: Engine | None
    engine_problem: str | None
    """Why the engine can't be used, with the remedy."""
    is_root: bool
    is_up: bool
    """Whether containers of the environment are there already."""
    disk_free_gib: float
    disk_path: str
    memory_gib: float
    memory_free_gib: float
    port_holders: dict[int, PortHolder] = field(default_factory=dict)
    """Ports of the settings that somebody else listens on."""
    missing_tools: tuple[str, ...] = ()
    overlapping_route: str | None = None
    """A route of the machine, not ours, into the network of the settings."""


def gather(settings: Settings, env: str) -> Facts:
    """All facts that the settings make worth knowing."""
    paths = Paths.of(env)
    engine, engine_problem = _engine(paths)
    ours = list(_our_containers(settings, engine)) if engine and not engine_problem else []
    place = _existing(paths.home)
    memory = psutil.virtual_memory()
    return Facts(
        engine=engine,
        engine_problem=engine_problem,
        is_root=os.geteuid() == 0,
        is_up=bool(ours),
        disk_free_gib=min(shutil.disk_usage(path).free for path in (place, _existing(paths.cache))) / GIB,
        disk_path=str(place),
        memory_gib=memory.total / GIB,
        memory_free_gib=memory.available / GIB,
        port_holders=_port_holders(settings.host_ports.values(), set(_published(ours))),
        missing_tools=tuple(_missing_tools(paths)),
        overlapping_route=_overlapping_route(settings, bool(ours)),
    )


def _engine(paths: Paths) -> tuple[Engine | None, str | None]:
    try:
        engine = choose_engine(paths).engine
    except NoEngineError as error:
        return None, str(error)
    try:
        call(engine, "info", "--format={{.Host}}" if engine == "podman" else "--format={{.ID}}", timeout_s=20)
    except CommandError as error:
        return engine, engine_problem(engine, error.output)
    if engine == "podman" and os.geteuid() == 0 and (lacking := list(_lacking_capabilities())):
        return engine, (
            f"podman lacks a right here: root has no {' and no '.join(lacking)}; "
            "run on a virtual machine, or in a container with --privileged"
        )
    return engine, None


def engine_problem(engine: Engine, output: str) -> str:
    """One line for an engine that does not answer, from what it wrote."""
    if "permission denied" in output.lower():
        return (
            f"{engine} may not be used by this user; run as root, or join the group {engine} and log in again"
        )
    if engine == "docker":
        remedy = "start it (`systemctl start docker`, or `dockerd &`), or unset SWITCHBOARD_KIND"
        return f"Docker does not run; {remedy}"
    last = output.strip().splitlines()[-1:] or ["no output"]
    return f"podman does not work: {last[0]}; `podman info` must succeed"


def _lacking_capabilities() -> Iterator[str]:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    for name, number in (("CAP_SYS_ADMIN", CAP_SYS_ADMIN), ("CAP_NET_ADMIN", CAP_NET_ADMIN)):
        if not effective >> number & 1:
            yield name


def _our_containers(settings: Settings, engine: Engine) -> Iterator[dict[str, object]]:
    for name in (*node_names(settings), f"{settings.cluster_name}-registry", f"{settings.cluster_name}-s3"):
        found = inspect(engine, "container", name)
        if found is not None:
            yield found


def _published(containers: Iterable[dict[str, object]]) -> Iterator[int]:
    for container in containers:
        # The configuration, not the state: podman's stopped containers keep it, too.
        bindings = container.get("HostConfig", {})
        ports = bindings.get("PortBindings") if isinstance(bindings, dict) else None
        for published in (ports or {}).values():
            yield from (int(item["HostPort"]) for item in published or [])


def _port_holders(ports: Iterable[int], ours: set[int]) -> dict[int, PortHolder]:
    wanted = set(ports) - ours
    holders: dict[int, PortHolder] = {}
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or connection.laddr.port not in wanted:
            continue
        if connection.laddr.ip not in ("127.0.0.1", "0.0.0.0", "::", "::1"):  # noqa: S104
            continue
        holders[connection.laddr.port] = _holder(connection.pid)
    return holders


def _holder(pid: int | None) -> PortHolder:
    if pid is None:
        return PortHolder()
    try:
        return PortHolder(psutil.Process(pid).name(), pid)
    except psutil.Error:
        return PortHolder(None, pid)


def _missing_tools(paths: Paths) -> Iterator[str]:
    search = f"{paths.tools_bin}{os.pathsep}{os.environ.get('PATH', '')}"
    replaced = REPLACED if stand_in_because(paths) else ()
    yield from (tool for tool in TOOLS if tool not in replaced and shutil.which(tool, path=search) is None)


def _overlapping_route(settings: Settings, is_up: bool) -> str | None:
    if is_up:
        return None
    wanted = ipaddress.IPv4Network(settings.network_cidr)
    try:
        routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "main"], timeout_s=10))
    except CommandError:
        return None
    for route in routes:
        if route["dst"] != "default" and ipaddress.IPv4Network(route["dst"], strict=False).overlaps(wanted):
            return f"the route {route['dst']} ({route.get('dev', 'no device')})"
    return None


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
