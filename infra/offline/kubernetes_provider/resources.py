"""What the provider does with one resource: the verbs of Pulumi's engine, in terms of Kubernetes objects."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.offline.kubernetes_provider.checks import Asked, Problem, check
from infra.offline.kubernetes_provider.cluster import ApiError, Cluster, UnknownKindError, UnreachableError
from infra.offline.kubernetes_provider.diff import Change, compare, live_inputs
from infra.offline.kubernetes_provider.kubeconfig import Access
from infra.offline.kubernetes_provider.objects import (
    Obj,
    Ref,
    hide,
    imported_inputs,
    is_built_in,
    is_cluster_scoped,
    kind_of_type,
    outputs,
    previewed,
    to_apply,
)
from infra.offline.kubernetes_provider.settings import Settings
from infra.offline.kubernetes_provider.waiting import NotReadyError, Waiter

IMPORTED = "__imported"
"""In the state of an object that was imported and not yet updated: its fields are not all ours."""

Say = Callable[[str], None]


class AlreadyThereError(Exception):
    """An object of this name exists, and the program did not say that it may be taken over."""


@dataclass(frozen=True)
class Found:
    """An object as the state keeps it. `unready`: it is there, but something is wrong with it."""

    id: str
    outputs: Obj
    inputs: Obj
    unready: list[str] = field(default_factory=list)


class Resources:
    """The verbs. Safe to use from many threads; nothing talks to the cluster before it must."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._settings = settings
        self.namespace = settings.namespace or access.namespace
        self._cluster = Cluster(access)
        self._stopped = threading.Event()
        self._waiter = Waiter(self._cluster, self._stopped)

    def stop(self) -> None:
        """End all waiting."""
        self._stopped.set()

    def check(self, urn: str, token: str, inputs: Obj, old: Obj, seed: bytes) -> tuple[Obj, list[Problem]]:
        """Inputs with defaults, and what is wrong with them."""
        api_version, kind = kind_of_type(token)
        inputs = {"apiVersion": api_version, "kind": kind, **inputs}
        namespace = self.namespace if self._namespaced(inputs["apiVersion"], inputs["kind"]) else None
        checked, problems = check(Asked(urn, token, inputs, old, seed, namespace))
        return hide(checked), problems

    def _namespaced(self, api_version: str, kind: str) -> bool:
        if is_built_in(api_version):
            return not is_cluster_scoped(api_version, kind)
        try:
            return self._cluster.served(api_version, kind).namespaced
        except (UnknownKindError, UnreachableError, ApiError):
            return (
                True  # its definition may come with this very update; `apply` takes the namespace off again
            )

    def compare(self, old_inputs: Obj, old_outputs: Obj, inputs: Obj) -> list[Change]:
        """What an update would change."""
        imported = bool(old_outputs.get(IMPORTED))
        return compare(
            old_outputs if imported else old_inputs or old_outputs,
            inputs,
            config_maps_mutable=self._settings.config_maps_mutable,
            secrets_mutable=self._settings.secrets_mutable,
            imported=imported,
        )

    def create(self, inputs: Obj, timeout_s: float, say: Say) -> Found:
        """As `update`, of what is not there yet. Raises AlreadyThereError, and what `update` raises."""
        ref = Ref.of(inputs)
        if not self._settings.upsert and self._exists(ref):
            raise AlreadyThereError(
                f"{ref} exists already: import it (ResourceOptions(import_={ref.id!r})), delete it, or let "
                "the provider take objects over (upsert_existing_objects=True)"
            )
        return self.update(inputs, timeout_s, say)

    def _exists(self, ref: Ref) -> bool:
        self._cluster.served(ref.api_version, ref.kind, wait_s=10)
        return self._cluster.get(ref) is not None

    def update(self, inputs: Obj, timeout_s: float, say: Say) -> Found:
        """Apply, and wait until ready. Raises ApiError, UnreachableError, UnknownKindError."""
        live = self._cluster.apply(to_apply(inputs))
        unready: list[str] = []
        try:
            live = self._waiter.until_ready(live, timeout_s, say)
        except NotReadyError as error:
            live, unready = error.obj, error.reasons
        except (ApiError, UnreachableError) as error:  # it is there: it must not be forgotten
            unready = [f"{Ref.of(live)} was applied, but what became of it is not known: {error}"]
        return Found(Ref.of(live).id, outputs(live, inputs), hide(inputs), unready)

    def preview(self, inputs: Obj, old_outputs: Obj | None) -> Obj:
        """The outputs to expect, without a word to the cluster."""
        return hide(previewed(inputs, old_outputs))

    def read(self, token: str, identity: str, inputs: Obj, before: Obj) -> Found | None:
        """The object as it is now, and inputs that show what drifted; None if it is gone.

        Without inputs (an import) they are what a program would have to say. Raises ApiError,
        UnreachableError.
        """
        try:
            live = self._cluster.get(self._ref(token, identity, inputs))
        except UnknownKindError:
            return None
        except UnreachableError:
            if self._settings.delete_unreachable and before:
                return None
            raise
        if live is None:
            return None
        error = self._waiter.unready_now(live)
        kept = outputs(live, inputs)
        if not before or before.get(IMPORTED):
            kept[IMPORTED] = True
        now = live_inputs(inputs, before, live) if inputs else imported_inputs(live)
        return Found(Ref.of(live).id, kept, hide(now), error.reasons if error else [])

    def _ref(self, token: str, identity: str, known: Obj) -> Ref:
        """By the inputs' version and kind where there are any: a type's name need not be the API's."""
        api_version, kind = kind_of_type(token)
        api_version, kind = known.get("apiVersion", api_version), known.get("kind", kind)
        return Ref.parse(api_version, kind, identity, self.namespace)

    def delete(self, token: str, identity: str, known: Obj, timeout_s: float, say: Say) -> None:
        """Delete, and wait until it is gone. Raises ApiError, UnreachableError, TimeoutError."""
        ref = self._ref(token, identity, known)
        try:
            live = self._cluster.get(ref)
            if live is not None:
                self._cluster.delete(ref)
                self._waiter.until_gone(live, timeout_s, say)
        except UnknownKindError:
            return
        except UnreachableError as error:
            if not self._settings.delete_unreachable:
                raise
            say(f"{ref} is taken as gone: {error}")
