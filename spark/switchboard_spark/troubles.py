"""Why a pod does not start: pods, events and Kubernetes' words in, troubles out. No calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

Object = dict[str, Any]

TroubleKind = Literal[
    "unschedulable", "refused", "denied", "rate-limit", "no-image", "no-container", "not-created"
]

RATE_LIMIT = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)
DENIED = re.compile(
    r"denied|unauthorized|forbidden|no basic auth|authentication required|authorization failed|\b40[13]\b",
    re.IGNORECASE,
)
"""In the words of a registry that does not let a node in. It can be so for a moment: a fresh node has no
credentials yet, or they ran out. Who is not let in is told that there is no such image, too.
"""

REFUSED = re.compile(
    r"InvalidImageName|ErrImageNeverPull|not found|manifest unknown|name unknown|does not exist"
    r"|no match for platform|invalid reference format",
    re.IGNORECASE,
)
"""In the words of a pull that will be refused the next time too, and not of a registry that is away."""

NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
NO_CONTAINER = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")

OF_PULLS = re.compile(r"(?:Failed|BackOff|InspectFailed|ErrImageNeverPull)\b")
"""The reasons of events that can be about an image. Others have words like `not found`, too."""


class Trouble(NamedTuple):
    """Why a pod does not start."""

    kind: TroubleKind
    message: str


def trouble_of(pod: Object, events: Sequence[Object] = ()) -> Trouble | None:
    """Why a pod does not start. Its events say more than the state of a pull that failed some time ago."""
    for condition in pod["status"].get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Trouble("unschedulable", condition.get("message") or condition.get("reason", ""))
    for container in containers(pod):
        waiting = container.get("state", {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        said = f"{reason}: {waiting.get('message', '')}"
        if reason in NO_IMAGE:
            return _pull([said, *(each for each in warnings(events) if OF_PULLS.match(each))])
        if reason in NO_CONTAINER:
            return Trouble("no-container", said)
    return None


def kind_of_pull(said: str) -> TroubleKind:
    """What words about an image that was not pulled mean."""
    found: tuple[tuple[TroubleKind, re.Pattern[str]], ...] = (
        ("rate-limit", RATE_LIMIT),
        ("denied", DENIED),
        ("refused", REFUSED),
    )
    return next((kind for kind, pattern in found if pattern.search(said)), "no-image")


def _pull(said: Sequence[str]) -> Trouble:
    """What to think of an image that was not pulled: the most telling of what was said of it."""
    kinds: tuple[TroubleKind, ...] = ("refused", "rate-limit", "denied")
    for kind in kinds:
        for each in reversed(said):
            if kind_of_pull(each) == kind:
                return Trouble(kind, each)
    return Trouble("no-image", said[-1])


def is_scheduled(pod: Object) -> bool:
    """Whether it has a node."""
    return is_true(pod, "PodScheduled")


def is_true(pod: Object, condition: str) -> bool:
    """Whether a pod has a condition, and that is true."""
    conditions = pod["status"].get("conditions") or []
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def containers(pod: Object) -> list[Object]:
    """The states of a pod's containers, none before it has a node."""
    return pod["status"].get("containerStatuses") or []


def not_created(events: Sequence[Object], waited_s: float) -> Trouble | None:
    """What keeps a pod's container from being made on its node; None where its image is being pulled.

    `events`: all of the pod's, oldest first.
    """
    if events and events[-1].get("reason") == "Pulling":
        return None
    last = (warnings(events) or ["it has no event that says why"])[-1]
    return Trouble("not-created", f"it has had a node for {waited_s:.0f} s, but no container: {last}")


def warnings(events: Sequence[Object]) -> list[str]:
    """What events say that speak of trouble."""
    return [
        f"{each.get('reason')}: {each.get('message')}" for each in events if each.get("type") == "Warning"
    ]
