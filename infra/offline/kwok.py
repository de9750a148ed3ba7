"""Nodes that only seem to be there, where kwok cannot be had: `python -m infra.offline.kwok`.

Of what kwok does this is the part that a benchmark of many pods needs, with kwok's own options: nodes that
bear an annotation are ready and stay so, a pod that is placed on one of them runs at once, and one that is
asked to go is gone at once. Nothing is run.
"""

from __future__ import annotations

import argparse
import ipaddress
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from kubernetes import client, config, watch
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_after_attempt, wait_fixed
from urllib3.exceptions import HTTPError

log = logging.getLogger("kwok stand-in")

LEASES = "kube-node-lease"
RENEWALS = 4
"""How often a lease is renewed before it would run out, as kubelets do it."""

WORKERS = 8
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
TROUBLE = (client.ApiException, HTTPError)

Json = dict[str, Any]


@dataclass(frozen=True)
class Selector:
    """An annotation that a node has to bear to be played."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Selector:
        """From `key=value`. Raises ArgumentTypeError for anything else: no node must be taken by mistake."""
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise argparse.ArgumentTypeError(f"{text!r}: say which nodes to play as annotation=value")
        return cls(key, value)

    def matches(self, node: Json) -> bool:
        """Whether the node is one to play."""
        return bool(node["metadata"].get("annotations", {}).get(self.key) == self.value)


def now() -> str:
    """The time as Kubernetes writes it in leases."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ready_node(at: str) -> Json:
    """The status that a kubelet would report: all is well."""
    well = {**dict.fromkeys(PRESSURES, "False"), "Ready": "True"}
    return {
        "conditions": [
            {
                "type": name,
                "status": status,
                "reason": "Played",
                "lastHeartbeatTime": at,
                "lastTransitionTime": at,
            }
            for name, status in well.items()
        ],
        "nodeInfo": {"kubeletVersion": "played"},
    }


def running_pod(pod: Json, address: str, at: str) -> Json:
    """The status of a pod whose containers have all started."""
    conditions = ("Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "startTime": at,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": name, "status": "True", "lastTransitionTime": at} for name in conditions],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": at}},
            }
            for container in pod["spec"]["containers"]
        ],
    }


@dataclass
class Kubelets:
    """The kubelets of all nodes with an annotation."""

    core: Any
    leases: Any
    selector: Selector
    lease_s: int
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    pause_s: float = 1.0
    nodes: dict[str, str] = field(default_factory=dict)
    """Uids by name."""
    _at_work: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WORKERS))
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _begun: set[tuple[str, str]] = field(default_factory=set)
    """Pods by uid, with what was done about them: each is started once and removed once."""

    def see_node(self, kind: str, node: Json) -> None:
        """Take in a change of a node: a new one gets ready."""
        name = node["metadata"]["name"]
        if kind == "DELETED" or not self.selector.matches(node):
            self.nodes.pop(name, None)
        elif name not in self.nodes:
            self.nodes[name] = node["metadata"][
                "uid"
            ]  # first, since pods are placed there as soon as it is ready
            self.attempt(f"node {name} gets ready", self._make_ready, node)

    def see_pod(self, kind: str, pod: Json) -> None:
        """Take in a change of a pod: one of ours is started, or removed."""
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            self._begun -= {(uid, "start"), (uid, "remove")}
        elif pod["spec"].get("nodeName") in self.nodes:
            leaves = "deletionTimestamp" in pod["metadata"]
            if leaves:
                self._once(uid, "remove", self._remove, pod)
            elif pod["status"].get("phase") == "Pending":
                self._once(uid, "start", self._start, pod)

    def renew(self) -> None:
        """Tell of every node that it is there."""
        for name in sorted(self.nodes.copy()):
            self.attempt(f"lease of {name}", self._renew, name)

    def attempt(self, what: str, work: Callable[[Any], None], thing: Any) -> None:
        """Do it, five times at most; what fails for good is logged, and the rest goes on."""
        trying = Retrying(
            retry=retry_if_exception_type(TROUBLE),
            stop=stop_after_attempt(5),
            wait=wait_fixed(self.pause_s),
            before_sleep=before_sleep_log(log, logging.INFO),
            reraise=True,
        )
        try:
            trying(unless_gone, work, thing)
        except Exception:
            log.exception(what)

    def _once(self, uid: str, verb: str, work: Callable[[Any], None], pod: Json) -> None:
        if (uid, verb) not in self._begun:
            self._begun.add((uid, verb))
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            self._at_work.submit(self.attempt, f"pod {name}: {verb}", work, pod)

    def _make_ready(self, node: Json) -> None:
        self._renew(node["metadata"]["name"])
        self.core.patch_node_status(node["metadata"]["name"], {"status": ready_node(now())})
        log.info("node %s is ready", node["metadata"]["name"])

    def _start(self, pod: Json) -> None:
        hosts = self.network.num_addresses - 2
        address = self.network[1 + next(self._numbers) % hosts]
        status = running_pod(pod, str(address), now())
        self.core.patch_namespaced_pod_status(
            pod["metadata"]["name"], pod["metadata"]["namespace"], {"status": status}, _preload_content=False
        )

    def _remove(self, pod: Json) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        self.core.delete_namespaced_pod(
            pod["metadata"]["name"], pod["metadata"]["namespace"], body=options, _preload_content=False
        )

    def _renew(self, node: str) -> None:
        spec = {"holderIdentity": node, "leaseDurationSeconds": self.lease_s, "renewTime": now()}
        try:
            self.leases.patch_namespaced_lease(node, LEASES, {"spec": spec})
        except client.ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": self.nodes[node]}
            metadata = {"name": node, "ownerReferences": [owner]}  # it goes with its node
            self.leases.create_namespaced_lease(LEASES, {"metadata": metadata, "spec": spec})


def unless_gone(work: Callable[[Any], None], thing: Any) -> None:
    """Do it; that it is not there any more is well."""
    try:
        work(thing)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def follow(listing: Callable[..., Any], see: Callable[[str, Json], None], **selectors: str) -> None:
    """Hear of every change, for ever; a connection that ends is made anew."""
    while True:
        try:
            for change in watch.Watch(return_type="object").stream(listing, **selectors):
                see(change["type"], change["object"])
        except TROUBLE as error:
            log.info("asks again: %s", error)
            time.sleep(1)


def play(kubelets: Kubelets) -> None:
    """Play them until the process is ended."""
    core = kubelets.core
    nodes = json.loads(core.list_node(_preload_content=False).data)["items"]
    for node in nodes:  # before any pod: one that is on a node of nobody's is left alone
        kubelets.see_node("ADDED", node)
    threading.Thread(target=follow, args=(core.list_node, kubelets.see_node), daemon=True).start()
    placed = {"field_selector": "spec.nodeName!="}
    threading.Thread(
        target=follow, args=(core.list_pod_for_all_namespaces, kubelets.see_pod), kwargs=placed, daemon=True
    ).start()
    while True:
        time.sleep(kubelets.lease_s / RENEWALS)
        kubelets.renew()


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="kwok", description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--manage-nodes-with-annotation-selector", type=Selector.parse, required=True)
    parser.add_argument("--node-lease-duration-seconds", type=int, default=40)
    parser.add_argument("--cidr", default="10.0.0.1/24", help="addresses of pods that nobody reaches")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    api = config.new_client_from_config(options.kubeconfig)
    play(
        Kubelets(
            client.CoreV1Api(api),
            client.CoordinationV1Api(api),
            options.manage_nodes_with_annotation_selector,
            options.node_lease_duration_seconds,
            ipaddress.ip_network(options.cidr, strict=False),
        )
    )


if __name__ == "__main__":
    main()
