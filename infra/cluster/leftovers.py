"""What an environment has on this machine, so that `down` can be held to leave nothing behind.

Podman itself leaves empty chains of its firewall rules and empty cgroups when its last container is gone.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from infra.cluster.settings import Settings
from infra.shared.command import CommandError, run
from infra.shared.engine import Engine, call
from infra.shared.paths import Paths

Snapshot = dict[str, frozenset[str]]
CGROUPS = Path("/sys/fs/cgroup")
CHAIN = "NETAVARK"
_NETWORK_CHAIN = re.compile(rf"{CHAIN}-(DN-)?[0-9A-F]{{10,}}")
PROCESSES = ("aardvark-dns", "conmon")
"""What podman runs outside of containers."""


def snapshot(settings: Settings, engine: Engine, paths: Paths) -> Snapshot:
    """Everything of ours on the machine, by kind of thing. Compare two with `left`."""
    others = set(_ids_of_others(engine, settings))
    return {
        "containers": frozenset(_named(engine, settings, "ps", "--all", "--format={{.Names}}")),
        "networks": frozenset(_named(engine, settings, "network", "ls", "--format={{.Name}}")),
        "volumes": frozenset(_lines(call(engine, "volume", "ls", "--quiet"))),
        "processes": frozenset(_processes(others)),
        "mounts": frozenset(_mounts(paths)),
        "interfaces": frozenset(path.name for path in Path("/sys/class/net").glob("podman*")),
        "network namespaces": frozenset(path.name for path in Path("/run/netns").glob("*")),
        "firewall rules": frozenset(_rules(settings)),
        "cgroups": frozenset(map(str, groups_without(others))),
        "files": frozenset(str(path) for path in paths.state.glob("*")),
    }


def left(before: Snapshot, after: Snapshot) -> list[str]:
    """What is there now and was not before, one line each. Pure."""
    return [f"{kind}: {item}" for kind, items in after.items() for item in sorted(items - before[kind])]


def sweep_podman(cidr: str) -> None:
    """Remove what serves no container any more: network namespaces, bridges, chains, empty cgroups.

    `cidr`: of the network that was just removed. A podman that was killed while it started a container leaves
    namespace and rules, and knows nothing of them. Raises CommandError.
    """
    for namespace in sorted(unused(Path("/run/netns").glob("netns-*"), _namespaces_in_use())):
        run(["ip", "netns", "delete", namespace])
    for bridge in sorted(unused(Path("/sys/class/net").glob("podman*"), _bridges_in_use())):
        run(["ip", "link", "delete", bridge])
    idle = not call("podman", "ps", "--quiet").strip()
    for family in ("iptables", "ip6tables"):
        with suppress(CommandError):  # a machine may be without one of the families
            if orders := chain_removal(run([f"{family}-save"]), idle=idle, cidr=cidr):
                run([f"{family}-restore", "--noflush"], stdin=orders)
    # A child must go before its parent; one that is in use stays by itself, but for what a node that runs has
    # just made for a pod.
    containers = _lines(call("podman", "ps", "--all", "--quiet", "--no-trunc"))
    for group in sorted(groups_without(containers), key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            group.rmdir()


def unused(there: Iterable[Path], in_use: set[str]) -> set[str]:
    """Names of what is there and not in use. Pure."""
    return {path.name for path in there} - in_use


def _namespaces_in_use() -> set[str]:
    return _of_all(["ps", "--all"], ["inspect"], "{{.NetworkSettings.SandboxKey}}")


def _bridges_in_use() -> set[str]:
    return _of_all(["network", "ls"], ["network", "inspect"], "{{.NetworkInterface}}")


def _of_all(listing: list[str], inspecting: list[str], template: str) -> set[str]:
    """The last part of what the template gives for each that podman lists."""
    names = call("podman", *listing, "--quiet").split()
    said = call("podman", *inspecting, f"--format={template}", *names) if names else ""
    return {Path(line).name for line in _lines(said)}


def chain_removal(saved: str, *, idle: bool, cidr: str) -> str:
    """Orders for `iptables-restore --noflush` that remove podman's chains and what leads to them. Pure.

    Chains of a network go when they are empty and nothing leads to them, or when they are those of `cidr`; so
    do rules about that in chains that stay, and the rest if podman is `idle`.
    """
    network = _prefix(cidr)
    orders: list[str] = []
    for table, lines in _tables(saved):
        rules = [line for line in lines if line.startswith("-A")]
        chains = [line[1:].split()[0] for line in lines if line.startswith(f":{CHAIN}")]
        gone = chains if idle else [chain for chain in chains if _NETWORK_CHAIN.match(chain)]
        if not idle:
            dead = {word for rule in rules if network in rule for word in rule.split() if word in gone}
            gone = [
                chain for chain in gone if chain in dead or not any(chain in rule.split() for rule in rules)
            ]
        staying = [rule for rule in rules if rule.split()[1] not in gone]
        into = [rule for rule in staying if rule.split()[-1] in gone]
        about = [
            rule
            for rule in staying
            if rule.startswith(f"-A {CHAIN}") and network in rule and rule not in into
        ]
        if gone or about:
            orders += [f"*{table}", *(f"-D{rule[2:]}" for rule in [*into, *about])]
            orders += [*(f"-F {chain}" for chain in gone), *(f"-X {chain}" for chain in gone), "COMMIT"]
    return "".join(f"{order}\n" for order in orders)


def _tables(saved: str) -> Iterator[tuple[str, list[str]]]:
    for part in saved.split("\nCOMMIT"):
        lines = part.splitlines()
        if names := [line[1:] for line in lines if line.startswith("*")]:
            yield names[0], lines


def _named(engine: Engine, settings: Settings, *words: str) -> Iterator[str]:
    for name in _lines(call(engine, *words)):
        if name == settings.cluster_name or name.startswith(f"{settings.cluster_name}-"):
            yield name


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _processes(others: set[str]) -> Iterator[str]:
    """Processes in and around podman's containers, but for those of the containers with the ids `others`."""
    for process in psutil.process_iter(["name", "pid", "status", "cmdline"]):
        # One that has ended waits for its parent, which need not be ours.
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        traces = " ".join(process.info["cmdline"] or []) if process.info["name"] in PROCESSES else ""
        with suppress(OSError):
            traces += Path(f"/proc/{process.pid}/cgroup").read_text()
        if (process.info["name"] in PROCESSES or "libpod" in traces) and not any(
            id_ in traces for id_ in others
        ):
            yield f"{process.info['name']} (process {process.info['pid']})"


def _ids_of_others(engine: Engine, settings: Settings) -> Iterator[str]:
    for line in _lines(call(engine, "ps", "--all", "--no-trunc", "--format={{.ID}} {{.Names}}")):
        id_, name = line.split()[:2]
        if not name.startswith(f"{settings.cluster_name}-"):
            yield id_


def _mounts(paths: Paths) -> Iterator[str]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        target = line.split()[1]
        ours = "/containers/storage/" in target or target.startswith(("/run/netns", str(paths.state)))
        # Podman keeps this mount of its store on itself for as long as the machine runs.
        if ours and not target.endswith("/containers/storage/overlay"):
            yield target


def _rules(settings: Settings) -> Iterable[str]:
    try:
        rules = _lines(run(["iptables-save"]))
    except CommandError:
        return []
    network = _prefix(settings.network_cidr)
    return [re.sub(r"\[\d+:\d+\]", "", rule) for rule in rules if CHAIN in rule or network in rule]


def _prefix(cidr: str) -> str:
    """`10.111.0.` of `10.111.0.0/24`: what addresses of the network begin with."""
    return cidr.partition("/")[0].rpartition(".")[0] + "."


def groups_without(ids: Collection[str]) -> Iterator[Path]:
    """Podman's groups, but for those in and around the containers with these ids."""
    for parent in (*CGROUPS.glob("libpod*"), *CGROUPS.glob("*/libpod*")):
        # `os.walk`, not `rglob`: groups of pods come and go in the middle of it. It does not go below what
        # `below` has no more.
        for path, below, _ in os.walk(parent):
            if any(id_ in path for id_ in ids):
                below.clear()
            else:
                yield Path(path)
