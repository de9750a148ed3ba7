"""The whole program, on Pulumi's mocks: what it registers, in which order, and what is kept secret."""

import asyncio
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi.runtime.sync_await import _sync_await

from infra.platform import images as images_module
from infra.platform.components.register import KINDS
from infra.platform.components.secrets import GeneratedSecret, generate
from infra.platform.placeholders import placeholder_cluster
from infra.platform.settings import HERE, PROJECT, load
from infra.shared.outputs import ClusterOutputs, NodePool

PROGRAM = HERE / "__main__.py"
OURS = "switchboard:platform:"


class Engine(pulumi.runtime.Mocks):
    """Takes every resource as it is, and remembers it."""

    def __init__(self, cluster: ClusterOutputs | None) -> None:
        self.cluster, self.made = cluster, list[pulumi.runtime.MockResourceArgs]()

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"nothing calls functions: {args.token}")

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made.append(args)
        state = dict(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            outputs = {"cluster": self.cluster.revealed()} if self.cluster else {}
            return args.name, state | {"outputs": outputs, "secretOutputNames": list(outputs)}
        if args.typ == "pulumi-python:dynamic:Resource":
            state["value"] = f"generated-{args.name}"
        return args.name, state

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs of the resources of a kind, by name."""
        return {item.name: item.inputs for item in self.made if item.typ.rpartition(":")[2] == kind}


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pinned images, in place of those that this checkout has or hasn't."""
    pinned = {name: f"localhost:5001/{name}@sha256:{'a' * 64}" for name in images_module.PLACEHOLDERS}
    path = tmp_path / "local/images.lock.json"
    path.parent.mkdir()
    path.write_text(json.dumps(pinned))
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path))
    return path


QUOTA = {"cpu_request_millicores": 1600, "memory_mib": 9728, "pods": 12}


def run(engine: Engine, *, preview: bool = False, spark: bool = True) -> dict[str, Any]:
    """Run the program to its end; gives its exports."""
    mocks.set_mocks(engine, project=PROJECT, stack="local", preview=preview)
    settings = load("local").model_dump(mode="json", by_alias=True)
    settings["deployments"]["speech"]["spark"] = {"quota": QUOTA} if spark else None
    if not spark:
        settings["deployments"]["speech"]["warehouse"] = None
    pulumi.runtime.set_config(f"{PROJECT}:settings", json.dumps(settings))
    exports: dict[str, Any] = {}
    original, pulumi.export = pulumi.export, lambda name, value: exports.update({name: value})
    try:
        runpy.run_path(str(PROGRAM), run_name="__main__")
        _sync_await(pulumi.runtime.stack.wait_for_rpcs())
    finally:
        pulumi.export = original
    return exports


def test_it_registers_every_object_under_two_components(lock: Path) -> None:
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine)
    assert {item.name for item in engine.made if item.typ.startswith(OURS)} == {
        "airflow-speech",
        "dag-git",
        "spark",
    }
    assert set(engine.named("Namespace")) == {"airflow-speech", "dag-git"}
    assert set(engine.named("StatefulSet")) == {
        "airflow-speech/airflow-postgres",
        "airflow-speech/warehouse",
        "dag-git/git-server",
    }
    assert len(engine.named("Deployment")) == 6
    assert len(engine.named("Job")) == 1
    used = {item.typ for item in engine.made if item.typ.startswith("kubernetes:")}
    assert len(used) == len(KINDS), "a kind that nothing uses, or one that was registered some other way"


def test_without_spark_there_is_nothing_of_it(lock: Path) -> None:
    pins = json.loads(lock.read_text())
    del pins["spark-base"]
    lock.write_text(json.dumps(pins))
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine, spark=False)
    assert not [item.name for item in engine.made if "spark" in item.name]
    assert engine.named("Deployment")


def test_objects_reach_the_engine_with_the_names_of_the_api(lock: Path) -> None:
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine)
    deployment = engine.named("Deployment")["airflow-speech/airflow-scheduler"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["enableServiceLinks"] is False
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["containers"][0]["livenessProbe"]["httpGet"]["path"] == "/health"
    assert deployment["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] == "airflow-scheduler"
    account = engine.named("ServiceAccount")["airflow-speech/stage"]
    assert account["automountServiceAccountToken"] is False
    quota = engine.named("ResourceQuota")["airflow-speech/spark"]
    assert quota["spec"]["scopeSelector"]["matchExpressions"][0]["scopeName"] == "PriorityClass"
    limits = engine.named("LimitRange")["airflow-speech/containers"]
    assert {"default", "defaultRequest"} <= set(limits["spec"]["limits"][0])
    service = engine.named("Service")["airflow-speech/airflow-api-server"]
    assert service["spec"]["ports"][0]["nodePort"] >= 30000


def test_exports_are_what_the_commands_read(lock: Path) -> None:
    exports = run(Engine(placeholder_cluster(["airflow", "git"])))
    assert exports["airflow_url"] == "http://airflow.invalid"
    assert exports["git_push_url"] == "http://git.invalid/dags.git"
    assert exports["namespaces"] == {"speech": "airflow-speech"}
    assert exports["airflow_admin_user"] == "admin"
    for name in ("airflow_admin_password", "git_writer_password"):
        assert _sync_await(exports[name].is_secret()), name
        assert _sync_await(exports[name].future()).startswith("generated-")


def test_every_secrets_content_is_a_pulumi_secret(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain: list[str] = []
    wrapped = KINDS["v1", "Secret"]

    def watch(name: str, **arguments: Any) -> pulumi.CustomResource:
        if not _sync_await(arguments["string_data"].is_secret()):
            plain.append(name)
        return wrapped(name, **arguments)

    monkeypatch.setitem(KINDS, ("v1", "Secret"), watch)
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine)
    assert plain == []
    assert len(engine.named("Secret")) == 10


def test_a_task_logs_into_the_warehouse_as_nobody_else(lock: Path) -> None:
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine)
    # Marked as a secret, the content is one level down.
    secrets = {name: inputs["stringData"]["value"] for name, inputs in engine.named("Secret").items()}
    own = secrets["airflow-speech/warehouse-database"]
    uri = secrets["airflow-speech/connection-warehouse"]["uri"]
    assert uri.startswith(f"postgresql://warehouse:{own['owner-password']}@warehouse:5432/warehouse?")
    assert len({*own.values(), secrets["airflow-speech/airflow-database"]["password"]}) == 3
    assert own["password"] not in uri


def test_without_a_warehouse_there_is_nothing_of_it(lock: Path) -> None:
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine, spark=False)
    assert not [item.name for item in engine.made if "warehouse" in item.name]


def test_a_first_preview_works_with_nothing_there(lock: Path) -> None:
    lock.unlink()
    engine = Engine(None)
    exports = run(engine, preview=True)
    assert len(engine.named("Deployment")) == 6
    assert "airflow_url" in exports


def test_without_a_cluster_an_up_says_what_to_do(lock: Path) -> None:
    with pytest.raises(pulumi.RunError, match="make up"):
        run(Engine(None))


def test_without_images_an_up_says_what_to_do(lock: Path) -> None:
    lock.unlink()
    with pytest.raises(pulumi.RunError, match="make images"):
        run(Engine(placeholder_cluster(["airflow", "git"])))


def test_generated_secrets_are_long_and_differ() -> None:
    made = {generate("token") for _ in range(20)}
    assert len(made) == 20
    assert all(len(value) >= 43 for value in made)
    assert len(generate("fernet")) == 44
    assert len(generate("signing")) >= 64


def test_a_generated_secret_is_replaced_only_by_another_kind() -> None:
    provider = GeneratedSecret.__init__.__globals__["_Provider"]()
    assert not provider.diff("1", {"kind": "token", "value": "x"}, {"kind": "token"}).changes
    changed = provider.diff("1", {"kind": "token", "value": "x"}, {"kind": "fernet"})
    assert changed.replaces == ["kind"]


def test_the_program_is_a_table_of_contents() -> None:
    assert len(PROGRAM.read_text().splitlines()) <= 60


def test_priority_classes_are_made_once_and_have_no_namespace(lock: Path) -> None:
    engine = Engine(placeholder_cluster(["airflow", "git"]))
    run(engine)
    classes = engine.named("PriorityClass")
    assert set(classes) == {"spark-driver", "spark-executor"}
    assert classes["spark-executor"]["preemptionPolicy"] == "Never"
    assert classes["spark-executor"]["value"] == -10


def test_a_size_that_could_never_run_ends_the_program_before_anything_is_made(lock: Path) -> None:
    small = NodePool(cpu_millicores=1000, memory_mib=2000, max_nodes=1)
    engine = Engine(
        placeholder_cluster(["airflow", "git"]).model_copy(update={"node_pools": {"general": small}})
    )
    with pytest.raises(
        pulumi.RunError, match=r"Pulumi\.local\.yaml: deployments\.speech\.spark\.sizes\.large"
    ):
        run(engine)
    assert {item.typ for item in engine.made} == {"pulumi:pulumi:StackReference"}
