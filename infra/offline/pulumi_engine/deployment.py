"""What becomes of each resource that the program registers."""

import threading
from typing import Any

from infra.offline.pulumi_engine.decisions import Goal, decide, ignoring
from infra.offline.pulumi_engine.deletion import dependents_to_replace
from infra.offline.pulumi_engine.display import Op
from infra.offline.pulumi_engine.kinds import Diff, InitError, Kind
from infra.offline.pulumi_engine.plugin import Plugin
from infra.offline.pulumi_engine.resource import PROVIDER, STACK, Resource, make_urn
from infra.offline.pulumi_engine.run import Run
from infra.offline.pulumi_engine.values import EngineError, LostError, Props


class Deployment(Run):
    """A run that follows the program."""

    def __init__(self, *arguments: Any, preview: bool) -> None:
        super().__init__(*arguments, preview=preview)
        self.olds: dict[str, Resource] = {}
        """What there was before, by name."""
        self._again: set[str] = set()
        """Deleted first: to be made anew when the program comes to them."""
        self._lock, self._defaults = threading.RLock(), threading.Lock()

    def begin(self) -> None:
        """Know what there was before."""
        self.olds = {item.urn: item for item in self.state.resources if not item.delete}

    def register(self, goal: Goal) -> Resource:
        """See to one resource. Answers it as it is then; unknown parts are left out in a preview."""
        new = goal.resource
        new.parent = new.parent or (self.root if new.type != STACK else "")
        new.urn = make_urn(self.state.name, self.project, new.parent, new.type, new.name)
        with self._lock:
            if new.urn in self.news:
                raise EngineError(f"Duplicate resource URN '{new.urn}'; try giving it a unique name")
            self.news[new.urn] = new
        if new.is_provider and goal.version:
            new.inputs = {**new.inputs, "version": goal.version}
        elif new.custom and not new.provider:
            new.provider = self._default_provider(new.type.split(":")[0], goal.version).ref
        with self.working():
            old = self._old(goal)
            kind = self.kind(new)
            if goal.import_id and (old is None or old.id != goal.import_id):
                self._import(goal, old, kind)
            else:
                self._bring_about(goal, old, kind)
        return new

    def read(self, new: Resource, version: str) -> Resource:
        """Look at a resource that is not ours."""
        new.parent = new.parent or self.root
        new.urn = make_urn(self.state.name, self.project, new.parent, new.type, new.name)
        new.external = True
        new.provider = new.provider or self._default_provider(new.type.split(":")[0], version).ref
        with self.working(), self.display.step("read", new, count=False):
            found = self.kind(new).read(new)
            if found is None:
                raise EngineError(f"resource '{new.id}' does not exist")
            _, inputs, outputs = found
            new.outputs = new.marked(outputs)
            new.inputs = inputs or new.inputs
            with self._lock:
                self.news[new.urn] = new
            self.state.put(new, self.olds.get(new.urn))
        return new

    def plugin(self, reference: str, package: str, version: str) -> Plugin:
        """The plugin that serves functions of a package."""
        provider = self.provider(reference) if reference else self._default_provider(package, version)
        return self.providers.of(provider)

    def _default_provider(self, package: str, version: str) -> Resource:
        name = f"default_{version.replace('.', '_')}" if version else "default"
        type_ = f"{PROVIDER}{package}"
        urn = make_urn(self.state.name, self.project, "", type_, name)
        with self._defaults:  # whoever comes second waits until it is there
            if urn not in self.news:
                inputs = self.providers.default_inputs(package, version)
                goal = Goal(Resource(urn, type_, custom=True, inputs=inputs, parent=""))
                self.news[urn] = goal.resource
                with self.working():
                    self._bring_about(goal, self.olds.get(urn), self.providers)
            return self.news[urn]

    def _old(self, goal: Goal) -> Resource | None:
        urn = goal.resource.urn
        for name in (urn, *goal.aliases):
            if name in self.olds and (name == urn or name not in self.news):
                old = self.olds[name]
                if name != urn:
                    self._rename(name, urn)
                return old
        return None

    def _rename(self, old: str, new: str) -> None:
        with self._lock:
            self.olds[new] = self.olds.pop(old)
            self.olds[new].urn = new
            for item in self.state.resources:
                item.rename(old, new)
            self.state.changed(*self.state.resources)

    def _bring_about(self, goal: Goal, old: Resource | None, kind: Kind) -> None:
        new, wanted = goal.resource, goal.resource.inputs
        if new.urn in self._again or old is None or old.external or old.pendingReplacement:
            new.inputs = kind.check(new, {})
            anew = new.urn in self._again
            self._create(new, kind, old, "replace" if anew else "create")
            return
        wanted = ignoring(wanted, old.inputs, new.ignoreChanges)
        new.inputs = wanted
        new.inputs = kind.check(new, old.inputs)
        diff = self._diff(old, new, kind)
        action = decide(diff, old, goal)
        if action == "same":
            self._same(new, old)
        elif action == "update":
            self._update(new, old, kind)
        else:
            if old.protect:
                raise EngineError(
                    f"unable to replace resource {old.urn!r} as it is currently marked for protection"
                )
            new.inputs = wanted
            new.inputs = kind.check(new, {})  # names that the plugin gives are to differ from those of before
            self.display.changes(new, old.inputs, new.inputs)
            self._replace(new, old, kind, first=action == "delete-first")

    def _diff(self, old: Resource, new: Resource, kind: Kind) -> Diff:
        if old.provider != new.provider and not self._same_plugin(old, new):
            return Diff(changes=True, replaces=["provider"])
        return kind.diff(old, new)

    def _same_plugin(self, old: Resource, new: Resource) -> bool:
        """Whether both have default providers: another version of the plugin is no other place."""
        before, after = self.provider(old.provider), self.provider(new.provider)
        return before.is_default_provider and after.is_default_provider

    def _same(self, new: Resource, old: Resource) -> None:
        new.id, new.outputs, new.created, new.importID = old.id, old.outputs, old.created, old.importID
        new.modified, new.rest = old.modified, old.rest
        self.display.done("same", new)
        self.state.keep(new, old)

    def _create(
        self, new: Resource, kind: Kind, old: Resource | None, op: Op, *, replaced: Resource | None = None
    ) -> None:
        """`old`: superseded. `replaced`: goes when all that needs it has changed over."""
        with self.display.step(op, new):
            if new.custom and not self.preview:
                self.state.begin(new, "creating")
            try:
                new.id, outputs = kind.create(new, preview=self.preview)
                new.outputs = new.marked(outputs)
            except InitError as error:
                self._unwell(new, error)
                self.state.put(new, old, replaced)
                raise
            except LostError:
                raise  # it may be there: who looks at what is pending finds out
            except Exception:
                self.state.end(new)
                raise
            self.state.put(new, old, replaced)

    def _update(self, new: Resource, old: Resource, kind: Kind) -> None:
        with self.display.step("update", new):
            self.display.changes(new, old.inputs, new.inputs)
            new.id, new.created, new.importID, new.rest = old.id, old.created, old.importID, old.rest
            if new.custom and not self.preview:
                self.state.begin(old, "updating")
            try:
                new.outputs = new.marked(kind.update(old, new, preview=self.preview))
            except InitError as error:
                self._unwell(new, error)
                self.state.put(new, old)
                raise
            except Exception:
                self.state.end(old)
                raise
            self.state.put(new, old)

    def _unwell(self, new: Resource, error: InitError) -> None:
        new.id = error.id or new.id
        new.inputs = new.inputs if error.inputs is None else error.inputs
        new.outputs, new.initErrors = new.marked(error.outputs), error.reasons

    def _replace(self, new: Resource, old: Resource, kind: Kind, *, first: bool) -> None:
        if not first:
            self._create(new, kind, None, "replace", replaced=old)
            return
        with self._lock:
            doomed = dependents_to_replace(old, list(self.olds.values()), self._must_go)
            doomed = [item for item in doomed if item.urn not in self.news and item.urn not in self._again]
            self._again |= {item.urn for item in doomed}
        self.delete([old, *doomed], "delete-replaced")
        self._create(new, kind, None, "replace")

    def _must_go(self, dependent: Resource, unknown: Props) -> bool:
        """Whether a resource is replaced when some of its inputs change to nobody knows what."""
        candidate = Resource(**{**vars(dependent), "inputs": {**dependent.inputs, **unknown}})
        return bool(self.kind(dependent).diff(dependent, candidate).replaces)

    def _import(self, goal: Goal, old: Resource | None, kind: Kind) -> None:
        new, wanted = goal.resource, goal.resource.inputs
        if old is not None:
            raise EngineError(f"{new.urn}: a resource that is there is not replaced by an import")
        with self.display.step("import", new):
            new.inputs, new.id = {}, goal.import_id
            found = kind.read(new)
            if found is None:
                raise EngineError(f"resource '{goal.import_id}' does not exist")
            new.id, inputs, outputs = found
            before = Resource(**{**vars(new), "inputs": inputs or {}, "outputs": outputs})
            new.inputs = wanted
            new.inputs = kind.check(new, before.inputs)
            if kind.diff(before, new).changes:
                self.display.changes(new, before.inputs, new.inputs)
                raise EngineError("inputs to import do not match the existing resource")
            new.outputs, new.importID = new.marked(outputs), goal.import_id
            self.state.put(new)

    def finish(self) -> None:
        """Remove what the program no longer has, and what was replaced."""
        self.delete(
            [item for item in self.state.resources if item.delete or item.urn not in self.news], "delete"
        )
        self.state.save()
