"""Why something is not ready, in the cluster's words: conditions, events, container states, log lines."""

from collections.abc import Iterator
from typing import Any

from infra.offline.kubernetes_provider.cluster import ApiError, Cluster, UnknownKindError, UnreachableError
from infra.offline.kubernetes_provider.objects import Obj, Ref, dig

LOG_LINES = 20
"""Enough for a stack trace's end, short enough for a screen."""
_PODS, _EVENTS = 3, 3
_OWN_BADNESS = {"ReplicaFailure", "FailureTarget", "NamesAccepted", "PodScheduled"}


def explain(cluster: Cluster, obj: Obj) -> list[str]:
    """What the cluster says about an object and up to three of its unhealthy pods. Never raises."""
    try:
        found = [*_conditions(obj), *_events(cluster, obj)]
        pods = (
            [obj]
            if obj["kind"] == "Pod"
            else [pod for pod in _pods(cluster, obj) if not _healthy(pod)][:_PODS]
        )
        for pod in pods:
            found += _pod(cluster, pod, own=obj["kind"] == "Pod")
    except (ApiError, UnreachableError, UnknownKindError) as error:
        return [f"(no reason to be had: {error})"]
    return found


def _conditions(obj: Obj) -> Iterator[str]:
    for it in dig(obj, "status.conditions", []):
        bad = "False" if it["type"] in {"NamesAccepted", "PodScheduled"} else "True"
        if it["type"] in _OWN_BADNESS and it.get("status") == bad:
            yield f'{it["type"]}: {it.get("reason", "")} "{it.get("message", "")}"'


def _events(cluster: Cluster, obj: Obj) -> list[str]:
    metadata = obj["metadata"]
    place = Ref("v1", "Event", "", metadata.get("namespace") or "default")
    found = cluster.items(place, fields=f"involvedObject.uid={metadata['uid']},type!=Normal")
    found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    told = {
        f'event of {Ref.of(obj)}: {it.get("reason", "")} "{it.get("message", "").strip()}"': None
        for it in found
    }
    return list(told)[-_EVENTS:]


def _pods(cluster: Cluster, obj: Obj) -> list[Obj]:
    selector = dig(obj, "spec.selector")
    if not isinstance(selector, dict):
        return []
    place = Ref("v1", "Pod", "", dig(obj, "metadata.namespace", ""))
    return cluster.items(
        place, labels=label_selector(selector if obj["kind"] != "Service" else {"matchLabels": selector})
    )


def label_selector(selector: dict[str, Any]) -> str:
    """A selector object as the text that the API's queries take."""
    parts = [f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()]
    for it in selector.get("matchExpressions", []):
        values = f"({','.join(it.get('values', []))})"
        forms = {
            "In": f"{it['key']} in {values}",
            "NotIn": f"{it['key']} notin {values}",
            "Exists": it["key"],
        }
        parts.append(forms.get(it["operator"], f"!{it['key']}"))
    return ",".join(parts)


def _containers(pod: Obj) -> list[Obj]:
    return [*dig(pod, "status.initContainerStatuses", []), *dig(pod, "status.containerStatuses", [])]


def _healthy(pod: Obj) -> bool:
    phase, statuses = dig(pod, "status.phase"), dig(pod, "status.containerStatuses", [])
    running = phase == "Running" and all(it.get("ready") and not _crashed(it) for it in statuses)
    return phase == "Succeeded" or running


def _crashed(status: Obj) -> bool:
    """Whether a container crashed before, also where it runs again, and without a probe counts as ready."""
    return bool(status.get("restartCount") and dig(status, "lastState.terminated.exitCode"))


def _pod(cluster: Cluster, pod: Obj, *, own: bool) -> Iterator[str]:
    ref = Ref("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
    for status in _containers(pod):
        state = {**(dig(status, "lastState", {}) if _crashed(status) else {}), **dig(status, "state", {})}
        trouble = state.get("waiting") or state.get("terminated") or {}
        if trouble.get("reason") not in {None, "Completed", "ContainerCreating", "PodInitializing"}:
            code = f", exit code {trouble['exitCode']}" if "exitCode" in trouble else ""
            words = f' "{trouble["message"]}"' if trouble.get("message") else ""
            yield f"{ref}, container {status['name']}: {trouble['reason']}{code}{words}"
    if not own:
        yield from (f"{ref}: {line}" for line in _conditions(pod))
        yield from _events(cluster, {**pod, "kind": "Pod", "apiVersion": "v1"})
    for status in _containers(pod):
        if (status.get("ready") and not _crashed(status)) or dig(status, "state.terminated.exitCode") == 0:
            continue
        before = status.get("restartCount", 0) > 0 and "terminated" not in status.get("state", {})
        log = cluster.log_tail(ref, status["name"], LOG_LINES, previous=before)
        if log:
            yield f"last lines of {ref}, container {status['name']}:\n" + log
