"""Wait until an object is ready, or gone, and say meanwhile what is waited for."""

import threading
import time
from collections.abc import Callable, Iterator

from infra.offline.kubernetes_provider.cluster import Cluster, UnknownKindError
from infra.offline.kubernetes_provider.objects import Obj, Ref, annotation, dig
from infra.offline.kubernetes_provider.readiness import TIMEOUT, assess
from infra.offline.kubernetes_provider.reasons import explain

DEFAULT_TIMEOUT_S = 600.0
"""The real plugin's, for most kinds."""
_PAUSES_S = (0.1, 0.2, 0.3, 0.5, 0.8)
"""Between looks: short at first, since most objects are ready at once, then the last one again and again."""


class NotReadyError(Exception):
    """The object is there, and is not ready. Has the object as it was last seen, and the reasons."""

    def __init__(self, obj: Obj, reasons: list[str]) -> None:
        self.obj, self.reasons = obj, reasons
        super().__init__("; ".join(reasons))


class Waiter:
    """Waits on one cluster. `stopped` ends all waiting (the user cancelled the update)."""

    def __init__(self, cluster: Cluster, stopped: threading.Event) -> None:
        self._cluster, self._stopped = cluster, stopped

    def until_ready(self, obj: Obj, timeout_s: float, say: Callable[[str], None]) -> Obj:
        """Give the object when it is ready. Raises NotReadyError if it failed, or took too long."""
        limit_s = timeout_s or float(annotation(obj, TIMEOUT) or DEFAULT_TIMEOUT_S)
        deadline, ref, said = time.monotonic() + limit_s, Ref.of(obj), ""
        for pause_s in _pauses():
            verdict = assess(obj, self._cluster)
            if verdict.state == "ready":
                return obj
            if verdict.state == "failed":
                raise self._not_ready(obj, f"{ref} failed: {verdict.why}")
            if time.monotonic() + pause_s > deadline:
                raise self._not_ready(obj, f"{ref} was not ready after {limit_s:g} s: {verdict.why}")
            if verdict.why != said:
                said = verdict.why
                say(f"Waiting for {ref}: {said}")
            if self._stopped.wait(pause_s):
                raise NotReadyError(obj, [f"{ref} is not ready: cancelled while waiting ({verdict.why})"])
            live = self._cluster.get(ref)
            if live is None:
                raise NotReadyError(obj, [f"{ref} was deleted by somebody else while it was waited for"])
            obj = live
        raise AssertionError("the pauses have no end")

    def unready_now(self, obj: Obj) -> NotReadyError | None:
        """What a look without waiting finds wrong."""
        verdict = assess(obj, self._cluster)
        return (
            None
            if verdict.state == "ready"
            else self._not_ready(obj, f"{Ref.of(obj)} is not ready: {verdict.why}")
        )

    def until_gone(self, obj: Obj, timeout_s: float, say: Callable[[str], None]) -> None:
        """Return when the object is gone, or another has its name. Raises TimeoutError with what holds it."""
        deadline = time.monotonic() + (timeout_s or DEFAULT_TIMEOUT_S)
        ref, said = Ref.of(obj), ""
        for pause_s in _pauses():
            live = self._get(ref)
            if live is None or live["metadata"]["uid"] != obj["metadata"]["uid"]:
                return
            holding = _what_holds(live)
            if time.monotonic() + pause_s > deadline:
                raise TimeoutError(
                    f"{ref} is still there after {timeout_s or DEFAULT_TIMEOUT_S:g} s: {holding}"
                )
            if pause_s == _PAUSES_S[-1] and holding != said:
                said = holding
                say(f"Waiting for {ref} to go: {holding}")
            if self._stopped.wait(pause_s):
                raise TimeoutError(f"{ref}: cancelled while waiting for it to go ({holding})")

    def _get(self, ref: Ref) -> Obj | None:
        try:
            return self._cluster.get(ref)
        except UnknownKindError:  # its definition is gone, and all objects with it
            return None

    def _not_ready(self, obj: Obj, headline: str) -> NotReadyError:
        return NotReadyError(obj, [headline, *explain(self._cluster, obj)])


def _pauses() -> Iterator[float]:
    yield from _PAUSES_S
    while True:
        yield _PAUSES_S[-1]


def _what_holds(live: Obj) -> str:
    trouble = [
        it.get("message", "")
        for it in dig(live, "status.conditions", [])
        if it.get("status") == "True"
        and ("Remaining" in it.get("type", "") or "Failure" in it.get("type", ""))
    ]
    finalizers = [*dig(live, "metadata.finalizers", []), *dig(live, "spec.finalizers", [])]
    return "; ".join(trouble) or f"finalizers {', '.join(map(str, finalizers)) or 'none'}"
