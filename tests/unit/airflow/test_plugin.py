"""What Airflow's processes load of ours, and the end of pods that nobody follows any more."""

import configparser
import importlib
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


def test_each_pod_found_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "token").write_text("T")
    (tmp_path / "namespace").write_text("airflow-speech")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, json={"items": [{"metadata": {"name": "p"}}]})

    about = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1}
    orphans.remove(about, PodApi(tmp_path), httpx.Client(transport=httpx.MockTransport(answer)))
    pods = "/api/v1/namespaces/airflow-speech/pods"
    assert asked == [f"GET {pods}", f"DELETE {pods}/p"]


def test_trouble_with_kubernetes_does_not_reach_the_scheduler(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    orphans.remove({"dag_id": "d"}, PodApi(tmp_path / "none"))
    assert "could not be removed" in caplog.text
