"""The plugins that run, found by the provider resources that stand for them."""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from infra.offline.pulumi_engine.kinds import Diff, Found, Held
from infra.offline.pulumi_engine.plugin import Host, Plugin
from infra.offline.pulumi_engine.resource import PROVIDER, Resource
from infra.offline.pulumi_engine.values import EngineError, Props, has_unknown, secret

_DYNAMIC, _BUILT_IN = "pulumi-python", "pulumi"
"""Packages that are special: dynamic providers, which see all configuration, and what the engine serves."""

ReadStack = Callable[[str], tuple[Props, list[str]]]
"""Another stack's outputs, and which of them are secret."""


class _BuiltIn(Plugin):
    """The package that has no plugin: references to other stacks."""

    def __init__(self, read_stack: ReadStack) -> None:
        self._read_stack = read_stack

    def check_config(self, new: Resource, olds: Props) -> Props:  # noqa: ARG002
        return new.inputs

    def configure(self, settings: Props, package: str) -> None:
        pass

    def check(self, new: Resource, olds: Props) -> Props:  # noqa: ARG002
        raise EngineError(f"the stand-in for Pulumi's engine has no {new.type}")

    def read(self, resource: Resource) -> Found | None:
        if resource.type != "pulumi:pulumi:StackReference":
            raise EngineError(f"the stand-in for Pulumi's engine has no {resource.type}")
        outputs, secrets = self._read_stack(resource.id)
        found = {"name": resource.id, "outputs": outputs, "secretOutputNames": secrets}
        return resource.id, resource.inputs, found

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


class Providers(Held):
    """Starts plugins when they are asked for. As a Kind, it serves the provider resources themselves."""

    def __init__(
        self, host: Host, config: dict[str, str], secret_keys: list[str], read_stack: ReadStack
    ) -> None:
        self._host, self._config, self._read_stack = host, config, read_stack
        self._secret_keys = secret_keys
        self._lock = threading.RLock()
        self._ready: dict[str, Plugin] = {}
        """By reference."""
        self._waiting: dict[str, Plugin] = {}
        """By name: started, and not yet configured."""
        self._all: list[Plugin] = []

    def of(self, provider: Resource) -> Plugin:
        """The plugin behind a provider resource, started if need be."""
        with self._lock:
            if provider.ref not in self._ready:
                self._configure(provider)
            return self._ready[provider.ref]

    def default_inputs(self, package: str, version: str) -> Props:
        """What the configuration says about a package."""
        ahead = f"{package}:"
        own: Props = {
            key.removeprefix(ahead): secret(value) if key in self._secret_keys else value
            for key, value in self._config.items()
            if key.startswith(ahead)
        }
        return {**own, "version": version} if version else own

    def _start(self, resource: Resource) -> Plugin:
        package = resource.type.removeprefix(PROVIDER)
        plugin = _BuiltIn(self._read_stack) if package == _BUILT_IN else Plugin(package, self._host)
        self._all.append(plugin)
        return plugin

    def _any(self, resource: Resource) -> Plugin:
        """One of the right kind to ask about settings."""
        with self._lock:
            started = {ref.rpartition("::")[0]: plugin for ref, plugin in self._ready.items()}
            found = started.get(resource.urn) or self._waiting.get(resource.urn)
            if not found:
                found = self._waiting[resource.urn] = self._start(resource)
            return found

    def _configure(self, resource: Resource) -> None:
        with self._lock:
            plugin = self._waiting.pop(resource.urn, None) or self._start(resource)
            package = resource.type.removeprefix(PROVIDER)
            if not has_unknown(resource.inputs):
                # Providers in the program's own code are told all of the configuration
                plugin.configure(self._config if package == _DYNAMIC else resource.inputs, package)
            self._ready[resource.ref] = plugin

    def check(self, new: Resource, olds: Props) -> Props:
        return self._any(new).check_config(new, olds)

    def diff(self, old: Resource, new: Resource) -> Diff:
        if old.inputs == new.inputs:
            return Diff(changes=False)
        found = self._any(new).diff_config(old, new)
        return Diff(changes=True, replaces=found.replaces, delete_first=found.delete_first, paths=found.paths)

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Props]:
        new.id = "" if preview else str(uuid.uuid4())
        self._configure(new)
        return new.id, new.inputs

    def update(self, old: Resource, new: Resource, *, preview: bool) -> Props:  # noqa: ARG002
        new.id = old.id
        self._configure(new)
        return new.inputs

    def cancel(self) -> None:
        """Ask all plugins to end what they do."""
        for plugin in list(self._all):
            plugin.cancel()

    def close(self) -> None:
        """End all plugins."""
        while self._all:  # without the lock: who holds it may be waiting for the plugin that is to end
            with suppress(IndexError):
                self._all.pop().close()
