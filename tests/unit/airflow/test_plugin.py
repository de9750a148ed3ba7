"""What Airflow's processes load of ours, and the end of pods that nobody follows any more."""

import configparser
import contextlib
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from infra.shared.paths import REPOSITORY
from switchboard_airflow import orphans
from switchboard_airflow.in_cluster import PodApi

FOLDER = REPOSITORY / "airflow/switchboard_airflow/plugins"


def test_airflow_finds_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow import plugins_manager, settings

    monkeypatch.setattr(settings, "PLUGINS_FOLDER", str(FOLDER))
    plugins_manager._get_plugins.cache_clear()
    plugins, errors = plugins_manager._get_plugins()
    plugins_manager._get_plugins.cache_clear()
    assert errors == {}
    (ours,) = [plugin for plugin in plugins if plugin.name == "switchboard"]
    assert [app["url_prefix"] for app in ours.fastapi_apps] == ["/spark", "/spark-history"]
    assert ours.listeners == [importlib.import_module("switchboard_airflow.orphans")]


def test_the_image_has_the_plugin_where_airflow_looks() -> None:
    parser = configparser.ConfigParser()
    parser.read(REPOSITORY / "airflow/config/airflow.cfg")
    assert parser.get("core", "plugins_folder") == "/app/switchboard_airflow/plugins"
    assert (
        "COPY switchboard_airflow/ /app/switchboard_airflow/"
        in (REPOSITORY / "airflow/Dockerfile").read_text()
    )


def test_no_process_pays_for_pages_that_nobody_asks_for() -> None:
    """Each task's pod loads plugins, on its way to the task."""
    code = (
        "import sys, airflow.sdk.plugins_manager\n"
        "before = set(sys.modules)\n"
        "import switchboard_airflow.plugins.switchboard_plugin\n"
        "new = set(sys.modules) - before\n"
        "sys.exit(', '.join(n for n in new if n.split('.')[0] in ('fastapi', 'httpx', 'kubernetes')) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY / "airflow",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]


def instance(**changes: Any) -> Any:
    about = {"dag_id": "d", "task_id": "t", "run_id": "manual__1", "map_index": -1, "state": "failed"}
    return SimpleNamespace(**{**about, **changes})


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def thread(target: Any, args: Any, **_: Any) -> Any:
        return SimpleNamespace(start=lambda: asked.append(args[0]))

    monkeypatch.setattr(orphans, "Thread", thread)
    return asked


def test_only_the_scheduler_removes_and_only_after_the_last_try(
    removed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["airflow", "scheduler"])
    orphans.on_task_instance_failed(None, instance(state="up_for_retry"), None)
    assert removed == []
    orphans.on_task_instance_failed(None, instance(), None)
    assert removed == [{"dag_id": "d", "task_id": "t", "run_id": "manual__1", "map_index": -1}]
    monkeypatch.setattr("sys.argv", ["task_runner"])
    orphans.on_task_instance_failed(None, instance(), None)
    assert len(removed) == 1


def test_the_scheduler_calls_us(removed: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow._shared.listeners.listener import ListenerManager
    from airflow._shared.listeners.spec import taskinstance

    monkeypatch.setattr("sys.argv", ["airflow", "scheduler"])
    manager: Any = ListenerManager()  # type: ignore[no-untyped-call]
    manager.add_hookspecs(taskinstance)
    manager.add_listener(orphans)
    manager.hook.on_task_instance_failed(previous_state=None, task_instance=instance(), error="gone")
    assert len(removed) == 1


def test_the_pods_are_those_of_the_task_instance() -> None:
    about = {"dag_id": "d", "task_id": "t", "run_id": "manual__1", "map_index": -1}
    assert orphans.selector(about) == "kubernetes_pod_operator=True,dag_id=d,task_id=t,run_id=manual__1"
    assert orphans.selector({**about, "map_index": 0}).endswith(",map_index=0")
    odd = orphans.selector({**about, "run_id": "manual__2026-01-01T00:00:00+00:00"})
    assert "+" not in odd


PODS = "/api/v1/namespaces/airflow-speech/pods"


class Kubernetes:
    """Answers with the pods it has; `asked` is what it was asked."""

    def __init__(self, account: Path, *pods: dict[str, Any], gone: int = 200) -> None:
        (account / "token").write_text("T")
        (account / "namespace").write_text("airflow-speech")
        self.api, self.pods, self.gone = PodApi(account), pods, gone
        self.asked: list[str] = []
        self.client = httpx.Client(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.asked.append(f"GET {request.url.path} {request.url.params['labelSelector']}")
            return httpx.Response(200, json={"items": [{"metadata": pod} for pod in self.pods]})
        uid = json.loads(request.content)["preconditions"]["uid"]
        self.asked.append(f"DELETE {request.url.path} {uid}")
        return httpx.Response(self.gone)


@pytest.mark.parametrize("gone", [200, 404, 409])
def test_each_pod_found_is_removed_and_no_other_of_its_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, gone: int
) -> None:
    about = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1}
    leaving = {"name": "q", "uid": "u2", "deletionTimestamp": "now"}
    kubernetes = Kubernetes(tmp_path, {"name": "p", "uid": "u1"}, leaving, gone=gone)
    orphans.remove(about, kubernetes.api, kubernetes.client)
    assert kubernetes.asked == [f"GET {PODS} {orphans.selector(about)}", f"DELETE {PODS}/p u1"]
    assert "could not" not in caplog.text


def test_drivers_of_task_instances_that_have_ended_are_removed(tmp_path: Path) -> None:
    def pod(name: str, **annotations: str) -> dict[str, Any]:
        return {"name": name, "uid": name, "annotations": annotations}

    whose = {name: json.dumps(["d", name, "r", -1]) for name in ("running", "failed")}
    kubernetes = Kubernetes(
        tmp_path,
        *(pod(name, **{orphans.INSTANCE: value}) for name, value in whose.items()),
        pod("unmarked"),
        {"name": "bare", "uid": "bare"},
    )
    orphans.remove_ended(lambda *key: key == ("d", "failed", "r", -1), kubernetes.api, kubernetes.client)
    assert kubernetes.asked == [f"GET {PODS} {orphans.DRIVERS}", f"DELETE {PODS}/failed failed"]


def test_drivers_are_marked_as_the_scheduler_looks_for_them() -> None:
    from switchboard_spark import driver, followed

    assert orphans.INSTANCE == followed.INSTANCE
    label, _, value = orphans.DRIVERS.partition("=")
    assert driver.labels("i", "small", [])[label] == value


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        (["failed"], True),
        (["success"], True),
        (["skipped"], True),
        ([], True),
        (["running"], False),
        (["up_for_retry"], False),
        ([None], False),
    ],
)
def test_a_task_instance_has_ended_when_no_try_runs_or_will(
    monkeypatch: pytest.MonkeyPatch, states: list[Any], ended: bool
) -> None:
    from airflow.utils import session

    asked: list[str] = []

    @contextlib.contextmanager
    def database() -> Any:
        def scalars(query: Any) -> Any:
            asked.append(str(query.compile(compile_kwargs={"literal_binds": True})))
            return SimpleNamespace(all=lambda: states)

        yield SimpleNamespace(scalars=scalars)

    monkeypatch.setattr(session, "create_session", database)
    assert orphans.has_ended("d", "t", "r", 3) is ended
    (query,) = asked
    assert all(f"task_instance.{part}" in query for part in ("dag_id = 'd'", "run_id = 'r'", "map_index = 3"))


def test_the_scheduler_looks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(
        orphans, "Thread", lambda **given: SimpleNamespace(start=lambda: started.append(given["name"]))
    )
    monkeypatch.setattr("sys.argv", ["airflow", "scheduler"])
    orphans.on_starting(None)
    monkeypatch.setattr("sys.argv", ["airflow", "api-server"])
    orphans.on_starting(None)
    assert started == ["orphaned-drivers"]

    looks: list[Any] = []

    def look(_: Any) -> None:
        looks.append(1)
        if len(looks) == 3:
            raise SystemExit
        raise RuntimeError("the database is away")

    monkeypatch.setattr(orphans, "remove_ended", look)
    monkeypatch.setattr("switchboard_airflow.orphans.time.sleep", lambda _: None)
    with pytest.raises(SystemExit):
        orphans.keep_looking()
    assert len(looks) == 3


def test_trouble_with_kubernetes_does_not_reach_the_scheduler(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    about = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1}
    orphans.remove(about, PodApi(tmp_path / "none"))
    assert "could not be removed" in caplog.text
