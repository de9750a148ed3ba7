"""When an object is ready: pure functions of the live object, and for a few kinds of what it points at.

The rules are those of `kubectl rollout status` and of the real plugin's "await logic".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from infra.offline.kubernetes_provider.objects import Obj, Ref, annotation, dig

SKIP = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"


@dataclass(frozen=True)
class Verdict:
    """Whether an object is ready, and what is missing if not. `failed`: waiting will not help."""

    state: Literal["ready", "waiting", "failed"]
    why: str = ""


class Reader(Protocol):
    """What the rules look up beside the object itself."""

    def get(self, ref: Ref) -> Obj | None: ...
    def items(self, like: Ref, *, labels: str = "", fields: str = "") -> list[Obj]: ...


READY = Verdict("ready")


def assess(obj: Obj, cluster: Reader) -> Verdict:
    """Judge one live object; kinds without a rule are ready when they are there."""
    rule = _RULES.get((obj["apiVersion"].rpartition("/")[0], obj["kind"]))
    if rule is None or annotation(obj, SKIP) == "true":
        return READY
    if (
        dig(obj, "status.observedGeneration", 0) < dig(obj, "metadata.generation", 0)
        and obj["kind"] in _OBSERVED
    ):
        return Verdict("waiting", "its controller has not seen the change yet")
    return rule(obj, cluster)


def condition(obj: Obj, kind: str) -> Obj:
    """One of the status's conditions, or an empty one."""
    return next((it for it in dig(obj, "status.conditions", []) if it.get("type") == kind), {})


def _until(*, done: bool, why: str) -> Verdict:
    return READY if done else Verdict("waiting", why)


def _deployment(obj: Obj, _: Reader) -> Verdict:
    progress = condition(obj, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Verdict("failed", f'ProgressDeadlineExceeded "{progress.get("message", "")}"')
    wanted = dig(obj, "spec.replicas", 1)
    total, updated, available = (
        dig(obj, f"status.{key}", 0) for key in ("replicas", "updatedReplicas", "availableReplicas")
    )
    done = updated >= wanted and total <= updated and available >= updated
    return _until(
        done=done, why=f"{available} of {wanted} replicas available, {updated} up to date, {total} in all"
    )


def _stateful_set(obj: Obj, _: Reader) -> Verdict:
    wanted, ready = dig(obj, "spec.replicas", 1), dig(obj, "status.readyReplicas", 0)
    updated = wanted
    if dig(obj, "spec.updateStrategy.type", "RollingUpdate") == "RollingUpdate":
        updated = max(0, wanted - dig(obj, "spec.updateStrategy.rollingUpdate.partition", 0))
    current = dig(obj, "status.updatedReplicas", 0)
    rolled = dig(obj, "spec.updateStrategy.type") == "OnDelete" or current >= updated
    return _until(
        done=ready >= wanted and rolled, why=f"{ready} of {wanted} replicas ready, {current} up to date"
    )


def _daemon_set(obj: Obj, _: Reader) -> Verdict:
    wanted, updated, available = (
        dig(obj, f"status.{key}", 0)
        for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    rolled = updated >= wanted or dig(obj, "spec.updateStrategy.type") == "OnDelete"
    return _until(
        done=rolled and available >= wanted,
        why=f"{available} of {wanted} pods available, {updated} up to date",
    )


def _job(obj: Obj, _: Reader) -> Verdict:
    failed = condition(obj, "Failed")
    if failed.get("status") == "True":
        return Verdict("failed", f'{failed.get("reason", "Failed")} "{failed.get("message", "")}"')
    if condition(obj, "Complete").get("status") == "True" or dig(obj, "spec.suspend"):
        return READY
    counts = ", ".join(f"{dig(obj, f'status.{key}', 0)} {key}" for key in ("active", "succeeded", "failed"))
    return Verdict("waiting", f"not complete: {counts}")


def _pod(obj: Obj, _: Reader) -> Verdict:
    phase = dig(obj, "status.phase", "Pending")
    if phase == "Failed":
        return Verdict("failed", f'{dig(obj, "status.reason", "Failed")} "{dig(obj, "status.message", "")}"')
    ready = condition(obj, "Ready")
    return _until(
        done=phase == "Succeeded" or ready.get("status") == "True", why=f"{phase}, {ready.get('reason', '')}"
    )


def _claim(obj: Obj, cluster: Reader) -> Verdict:
    phase = dig(obj, "status.phase", "Pending")
    if phase == "Lost":
        return Verdict("failed", "its volume is lost")
    name = dig(obj, "spec.storageClassName")
    kind = (
        cluster.get(Ref("storage.k8s.io/v1", "StorageClass", name)) if name and phase == "Pending" else None
    )
    if kind and kind.get("volumeBindingMode") == "WaitForFirstConsumer":
        return READY
    return _until(done=phase == "Bound", why=f"{phase}, storage class {name!r}")


def _service(obj: Obj, cluster: Reader) -> Verdict:
    spec = obj.get("spec", {})
    if spec.get("type") == "LoadBalancer" and not dig(obj, "status.loadBalancer.ingress"):
        return Verdict("waiting", "no load balancer address yet")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return READY
    place = Ref("discovery.k8s.io/v1", "EndpointSlice", "", dig(obj, "metadata.namespace", ""))
    slices = cluster.items(place, labels=f"kubernetes.io/service-name={obj['metadata']['name']}")
    points = [point for it in slices for point in it.get("endpoints") or []]
    ready = sum(1 for point in points if dig(point, "conditions.ready", default=True))
    return _until(done=ready > 0, why=f"no pod that it selects is ready ({len(points)} found)")


def _definition(obj: Obj, _: Reader) -> Verdict:
    established = condition(obj, "Established")
    refused = condition(obj, "NamesAccepted")
    if refused.get("status") == "False":
        return Verdict("failed", f'{refused.get("reason", "")} "{refused.get("message", "")}"')
    return _until(done=established.get("status") == "True", why="not established yet")


_OBSERVED = {"Deployment", "StatefulSet", "DaemonSet"}
_RULES: dict[tuple[str, str], Callable[[Obj, Reader], Verdict]] = {
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
}
