"""The plugin's gRPC service: messages in, messages out. What is done is in `resources`."""

# ruff: noqa: N802, ARG002 - methods are named and called as the protocol has them

import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from importlib.metadata import version
from typing import Any, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from infra.offline.kubernetes_provider.cluster import ApiError, UnknownKindError, UnreachableError
from infra.offline.kubernetes_provider.diff import Change, must_delete_first
from infra.offline.kubernetes_provider.kubeconfig import KubeconfigError
from infra.offline.kubernetes_provider.resources import AlreadyThereError, Found, Resources, Say
from infra.offline.kubernetes_provider.settings import Settings, refused
from infra.offline.kubernetes_provider.values import decode, has_unknown
from infra.offline.markers import encode

_WORKERS = 64
"""Waiting costs a thread; an update has at most a few dozen resources under way."""
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_EXPECTED: dict[type[Exception], Any] = {
    AlreadyThereError: grpc.StatusCode.ALREADY_EXISTS,
    ApiError: grpc.StatusCode.INVALID_ARGUMENT,
    KubeconfigError: grpc.StatusCode.INVALID_ARGUMENT,
    TimeoutError: grpc.StatusCode.DEADLINE_EXCEEDED,
    UnknownKindError: grpc.StatusCode.NOT_FOUND,
    UnreachableError: grpc.StatusCode.FAILED_PRECONDITION,
}
_KIND = provider_pb2.PropertyDiff.Kind

Context = Any  # grpc.ServicerContext; the library ships no types


def _worded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Answer expected errors as one line, all others with where they came from."""

    @wraps(method)
    def answered(self: "Provider", request: Any, context: Context) -> Any:
        try:
            return method(self, request, context)
        except Exception as error:
            code = _EXPECTED.get(type(error))
            if code:
                context.abort(code, str(error))
            elif not context.code():  # else it is abort's own way out
                context.abort(grpc.StatusCode.INTERNAL, f"{error!r}\n{traceback.format_exc()}")
            raise

    return answered


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process; configured once."""

    def __init__(self, engine: str | None) -> None:
        channel = grpc.insecure_channel(engine) if engine else None
        self._engine = engine_pb2_grpc.EngineStub(channel) if channel else None
        self._configured: Resources | None = None

    @property
    def _resources(self) -> Resources:
        if self._configured is None:
            raise KubeconfigError("the provider is used before it is configured")
        return self._configured

    def _say(self, urn: str) -> Say:
        """A status line beside the resource, gone when the next comes."""

        def say(text: str) -> None:
            line = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=True)
            with suppress(grpc.RpcError):  # not worth failing for
                if self._engine:
                    self._engine.Log(line)

        return say

    def GetPluginInfo(self, request: Any, context: Context) -> Any:
        return plugin_pb2.PluginInfo(version=version("pulumi-kubernetes"))

    def GetSchema(self, request: Any, context: Context) -> Any:
        schema = {"name": "kubernetes", "version": version("pulumi-kubernetes")}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    @_worded
    def CheckConfig(self, request: Any, context: Context) -> Any:
        failures = [
            provider_pb2.CheckFailure(property=key, reason=why) for key, why in refused(decode(request.news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @_worded
    def DiffConfig(self, request: Any, context: Context) -> Any:
        """Another cluster means all objects anew; any other change, a new password say, does not."""
        old, new = decode(request.old_inputs or request.olds), decode(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        unsure = any(
            has_unknown(new.get(key)) for key in ("kubeconfig", "context", "cluster", "clusterIdentifier")
        )
        moved = changed and not unsure and not Settings.of(old).same_cluster(Settings.of(new))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=changed if moved else [],
        )

    @_worded
    def Configure(self, request: Any, context: Context) -> Any:
        settings = Settings.of(decode(request.args))
        self._configured = Resources(settings, settings.access())
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @_worded
    def Check(self, request: Any, context: Context) -> Any:
        old, new = decode(request.olds), decode(request.news)
        inputs, problems = self._resources.check(request.urn, request.type, new, old, request.randomSeed)
        failures = [provider_pb2.CheckFailure(property=it.property, reason=it.reason) for it in problems]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    @_worded
    def Diff(self, request: Any, context: Context) -> Any:
        old_inputs, old, new = decode(request.old_inputs), decode(request.olds), decode(request.news)
        changes = self._resources.compare(old_inputs, old, new)
        replaces = [change.property_path for change in changes if change.replaces]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({str(change.path[0]) for change in changes}),
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and must_delete_first(old_inputs or old, new),
            detailedDiff={change.property_path: _property_diff(change) for change in changes},
            hasDetailedDiff=True,
        )

    @_worded
    def Create(self, request: Any, context: Context) -> Any:
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(self._resources.preview(inputs, None)))
        found = self._resources.create(inputs, request.timeout, self._say(request.urn))
        _report_unready(found, context)
        return provider_pb2.CreateResponse(id=found.id, properties=encode(found.outputs))

    @_worded
    def Update(self, request: Any, context: Context) -> Any:
        inputs = decode(request.news)
        if request.preview:
            properties = self._resources.preview(inputs, decode(request.olds))
            return provider_pb2.UpdateResponse(properties=encode(properties))
        found = self._resources.update(inputs, request.timeout, self._say(request.urn))
        _report_unready(found, context)
        return provider_pb2.UpdateResponse(properties=encode(found.outputs))

    @_worded
    def Read(self, request: Any, context: Context) -> Any:
        inputs, before = decode(request.inputs), decode(request.properties)
        found = self._resources.read(request.type, request.id, inputs, before)
        if found is None:
            return provider_pb2.ReadResponse()
        _report_unready(found, context)
        return provider_pb2.ReadResponse(
            id=found.id, properties=encode(found.outputs), inputs=encode(found.inputs)
        )

    @_worded
    def Delete(self, request: Any, context: Context) -> Any:
        known = decode(request.old_inputs) or decode(request.properties)
        self._resources.delete(request.type, request.id, known, request.timeout, self._say(request.urn))
        return Empty()

    def Cancel(self, request: Any, context: Context) -> Any:
        if self._configured:
            self._configured.stop()
        return Empty()

    def Attach(self, request: Any, context: Context) -> Any:
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(request.address))
        return Empty()

    def Invoke(self, request: Any, context: Context) -> NoReturn:
        _not_here(context, f"the function {request.tok}")

    def Call(self, request: Any, context: Context) -> NoReturn:
        _not_here(context, f"the method {request.tok}")

    def Construct(self, request: Any, context: Context) -> NoReturn:
        _not_here(context, f"the component {request.type}")


def _not_here(context: Context, what: str) -> NoReturn:
    remedy = "use typed resources, or the real plugin (SWITCHBOARD_KUBERNETES_PLUGIN=real)"
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED, f"{what} is not in the stand-in for the Kubernetes plugin; {remedy}"
    )
    raise AssertionError("abort does not return")


def _property_diff(change: Change) -> Any:
    name = change.kind.upper() + ("_REPLACE" if change.replaces else "")
    return provider_pb2.PropertyDiff(kind=_KIND.Value(name), inputDiff=True)


def _report_unready(found: Found, context: Context) -> None:
    """Tell the engine that the object is there but not well: it keeps it, and shows the reasons."""
    if not found.unready:
        return
    detail = provider_pb2.ErrorResourceInitFailed(
        id=found.id, properties=encode(found.outputs), reasons=found.unready, inputs=encode(found.inputs)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=found.unready[0])
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, found.unready[0])


def main() -> None:
    """Serve on a free port, which the first line of output tells, until the engine ends us or is gone."""
    # So the engine ends its plugins, after it asked them to cancel; threads that still wait are of no use
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    logging.getLogger("grpc").setLevel(logging.CRITICAL)  # it prints a stack trace for each missing method
    engine = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # a killed engine cannot end us
        time.sleep(1)
    os._exit(0)
