"""The state on disk, the command's words, and when the stand-in is used."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

from infra.offline.engine import FORCE, ensure_engine
from infra.offline.pulumi_engine.backend import State
from infra.offline.pulumi_engine.cli import main
from infra.offline.pulumi_engine.deployment import Deployment
from infra.offline.pulumi_engine.display import Display
from infra.offline.pulumi_engine.kinds import Held, InitError
from infra.offline.pulumi_engine.plugin import OPTIONS, Host, Plugin
from infra.offline.pulumi_engine.providers import Providers
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, LostError, Props, is_secret


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of a test")
    file = tmp_path / ".pulumi/stacks/trial/test.json"
    return State.create(file, "organization/trial/test", None)


def latest(state: State) -> dict:
    return dict(json.loads(state.file.read_text())["checkpoint"]["latest"])


def made(name: str) -> Resource:
    return Resource(f"urn:pulumi:test::trial::t:t:T::{name}", "t:t:T", custom=True)


class Failing(Held):
    """What is made is not well, or nobody knows whether it was made."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def create(self, new: Resource, *, preview: bool) -> tuple[str, Props]:
        raise self._error


def deployment(state: State) -> Deployment:
    unused: Any = None
    return Deployment("trial", state, unused, Display(diff=False, preview=False, log=None), preview=False)


def test_a_replacement_that_is_not_well_leaves_the_old_one_to_be_deleted(state: State) -> None:
    old = made("one")
    old.id = "1"
    state.resources = [old]
    kind = Failing(InitError("2", None, {}, ["no pod is ready"]))
    with pytest.raises(InitError):
        deployment(state)._replace(made("one"), old, kind, first=False)
    kept = {it["id"]: (it.get("delete", False), it.get("initErrors")) for it in latest(state)["resources"]}
    assert kept == {"2": (False, ["no pod is ready"]), "1": (True, None)}


@pytest.mark.parametrize(("error", "left"), [(LostError("hung up"), 1), (EngineError("refused"), 0)])
def test_what_may_have_been_made_is_remembered(state: State, error: EngineError, left: int) -> None:
    with pytest.raises(EngineError):
        deployment(state)._create(made("one"), Failing(error), None, "create")
    state.save()
    assert len(latest(state).get("pending_operations", [])) == left


def test_secret_settings_of_a_provider_are_marked(tmp_path: Path) -> None:
    config = {"kubernetes:kubeconfig": "key: …", "kubernetes:context": "kind", "other:token": "x"}
    host = Host("", tmp_path, {}, print)
    inputs = Providers(host, config, ["kubernetes:kubeconfig"], lambda _: ({}, [])).default_inputs(
        "kubernetes", "4.1"
    )
    assert set(inputs) == {"kubeconfig", "context", "version"}
    assert is_secret(inputs["kubeconfig"])
    assert inputs["context"] == "kind"


def test_a_plugin_that_does_not_start_is_named(tmp_path: Path) -> None:
    program = tmp_path / "pulumi-resource-broken"
    program.write_text("#!/bin/sh\necho no module named x >&2\nexit 1\n")
    program.chmod(0o755)
    host = Host("127.0.0.1:1", tmp_path, {"PATH": f"{tmp_path}:/usr/bin:/bin"}, print)
    with pytest.raises(EngineError, match="pulumi-resource-broken did not tell its port"):
        Plugin("broken", host)


def test_a_new_stack_is_laid_out_as_pulumi_does(state: State, tmp_path: Path) -> None:
    assert (tmp_path / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    content = json.loads(state.file.read_text())
    assert (content["version"], content["checkpoint"]["stack"]) == (3, "organization/trial/test")
    provider = content["checkpoint"]["latest"]["secrets_providers"]
    assert (provider["type"], provider["state"]["salt"][:3]) == ("passphrase", "v1:")
    assert state.file.stat().st_mode & 0o777 == 0o600


def test_each_step_is_on_disk_before_the_next(state: State) -> None:
    first, second = made("first"), made("second")
    state.begin(first, "creating")
    (pending,) = latest(state)["pending_operations"]
    assert (pending["type"], pending["resource"]["urn"]) == ("creating", first.urn)
    first.id, first.outputs = "1", {"a": 1}
    state.put(first)
    assert "pending_operations" not in latest(state)
    state.put(second)
    loaded = State.load(state.file)
    assert [(it.name, it.id, it.outputs) for it in loaded.all] == [
        ("first", "1", {"a": 1}),
        ("second", "", {}),
    ]
    loaded.begin(loaded.resources[0], "deleting")
    assert latest(loaded)["pending_operations"][0]["type"] == "deleting"
    loaded.drop(loaded.resources[0])
    assert [it["urn"] for it in latest(loaded)["resources"]] == [second.urn]
    assert "pending_operations" not in latest(loaded)


def test_what_is_seen_to_comes_before_what_is_not_yet(state: State) -> None:
    for name in ("a", "b"):
        state.put(made(name))
    again = State.load(state.file)
    old = again.resources[1]
    again.put(made("b"), old)
    assert [it.name for it in again.all] == ["b", "a"]
    again.persistent = False
    again.drop(again.resources[0])
    assert len(latest(again)["resources"]) == 2, "a preview writes nothing"


@pytest.mark.parametrize("words", [["up", "--target", "x"], ["up", "--yess"], ["watch"], ["stack", "tag"]])
def test_unknown_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code != 0
    assert "error:" in capsys.readouterr().err


def test_nobody_takes_it_for_the_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("v0.0.0 (a stand-in for Pulumi 3.")
    assert main(["plugin", "install", "resource", "kubernetes", "1.0.0"]) != 0


@pytest.fixture
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(FORCE, raising=False)


def _said() -> tuple[Path, str]:
    said: list[str] = []
    folder = ensure_engine(say=said.append)
    (line,) = said
    return folder, line


@pytest.mark.usefixtures("_machine")
def test_the_real_one_is_used_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = tmp_path / "tools/stamps/refused/pulumi"
    refused.parent.mkdir(parents=True)
    refused.touch()
    folder, line = _said()
    assert "the stand-in" in line
    assert [path.name for path in folder.iterdir()] == ["pulumi"]
    monkeypatch.setenv("PATH", f"{folder}:{tmp_path}")
    assert "the stand-in" in _said()[1], "it is no real one itself"
    (tmp_path / "pulumi").write_text("#!/bin/sh\n")
    (tmp_path / "pulumi").chmod(0o755)
    folder, line = _said()
    assert (list(folder.iterdir()), line) == ([], "Pulumi's engine: the real one")
    monkeypatch.setenv(FORCE, "standin")
    assert "the stand-in" in _said()[1]
    monkeypatch.setenv(FORCE, "fake")
    with pytest.raises(ValueError, match="'fake': say `real` or `standin`"):
        _said()


@pytest.mark.usefixtures("_machine")
def test_without_a_refusal_there_is_no_stand_in() -> None:
    assert list(_said()[0].iterdir()) == []


class LongError(provider_pb2_grpc.ResourceProviderServicer):
    """What is wrong comes with all properties of the resource."""

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.set_trailing_metadata([("grpc-status-details-bin", b"x" * 200_000)])
        context.abort(grpc.StatusCode.UNKNOWN, "not ready")


def test_a_long_error_of_a_plugin_arrives() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(LongError(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty())
        assert len(dict(caught.value.trailing_metadata())["grpc-status-details-bin"]) == 200_000
    server.stop(0)
