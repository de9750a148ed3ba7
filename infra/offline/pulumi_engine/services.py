"""The engine's two gRPC services, which the program and its plugins talk to: messages in, messages out."""

# ruff: noqa: N802, ARG002 - methods are named and called as the protocol has them

import re
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

from infra.offline.markers import encode
from infra.offline.pulumi_engine.decisions import Goal
from infra.offline.pulumi_engine.deployment import Deployment
from infra.offline.pulumi_engine.display import Display
from infra.offline.pulumi_engine.kinds import InitError
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, StoppedError, decode

_FEATURES = {"secrets", "deletedWith"}
"""The SDK has ways of its own to do without the rest."""

_REFUSED = ("remote", "transforms", "replace_with", "packageRef", "envVarMappings")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_TERMINATED = "Resource monitor has terminated"
"""What the SDK says when it is told that nothing more is done: the reason was shown before."""

Context = Any  # grpc.ServicerContext; the library ships no types


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Show what goes wrong, and have the program end."""

    @wraps(method)
    def answered(self: "Monitor", request: Any, context: Context) -> Any:
        try:
            return method(self, request, context)
        except StoppedError:
            pass
        except (EngineError, InitError) as error:
            self.deployment.fail(self.urn_of(request), str(error))
        except Exception:  # noqa: BLE001 - nobody else would show it
            self.deployment.fail(self.urn_of(request), traceback.format_exc())
        context.abort(grpc.StatusCode.UNAVAILABLE, "the deployment has failed or was cancelled")
        raise AssertionError("abort does not return")

    return answered


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """What the program registers."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def urn_of(self, request: Any) -> str:
        """The resource that a request is about, as far as it is known."""
        for urn, item in list(self.deployment.news.items()):
            if (item.type, item.name) == (getattr(request, "type", ""), getattr(request, "name", "")):
                return urn
        return ""

    def SupportsFeature(self, request: Any, context: Context) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    @_told
    def RegisterResource(self, request: Any, context: Context) -> Any:
        goal = goal_of(request)
        new = self.deployment.register(goal)
        return resource_pb2.RegisterResourceResponse(
            urn=new.urn, id=new.id, object=encode(new.outputs), result=resource_pb2.Result.SUCCESS
        )

    @_told
    def RegisterResourceOutputs(self, request: Any, context: Context) -> Any:
        new = self.deployment.news[request.urn]
        new.outputs = decode(request.outputs)
        self.deployment.state.changed(new)
        return Empty()

    @_told
    def ReadResource(self, request: Any, context: Context) -> Any:
        wanted = Resource(
            _named(request.name), request.type, custom=True, id=request.id, parent=request.parent,
            inputs=decode(request.properties), provider=request.provider,
            dependencies=list(request.dependencies),
            additionalSecretOutputs=list(request.additionalSecretOutputs),
        )  # fmt: skip
        found = self.deployment.read(wanted, request.version)
        return resource_pb2.ReadResourceResponse(urn=found.urn, properties=encode(found.outputs))

    @_told
    def Invoke(self, request: Any, context: Context) -> Any:
        arguments, deployment = decode(request.args), self.deployment
        plugin = deployment.plugin(request.provider, request.tok.split(":")[0], request.version)
        returned, failures = plugin.invoke(request.tok, arguments, preview=deployment.preview)
        failed = [provider_pb2.CheckFailure(property=name, reason=why) for name, why in failures]
        return provider_pb2.InvokeResponse(**{"return": encode(returned)}, failures=failed)

    @_told
    def Call(self, request: Any, context: Context) -> NoReturn:
        raise EngineError(f"the method {request.tok} is not served by the stand-in for Pulumi's engine")

    def SignalAndWaitForShutdown(self, request: Any, context: Context) -> Any:
        return Empty()


class Engine(engine_pb2_grpc.EngineServicer):
    """What the program and its plugins say."""

    def __init__(self, display: Display) -> None:
        self._display, self._root = display, ""

    def Log(self, request: Any, context: Context) -> Any:
        severity = {engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}.get(request.severity, "info")
        if request.severity != engine_pb2.DEBUG and not request.message.startswith(_TERMINATED):
            self._display.message(request.urn, request.message, severity)
        return Empty()

    def GetRootResource(self, request: Any, context: Context) -> Any:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Context) -> Any:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Context) -> Any:
        return engine_pb2.RequirePulumiVersionResponse()


def _named(name: str) -> str:
    """A name in full that holds nothing else yet: the deployment knows the rest."""
    return f"::::::{name}"


def goal_of(request: Any) -> Goal:
    """What a registration asks for. Raises EngineError for what is not served."""
    refused = [name for name in _REFUSED if getattr(request, name)]
    refused += ["replacement_trigger"] if request.HasField("replacement_trigger") else []
    refused += ["hooks"] if request.HasField("hooks") and request.hooks.ByteSize() else []
    if refused:
        raise EngineError(
            f"{request.type} {request.name}: {', '.join(refused)}: not in the stand-in for Pulumi's engine"
        )
    timeouts = {key: getattr(request.customTimeouts, key) for key in ("create", "update", "delete")}
    resource = Resource(
        urn=_named(request.name),
        type=request.type,
        custom=request.custom,
        inputs=decode(request.object),
        parent=request.parent,
        protect=request.protect,
        dependencies=list(request.dependencies),
        provider=request.provider,
        propertyDependencies={key: list(it.urns) for key, it in request.propertyDependencies.items()},
        additionalSecretOutputs=list(request.additionalSecretOutputs),
        customTimeouts={key: seconds(text) for key, text in timeouts.items() if text},
        retainOnDelete=request.retainOnDelete,
        deletedWith=request.deletedWith,
        ignoreChanges=list(request.ignoreChanges),
        replaceOnChanges=list(request.replaceOnChanges),
    )
    first = request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
    return Goal(resource, list(request.aliasURNs), request.importId, first, request.version)


def seconds(text: str) -> float:
    """A length of time as options have it: `1h5m`, `1.5s`."""
    parts = re.findall(r"([\d.]+)(h|ms|us|µs|ns|m|s)", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise EngineError(f"custom timeouts: {text!r} is no length of time like 1h5m or 90s")
    with suppress(ValueError):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    raise EngineError(f"custom timeouts: {text!r} is no length of time like 1h5m or 90s")
