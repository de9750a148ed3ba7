"""How a driver's pod ended, in plain words: pods and Kubernetes' answers in, verdicts out. No calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import PodLaunchFailedException
from airflow.providers.cncf.kubernetes.utils.container import get_container_status
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodLaunchTimeoutException
from kubernetes.client import ApiException
from kubernetes.client import models as k8s
from pydantic import TypeAdapter, ValidationError

from switchboard_spark import troubles, verdicts
from switchboard_spark.model import (
    EXIT_INFRASTRUCTURE,
    EXIT_PERMANENT,
    EXIT_USAGE,
    Ending,
    Success,
    Verdict,
    more_memory,
)

WHO = {
    "application": "The application failed",
    "infrastructure": "The infrastructure failed, not the application",
    "usage": "The task was set up wrongly",
}

SIGNALLED = 128
"""Exit codes above it are the number of the signal that ended a process, plus this."""

FINAL = frozenset({EXIT_USAGE, EXIT_PERMANENT})

SEE_LOG = "the log above says what it did last"
ASK_AGAIN = "is the Kubernetes API well? It is tried again"
WAIT = "nothing, if its limit is raised soon: it is tried again; else log in to the registry, or mirror it"
QUOTED = 2
"""Most events that a failure ends with, the last ones."""

_ENDING: TypeAdapter[Ending] = TypeAdapter(Ending)


@dataclass(frozen=True)
class Failure:
    """What went wrong, and whether another try would end the same way."""

    verdict: Verdict
    final: bool = False

    def __str__(self) -> str:
        return f"{WHO[self.verdict.kind]}: {self.verdict.reason}\nRemedy: {self.verdict.remedy}"


def failure(kind: Any, reason: str, remedy: str, *, final: bool = False) -> Failure:
    """A failure in words. `kind` is one of Verdict's."""
    return Failure(Verdict(kind=kind, reason=reason, remedy=remedy), final=final)


def terminated(pod: k8s.V1Pod | None, container: str) -> k8s.V1ContainerStateTerminated | None:
    """How a container of a pod ended; None where it has not."""
    status = get_container_status(pod, container)
    return status.state.terminated if status and status.state else None


def ending(pod: k8s.V1Pod | None, container: str) -> Success | Verdict | None:
    """What a driver said at its end; None where it could not say anything."""
    end = terminated(pod, container)
    if end is None or not end.message:
        return None
    try:
        return _ENDING.validate_json(end.message)
    except ValidationError:
        return None


def driver_failure(pod: k8s.V1Pod, container: str, larger_size: str | None) -> Failure | None:
    """Why a driver ended badly; None where it ended well or has not ended, as far as anybody knows."""
    said, end = ending(pod, container), terminated(pod, container)
    if end and isinstance(said, Verdict):
        return Failure(said, final=end.exit_code in FINAL)
    if pod.status and pod.status.reason:  # Evicted, Preempting, NodeShutdown, OutOfcpu, ...
        return failure(
            "infrastructure",
            f"the cluster took the driver's pod away: {pod.status.reason} {pod.status.message or ''}".strip(),
            "nothing, if it is tried again; if it happens often, look at the node's memory and disk",
        )
    if end is None or end.exit_code == 0:
        return None
    if end.reason == "OOMKilled":
        remedy = more_memory(larger_size, "a driver", verdicts.LESS_TO_DRIVER)
        return failure("application", "the driver was OOMKilled: its size's memory is used up", remedy)
    return _silent(int(end.exit_code), end.message or "")


def _silent(code: int, message: str) -> Failure:
    """A driver that gave no verdict that can be read."""
    if code in FINAL:
        return failure("usage", f"exit code {code}. {message}".strip(), SEE_LOG, final=True)
    if code == EXIT_INFRASTRUCTURE:
        return failure("infrastructure", f"exit code {code}. {message}".strip(), SEE_LOG)
    if code > SIGNALLED:
        return failure("infrastructure", f"the driver was killed by signal {code - SIGNALLED}", SEE_LOG)
    return failure("application", f"the driver ended with exit code {code}. {message}".strip(), SEE_LOG)


def lost_driver(cause: BaseException, events: Sequence[str]) -> Failure:
    """A driver that has not ended, as far as anybody knows: it never ran, or its pod is gone."""
    if is_gone(cause):
        reason = "the driver's pod is gone: somebody removed it, or its node was lost"
        return failure("infrastructure", reason, "nothing, if it is tried again")
    if isinstance(cause, ApiException):
        return failure("infrastructure", _message(cause), ASK_AGAIN)
    if isinstance(cause, PodLaunchFailedException | PodLaunchTimeoutException):
        return launch_failure(str(cause), events)
    return failure("infrastructure", f"the driver's pod could not be followed: {cause}", SEE_LOG)


def is_gone(cause: BaseException) -> bool:
    """Whether a driver could not be followed because its pod is gone."""
    return isinstance(cause, ApiException) and cause.status == 404


def launch_failure(message: str, events: Sequence[str]) -> Failure:
    """A driver's pod that never ran: Kubernetes' own words, and its last events.

    Events tell what a pull waits for; that there is no image, only the pull's own words.
    """
    kinds = [troubles.kind_of_pull(message), *map(_kind_of_event, events)]
    telling = [event for event, kind in zip(events, kinds[1:], strict=True) if kind != "no-image"]
    quoted = list(dict.fromkeys([*telling[-1:], *events[-QUOTED:]]))
    words = "; ".join([message.strip().replace("\n", " "), *(f"event: {event}" for event in quoted)])
    if kinds[0] == "refused":
        remedy = "is this image still in the registry? `make images` pushes one, `make dags` pins it"
        return failure("infrastructure", words, remedy, final=True)
    if "rate-limit" in kinds:
        return failure("infrastructure", f"the registry asks to wait: {words}", WAIT)
    if "denied" in kinds:
        return failure("infrastructure", words, verdicts.MAY_PULL)
    remedy = "wait for others to end (the Airflow pool should see to that), take a smaller size, or add nodes"
    return failure("infrastructure", words, remedy)


def _kind_of_event(event: str) -> troubles.TroubleKind:
    """What an event says of a pull; `no-image` for one that is about something else."""
    return troubles.kind_of_pull(event) if troubles.OF_PULLS.match(event) else "no-image"


def refusal(error: ApiException) -> Failure:
    """The Kubernetes API refused to make the driver's pod."""
    judgement = verdicts.refusal(int(error.status or 0), _message(error))
    return Failure(judgement.verdict, final=judgement.exit_code in FINAL)


def _message(error: ApiException) -> str:
    """Kubernetes' own words."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
