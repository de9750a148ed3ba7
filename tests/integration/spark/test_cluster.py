"""Drivers with executors on a played cluster: from the task's variable to nothing being left."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from docker.models.containers import Container
from kubernetes import client

from switchboard_spark.model import TASK_VARIABLE, SparkTask
from switchboard_spark.records import RunRecord
from tests.integration.images.containers import Docker, log_of, page, until
from tests.integration.spark.conftest import S3
from tests.integration.spark.kubelet import TMP, Forward, Kubelet
from tests.support.control_plane import ControlPlane, control_plane
from tests.unit.spark.conftest import RECORDING, make_task

pytestmark = pytest.mark.integration

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ENTRYPOINT = 'POD_IP=$(hostname -i) exec tini -- python -m switchboard_spark.run "$@"'


@dataclass
class Stage:
    """A namespace with a kubelet, and what drivers start with."""

    plane: ControlPlane
    kubelet: Kubelet
    namespace: str
    containers: Docker
    image: str
    gateway: str
    s3: S3
    folder: Path

    def task(self, **size: Any) -> SparkTask:
        return make_task(**{"executor_memory_mib": 896, "driver_memory_mib": 896, **size}).model_copy(
            update={
                "image": self.image,
                "namespace": self.namespace,
                "executor_priority_class": "",
                "node_selector": {},
                "tolerations": [],
                "event_log_uri": "s3a://logs/spark-events/test",
                "unschedulable_seconds": 5,
            }
        )

    def driver_pod(self) -> str:
        """A driver's pod, as far as Spark asks for it; gives its uid."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "driver", "namespace": self.namespace},
            "spec": {"containers": [{"name": "base", "image": "i"}]},
        }
        self.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pod))
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        words = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": ready}))
        self.plane.kubectl("patch", "pod", "driver", "-n", self.namespace, *words)
        get = ("get", "pod", "driver", "-n", self.namespace, "-o", "jsonpath={.metadata.uid}")
        return self.plane.kubectl(*get)

    def begin(self, task: SparkTask, application: str, **arguments: Any) -> Container:
        """Start a driver."""
        environment = {
            **self.s3.environment,
            TASK_VARIABLE: task.model_dump_json(),
            "POD_NAME": "driver",
            "POD_UID": self.driver_pod(),
            "POD_NAMESPACE": self.namespace,
        }
        message = self.folder / "termination-log"
        message.write_text("")
        message.chmod(0o666)
        return self.containers.start(
            self.image,
            *("-c", ENTRYPOINT, "sh", "--application", application, "--arguments", json.dumps(arguments)),
            entrypoint="sh",
            environment=environment,
            extra_hosts={"kubernetes.default.svc": self.gateway},
            tmpfs=TMP,
            volumes={
                str(self.folder / "account"): {"bind": ACCOUNT, "mode": "ro"},
                str(message): {"bind": "/dev/termination-log", "mode": "rw"},
            },
        )

    def run(self, task: SparkTask, application: str, **arguments: Any) -> tuple[int, Any, str]:
        """Run a driver to its end; gives its exit status, what it said of it, and its log."""
        driver = self.begin(task, application, **arguments)
        status = int(driver.wait(timeout=400)["StatusCode"])
        return status, self.said(), log_of(driver)

    def executors(self) -> list[Container]:
        return list(self.kubelet.running.values())

    def said(self) -> Any:
        return json.loads((self.folder / "termination-log").read_text() or "null")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture(scope="module")
def entrance(plane: ControlPlane, gateway: str) -> Iterator[str]:
    """Where containers reach the API server, on the port that its name has in a cluster."""
    forward = Forward(gateway, 443, int(urlsplit(plane.url).port or 0))
    yield gateway
    forward.stop()


@pytest.fixture
def stage(
    plane: ControlPlane,
    entrance: str,
    containers: Docker,
    built: dict[str, str],
    s3: S3,
    tmp_path: Path,
) -> Iterator[Stage]:
    namespace = f"spark-{secrets.token_hex(4)}"
    plane.kubectl("create", "namespace", namespace)
    plane.kubectl("create", "serviceaccount", "spark-executor", "-n", namespace)
    has_account = ("get", "serviceaccount", "default", "-n", namespace, "--ignore-not-found", "-o", "name")
    until(lambda: plane.kubectl(*has_account))
    account = tmp_path / "account"
    account.mkdir()
    config = yaml.safe_load(Path(plane.kubeconfig).read_text())
    (account / "token").write_text(config["users"][0]["user"]["token"])
    certificate = config["clusters"][0]["cluster"]["certificate-authority-data"]
    (account / "ca.crt").write_bytes(base64.b64decode(certificate))
    (account / "namespace").write_text(namespace)
    kubelet = Kubelet(plane.kubeconfig, namespace, containers)
    kubelet.start()
    yield Stage(plane, kubelet, namespace, containers, built["spark-example"], entrance, s3, tmp_path)
    kubelet.stop()


def test_a_function_runs_on_executors_and_nothing_is_left(stage: Stage) -> None:
    status, said, log = stage.run(stage.task(), "example:pi", partitions=4)
    assert status == 0, log
    assert said["result"]["pi"] == pytest.approx(3.14, abs=0.02)
    assert stage.kubelet.running, "no executor was made"
    until(lambda: not stage.kubelet.pods())
    assert stage.plane.kubectl(
        "get", "configmaps,services,pvc", "-n", stage.namespace, "-o", "name"
    ).split() == ["configmap/kube-root-ca.crt"]


def test_the_first_executor_is_as_spark_makes_them(stage: Stage) -> None:
    """But for its number. Spark counts it: of two, it makes one."""
    task = stage.task(executors_min=2, executors_max=2).model_copy(update={"event_log_uri": ""})
    stage.begin(task, "example:sleep", partitions=2)
    until(lambda: sum("Running task" in log_of(each) for each in stage.executors()) == 2, timeout_s=120)
    first, second = sorted(stage.kubelet.pods(), key=lambda pod: str(pod.metadata.name))
    assert what_is_common(first, "0") == what_is_common(second, "1")


def what_is_common(pod: Any, number: str) -> list[Any]:
    """What the executors of a driver have in common, but for what only people look at, what goes without
    saying, and Java's own options, which the image has too.
    """
    whole = client.ApiClient().sanitize_for_serialization(pod)
    metadata, spec = whole["metadata"], whole["spec"]
    assert metadata["labels"].pop("spark-exec-id") == number
    for label in ("spark-app-name", "spark-version"):
        metadata["labels"].pop(label, None)
    assert spec.pop("hostname") == metadata["name"]
    (container,) = spec["containers"]
    container.pop("resizePolicy", None)
    values = {each["name"]: each.get("value") or each.get("valueFrom") for each in container.pop("env")}
    assert values.pop("SPARK_EXECUTOR_ID") == number
    options = [values.pop(name) for name in list(values) if name.startswith("SPARK_JAVA_OPT_")]
    kept = [metadata.get(name) for name in ("labels", "annotations", "ownerReferences")]
    return [*kept, spec, values, sorted(option for option in options if option.startswith("-Dspark."))]


def test_an_event_log_is_left_for_the_history_server(stage: Stage) -> None:
    status, _, log = stage.run(stage.task(), "example:pi", partitions=1)
    assert status == 0, log
    uid = stage.driver_pod().replace("-", "")
    keys = stage.s3.keys(f"spark-events/test/eventlog_v2_spark-{uid}/", "logs")
    assert [key for key in keys if "/events_1_" in key]


def test_a_record_of_the_run_is_left(stage: Stage) -> None:
    """Long enough for a heartbeat of the executor, which tells its memory."""
    uri = "s3://logs/spark-runs/test/speech/words/manual-1-2.json"
    task = stage.task(executors_min=0, executors_max=1).model_copy(
        update={"recording": RECORDING.model_copy(update={"uri": uri})}
    )
    status, _, log = stage.run(task, "example:sleep", seconds=12, partitions=2)
    assert status == 0, log
    assert "not recorded" not in log
    assert "lacks what Spark knows" not in log
    record = RunRecord.model_validate_json(stage.s3.get(uri.removeprefix("s3://logs/"), "logs"))
    assert (record.outcome, record.application, record.size) == ("success", "example:sleep", task.size)
    assert record.work is not None
    assert (record.work.tasks, record.work.failed_tasks) == (2, 0)
    assert 24 <= record.work.task_s < record.duration_s
    assert record.session_s is not None
    assert record.first_executor_s is not None
    assert 0 < record.session_s < record.duration_s
    (executor,) = record.executors
    assert 0 < executor.registered_s == record.first_executor_s < record.duration_s - 24
    assert record.executor_peak is not None
    assert record.executor_peak.python_mib > 10
    assert 200 < record.executor_peak.resident_mib < task.size.executor_memory_mib
    assert record.driver_peak is not None
    assert 200 < record.driver_peak.resident_mib < task.size.driver_memory_mib
    assert record.cost > 0


def test_a_run_that_fails_is_recorded_too(stage: Stage) -> None:
    recording = RECORDING.model_copy(update={"uri": "s3://logs/spark-runs/test/failed.json"})
    task = stage.task().model_copy(update={"recording": recording})
    status, said, log = stage.run(task, "example:fail_in_worker")
    assert status == 1, log
    record = RunRecord.model_validate_json(stage.s3.get("spark-runs/test/failed.json", "logs"))
    assert (record.outcome, record.reason) == ("application", said["reason"])
    assert record.work is not None
    assert record.work.failed_tasks == 4


def test_a_task_that_takes_too_much_memory_names_the_size_to_choose(stage: Stage) -> None:
    status, said, _ = stage.run(stage.task(), "example:fill_memory")
    assert (status, said["kind"]) == (1, "application")
    assert "896 MiB" in said["reason"]
    assert "'medium'" in said["remedy"]
    until(lambda: not stage.kubelet.pods())


def test_executors_that_keep_dying_end_the_application_and_show_their_logs(stage: Stage) -> None:
    status, said, log = stage.run(stage.task(executors_max=1), "example:kill_executors", partitions=1)
    assert (status, said["kind"]) == (1, "application")
    assert "exit code 137" in said["reason"]
    assert "The end of its log" in log  # which this kubelet does not serve
    until(lambda: not stage.kubelet.pods())


def test_a_quota_without_room_is_quoted_before_anything_starts(stage: Stage) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "spark", "namespace": stage.namespace},
        "spec": {"hard": {"requests.memory": "512Mi"}},
    }
    stage.driver_pod()  # before the quota, which would ask it for its memory
    stage.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(quota))
    get = ("get", "resourcequota", "spark", "-n", stage.namespace, "-o", "jsonpath={.status.hard}")
    until(lambda: stage.plane.kubectl(*get))
    status, said, _ = stage.run(stage.task(), "example:pi")
    assert (status, said["kind"]) == (65, "infrastructure")
    assert "exceeded quota: spark" in said["reason"]
    assert not stage.kubelet.running


def test_a_driver_that_is_stopped_takes_its_executors_with_it(stage: Stage) -> None:
    driver = stage.begin(stage.task(), "example:sleep", seconds=300)
    until(lambda: any("Running task" in log_of(each) for each in stage.executors()), timeout_s=120)
    assert "metrics_spark_driver_" in page(driver, 4040, "/metrics/prometheus/")
    assert 'executor_id="0"' in page(driver, 4040, "/metrics/executors/prometheus")
    driver.stop(timeout=10)
    driver.reload()
    assert driver.attrs["State"]["ExitCode"] == 143
    until(lambda: not stage.kubelet.pods(), timeout_s=30)


def test_executors_end_by_themselves_when_their_driver_is_killed(stage: Stage) -> None:
    driver = stage.begin(stage.task(executors_max=1), "example:sleep", seconds=300)
    # Later than its registration: while it starts, it waits for its driver's answers for two minutes.
    until(lambda: any("Running task" in log_of(each) for each in stage.executors()), timeout_s=120)
    driver.kill()
    until(lambda: stage.kubelet.logs, timeout_s=30)


def test_an_executor_that_is_drained_hands_over_and_ends(stage: Stage) -> None:
    """What the pre-stop hook does; another executor takes its place, and the application goes on."""
    driver = stage.begin(stage.task(executors_max=1), "example:sleep", seconds=5, partitions=2)
    until(lambda: any("Running task" in log_of(each) for each in stage.executors()), timeout_s=120)
    (first,) = stage.kubelet.pods()
    stage.plane.kubectl("delete", "pod", first.metadata.name, "-n", stage.namespace, "--wait=false")
    assert int(driver.wait(timeout=240)["StatusCode"]) == 0, log_of(driver)
    assert "Decommission" in stage.kubelet.logs[first.metadata.name]
    assert len(stage.kubelet.running) > 1
