"""A resource as the state has it, and its name."""

from dataclasses import dataclass, field
from typing import Any, Self

from infra.offline.markers import UNKNOWN
from infra.offline.pulumi_engine.crypt import Crypter
from infra.offline.pulumi_engine.values import Props, plain, sealed, secret, unsealed

STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:"


@dataclass(eq=False)
class Resource:
    """Two that are equal in all are still two: one may be there to be deleted. Names are as in the JSON."""

    urn: str
    type: str
    custom: bool = False
    delete: bool = False
    id: str = ""
    inputs: Props = field(default_factory=dict)
    outputs: Props = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    external: bool = False
    dependencies: list[str] = field(default_factory=list)
    initErrors: list[str] = field(default_factory=list)  # noqa: N815
    provider: str = ""
    propertyDependencies: dict[str, list[str]] = field(default_factory=dict)  # noqa: N815
    pendingReplacement: bool = False  # noqa: N815
    additionalSecretOutputs: list[str] = field(default_factory=list)  # noqa: N815
    customTimeouts: dict[str, float] = field(default_factory=dict)  # noqa: N815
    importID: str = ""  # noqa: N815
    retainOnDelete: bool = False  # noqa: N815
    deletedWith: str = ""  # noqa: N815
    created: str = ""
    modified: str = ""
    ignoreChanges: list[str] = field(default_factory=list)  # noqa: N815
    replaceOnChanges: list[str] = field(default_factory=list)  # noqa: N815
    rest: dict[str, Any] = field(default_factory=dict)
    """Fields that only the real engine writes; they are kept."""

    @property
    def name(self) -> str:
        return name_of(self.urn)

    @property
    def ref(self) -> str:
        """How others name it as their provider."""
        return f"{self.urn}::{self.id or UNKNOWN}"

    @property
    def is_provider(self) -> bool:
        return self.type.startswith(PROVIDER)

    @property
    def is_default_provider(self) -> bool:
        """Made by the engine, not by the program: not counted, and not shown."""
        return self.is_provider and (self.name == "default" or self.name.startswith("default_"))

    def marked(self, outputs: Props) -> Props:
        """Outputs with those that the program wants to be secrets marked so."""
        named = self.additionalSecretOutputs
        return {key: secret(plain(value)) if key in named else value for key, value in outputs.items()}

    def needs(self) -> set[str]:
        """The names of all that must be there before it, and go after it."""
        of_properties = (urn for urns in self.propertyDependencies.values() for urn in urns)
        named = {self.parent, self.deletedWith, self.provider.rpartition("::")[0]}
        return {*named, *self.dependencies, *of_properties} - {""}

    def forget(self, gone: set[str]) -> None:
        """Take out what leads to resources that are no more."""
        self.dependencies = [urn for urn in self.dependencies if urn not in gone]
        self.propertyDependencies = {
            key: [urn for urn in urns if urn not in gone] for key, urns in self.propertyDependencies.items()
        }
        self.parent = "" if self.parent in gone else self.parent
        self.deletedWith = "" if self.deletedWith in gone else self.deletedWith

    def rename(self, old: str, new: str) -> None:
        """What was `old` is called `new` now."""
        self.dependencies = [new if urn == old else urn for urn in self.dependencies]
        self.propertyDependencies = {
            key: [new if urn == old else urn for urn in urns]
            for key, urns in self.propertyDependencies.items()
        }
        self.parent = new if self.parent == old else self.parent
        self.deletedWith = new if self.deletedWith == old else self.deletedWith
        urn, _, identity = self.provider.rpartition("::")
        self.provider = f"{new}::{identity}" if urn == old else self.provider

    def to_json(self, crypter: Crypter) -> dict[str, Any]:
        """As the state has it: secrets encrypted, what is empty left out."""
        fields = {key: value for key, value in vars(self).items() if key != "rest"}
        for key in ("inputs", "outputs"):
            fields[key] = sealed(fields[key], crypter.encrypt)
        kept = {key: value for key, value in fields.items() if value or key == "custom"}
        return {**kept, **self.rest}

    @classmethod
    def from_json(cls, data: dict[str, Any], crypter: Crypter) -> Self:
        """The opposite of `to_json`."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        for key in {"inputs", "outputs"} & known.keys():
            known[key] = unsealed(known[key], crypter.decrypt)
        return cls(**known, rest={key: value for key, value in data.items() if key not in known})


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """A resource's name in full. It has the types of its parents in it, but for the stack's own."""
    parents = type_of(parent, whole=True) if parent else ""
    qualified = type_ if parents in {"", STACK} else f"{parents}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def type_of(urn: str, *, whole: bool = False) -> str:
    """The type in a name in full; `whole`: with those of its parents."""
    qualified = urn.split("::", 3)[2]
    return qualified if whole else qualified.rpartition("$")[2]


def name_of(urn: str) -> str:
    """The name that the program gave."""
    return urn.split("::", 3)[3]
