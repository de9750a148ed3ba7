"""What a run has to hand: the state, the plugins, the screen; and what all commands do with them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.offline.pulumi_engine.backend import State
from infra.offline.pulumi_engine.deletion import delete_all
from infra.offline.pulumi_engine.display import Display, Op
from infra.offline.pulumi_engine.kinds import Held, Kind
from infra.offline.pulumi_engine.providers import Providers
from infra.offline.pulumi_engine.resource import STACK, Resource, make_urn
from infra.offline.pulumi_engine.values import EngineError, StoppedError


class Run:
    """Its methods are called by many threads at once, one for each resource."""

    def __init__(
        self, project: str, state: State, providers: Providers, display: Display, *, preview: bool
    ) -> None:
        self.project, self.state, self.providers, self.display = project, state, providers, display
        self.preview = preview
        self.failed = False
        self.stopped = threading.Event()
        self.news: dict[str, Resource] = {}
        """What the program has registered, by name."""
        self.root = display.root = make_urn(state.name, project, "", STACK, f"{project}-{state.name}")
        self._active, self._idle = 0, threading.Condition()

    @contextmanager
    def working(self) -> Iterator[None]:
        """One step more is under way, unless nothing is to begin any more."""
        with self._idle:
            if self.stopped.is_set():
                raise StoppedError
            self._active += 1
        try:
            yield
        finally:
            with self._idle:
                self._active -= 1
                self._idle.notify_all()

    def wait_until_idle(self) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._active == 0)

    def fail(self, urn: str, error: str) -> None:
        """Say what went wrong, and begin nothing more."""
        self.failed = True
        self.stopped.set()
        self.display.message(urn, error, "error")

    def kind(self, resource: Resource) -> Kind:
        """Who can do something with a resource."""
        if resource.is_provider:
            return self.providers
        return self.providers.of(self.provider(resource.provider)) if resource.custom else Held()

    def provider(self, reference: str) -> Resource:
        """The provider resource that a reference leads to."""
        for item in [*self.news.values(), *self.state.all]:
            if item.ref == reference:
                return item
        raise EngineError(f"unknown provider {reference}")

    def delete(self, doomed: list[Resource], op: Op) -> None:
        """Remove resources, each after all that need it. Raises EngineError if one of them fails."""
        for item in doomed:
            if item.protect and not item.delete:
                raise EngineError(
                    f"resource {item.urn!r} cannot be deleted because it is protected; "
                    "to unprotect it, set its option `protect` to False and run `pulumi up`"
                )
        names = {item.urn for item in doomed}

        def remove(item: Resource) -> None:
            replaced = op == "delete-replaced" or item.delete
            shown: Op = "discard" if item.external else "delete-replaced" if replaced else "delete"
            with self.working(), self.display.step(shown, item):
                if self.preview:
                    self.state.drop(item)
                    return
                spared = item.retainOnDelete or item.external or item.deletedWith in names
                if item.custom and not item.is_provider and not spared:
                    self.state.begin(item, "deleting")
                    try:
                        self.kind(item).delete(item)
                    except Exception:
                        self.state.end(item)
                        raise
                self.state.drop(item)

        delete_all(doomed, remove, lambda item, error: self.fail(item.urn, error))
