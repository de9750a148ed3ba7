"""What can be done with a resource, whoever does it."""

from dataclasses import dataclass, field
from typing import Protocol

from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import Props

Found = tuple[str, Props | None, Props]
"""A resource that is there: its id, its inputs where they are told, its outputs."""


class InitError(Exception):
    """A resource is there but not well: it is kept, and tried again the next time."""

    def __init__(self, identity: str, inputs: Props | None, outputs: Props, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.id, self.inputs, self.outputs, self.reasons = identity, inputs, outputs, reasons


@dataclass(frozen=True)
class Diff:
    """What an update would change; in `paths` where that is known."""

    changes: bool
    replaces: list[str] = field(default_factory=list)
    delete_first: bool = False
    paths: list[str] = field(default_factory=list)


class Kind(Protocol):
    """Raises EngineError for what goes wrong; `create`, `update` and `read` also InitError."""

    def check(self, new: Resource, olds: Props) -> Props:
        """The inputs with all defaults. `olds`: those of before, for names that are to stay."""

    def diff(self, old: Resource, new: Resource) -> Diff:
        """What an update would change."""

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Props]:
        """Id and outputs; what a preview cannot know is left out."""

    def update(self, old: Resource, new: Resource, *, preview: bool) -> Props:
        """The outputs."""

    def read(self, resource: Resource) -> Found | None:
        """As it is now; None if it is gone."""

    def delete(self, old: Resource) -> None:
        """Remove it."""


class Held:
    """Resources that are nowhere but in the state: components, and providers as far as they are alike."""

    def check(self, new: Resource, olds: Props) -> Props:  # noqa: ARG002
        return new.inputs

    def diff(self, old: Resource, new: Resource) -> Diff:
        return Diff(old.inputs != new.inputs)

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Props]:  # noqa: ARG002
        return "", new.inputs

    def update(self, old: Resource, new: Resource, *, preview: bool) -> Props:  # noqa: ARG002
        return new.inputs

    def read(self, resource: Resource) -> Found | None:
        return resource.id, resource.inputs, resource.outputs

    def delete(self, old: Resource) -> None:
        pass
