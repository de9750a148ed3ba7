"""A plugin's process, and the calls to it: plain values in, marked ones out."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from infra.offline.markers import encode
from infra.offline.pulumi_engine.kinds import Diff, Found, InitError
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, LostError, Props, decode, plain, with_secrets_of

_METADATA_BYTES = 16 * 2**20
"""What is wrong with a resource comes in a header, with all of its properties."""
OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_metadata_size", _METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
]
_END_WITHIN_S = 5
_LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


@dataclass(frozen=True)
class Host:
    """What every plugin is started with."""

    address: str
    """Where the engine listens."""
    folder: Path
    env: dict[str, str]
    say: Callable[[str], None]
    """Shows a line that a plugin printed."""


class Plugin:
    """One process. While its settings hold unknowns, it is not configured: nothing can be asked of it."""

    def __init__(self, name: str, host: Host) -> None:
        file = shutil.which(f"pulumi-resource-{name}", path=host.env.get("PATH"))
        if not file:
            raise EngineError(f"no resource plugin 'pulumi-resource-{name}' found on $PATH")
        self._configured, self._previews = False, False
        self._channel: Any = None
        self._process = subprocess.Popen(
            [file, host.address],
            cwd=host.folder,
            env=host.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,  # Ctrl-C is for us to pass on, when what is under way has ended
        )
        out, err = self._process.stdout, self._process.stderr
        assert out is not None  # noqa: S101 - they are pipes
        assert err is not None  # noqa: S101
        threading.Thread(target=forward, args=(err, host.say), daemon=True).start()
        port = out.readline().strip()
        if not port.isdigit():
            self.close()
            raise EngineError(f"the plugin {file} did not tell its port, but {port!r}")
        threading.Thread(target=forward, args=(out, host.say), daemon=True).start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def _call(self, method: str, request: Any, like: Props | None = None, *, optional: bool = False) -> Any:
        """The answer; None where the plugin does not know a method that is optional."""
        try:
            return getattr(self._stub, method)(request)
        except ValueError:  # the channel was closed
            raise LostError("the plugin was ended") from None
        except grpc.RpcError as error:
            if error.code() in _LOST:
                raise LostError(_message(error)) from None
            if optional and error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return None
            if found := _init_error(error, like or {}):
                raise found from None
            raise EngineError(_message(error)) from None

    def check_config(self, new: Resource, olds: Props) -> Props:
        """Settings of the plugin with its defaults."""
        request = pb.CheckRequest(urn=new.urn, olds=_sent(olds), news=_sent(new.inputs))
        answer = self._call("CheckConfig", request, optional=True)
        _refuse(answer.failures if answer else ())
        if answer is None or not answer.HasField("inputs"):
            return new.inputs
        return _marked(answer.inputs, new.inputs)

    def diff_config(self, old: Resource, new: Resource) -> Diff:
        """What of the plugin's settings changes, and whether all its resources are others then."""
        request = pb.DiffRequest(**_old(old), news=_sent(new.inputs))
        return _diff(self._call("DiffConfig", request, optional=True), old, new)

    def configure(self, settings: Props, package: str) -> None:
        """Settings that are no text are told as JSON in `variables`, the older way to tell them."""
        known = plain(settings)
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in known.items()}
        request = pb.ConfigureRequest(
            variables={f"{package}:config:{key}": text for key, text in texts.items()},
            args=_sent(known),
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
        )
        answer = self._call("Configure", request, optional=True)
        self._configured, self._previews = True, bool(answer and answer.supportsPreview)

    def check(self, new: Resource, olds: Props) -> Props:
        if not self._configured:
            return new.inputs
        request = pb.CheckRequest(
            **_about(new), olds=_sent(olds), news=_sent(new.inputs), randomSeed=os.urandom(32)
        )
        answer = self._call("Check", request, optional=True)
        if answer is None:
            return new.inputs
        _refuse(answer.failures)
        return _marked(answer.inputs, new.inputs)

    def diff(self, old: Resource, new: Resource) -> Diff:
        if not self._configured:
            return Diff(old.inputs != new.inputs)
        news, ignored = _sent(new.inputs), new.ignoreChanges
        return _diff(
            self._call("Diff", pb.DiffRequest(**_old(old), news=news, ignoreChanges=ignored)), old, new
        )

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Props]:
        if preview and not (self._configured and self._previews):
            return "", {}
        timeout_s = new.customTimeouts.get("create", 0)
        request = pb.CreateRequest(
            **_about(new), properties=_sent(new.inputs), timeout=timeout_s, preview=preview
        )
        answer = self._call("Create", request, new.inputs)
        if not preview and not answer.id:
            raise EngineError("the plugin gave the new resource no id")
        return answer.id, _marked(answer.properties, new.inputs)

    def update(self, old: Resource, new: Resource, *, preview: bool) -> Props:
        if preview and not (self._configured and self._previews):
            return {}
        timeout_s = new.customTimeouts.get("update", 0)
        request = pb.UpdateRequest(
            **_old(old), news=_sent(new.inputs), timeout=timeout_s, preview=preview,
            ignoreChanges=new.ignoreChanges,
        )  # fmt: skip
        return _marked(self._call("Update", request, new.inputs).properties, new.inputs)

    def read(self, resource: Resource) -> Found | None:
        if not self._configured:
            return resource.id, None, resource.outputs
        inputs, outputs = resource.inputs, resource.outputs
        request = pb.ReadRequest(
            **_about(resource), id=resource.id, inputs=_sent(inputs), properties=_sent(outputs)
        )
        answer = self._call("Read", request, inputs)
        if not answer.id:
            return None
        said = _marked(answer.inputs, inputs) if answer.HasField("inputs") else None
        return answer.id, said, with_secrets_of(_marked(answer.properties, outputs), inputs)

    def delete(self, old: Resource) -> None:
        about, timeout_s = _old(old), old.customTimeouts.get("delete", 0)
        about["properties"] = about.pop("olds")
        self._call("Delete", pb.DeleteRequest(**about, timeout=timeout_s))

    def invoke(self, token: str, arguments: Props, *, preview: bool) -> tuple[Props, list[tuple[str, str]]]:
        """What a function answers, and what is wrong with its arguments."""
        answer = self._call("Invoke", pb.InvokeRequest(tok=token, args=_sent(arguments), preview=preview))
        returned = getattr(answer, "return")
        return decode(returned), [(it.property, it.reason) for it in answer.failures]

    def cancel(self) -> None:
        """Ask it to end what it does."""
        with suppress(EngineError):
            self._call("Cancel", Empty())

    def close(self) -> None:
        """End the process and what it started."""
        if self._channel:  # else the library prints that the process hung up
            self._channel.close()
        for sign in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, sign)
                self._process.wait(_END_WITHIN_S)
                return


def _sent(properties: Props) -> Any:
    return encode(plain(properties))


def _marked(answered: Any, like: Props) -> Props:
    return dict(with_secrets_of(decode(answered), like))


def _about(resource: Resource) -> dict[str, Any]:
    return {"urn": resource.urn, "name": resource.name, "type": resource.type}


def _old(old: Resource) -> dict[str, Any]:
    return {**_about(old), "id": old.id, "old_inputs": _sent(old.inputs), "olds": _sent(old.outputs)}


def forward(stream: IO[str], say: Callable[[str], None]) -> None:
    """Show each line of a stream that has any words, until it ends."""
    for line in stream:
        if line.strip():
            say(line.rstrip())


def _refuse(failures: Any) -> None:
    if failures:
        raise EngineError(
            "\n".join(f"property {it.property}: {it.reason}" if it.property else it.reason for it in failures)
        )


def _diff(answer: Any, old: Resource, new: Resource) -> Diff:
    """Where the plugin does not say, other inputs are a change."""
    if answer is None or answer.changes == pb.DiffResponse.DIFF_UNKNOWN:
        replaces = list(answer.replaces) if answer else []
        return Diff(bool(replaces) or old.inputs != new.inputs, replaces)
    paths = list(answer.detailedDiff) or list(answer.diffs)
    changes = answer.changes == pb.DiffResponse.DIFF_SOME or bool(answer.replaces)
    return Diff(changes, list(answer.replaces), answer.deleteBeforeReplace, paths)


def _message(error: Any) -> str:
    text = error.details() or str(error)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return f"the plugin has ended or cannot be reached: {text}"
    return re.sub(r"^Exception calling application: ", "", text)


def _init_error(error: Any, like: Props) -> InitError | None:
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if not packed:
        return None
    for detail in status_pb2.Status.FromString(packed).details:
        found = pb.ErrorResourceInitFailed()
        if detail.Unpack(found):
            inputs = with_secrets_of(decode(found.inputs), like) if found.HasField("inputs") else None
            outputs = with_secrets_of(decode(found.properties), like)
            return InitError(found.id, inputs, outputs, list(found.reasons))
    return None
