"""The driver's calls of the Kubernetes API, against a real one without nodes."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from switchboard_spark import preflight
from switchboard_spark.conf import cluster_conf
from switchboard_spark.first import first_executor
from switchboard_spark.kube import Api, ApiError, ApiUnreachableError
from switchboard_spark.model import EXIT_INFRASTRUCTURE, EXIT_PERMANENT, SparkTask
from switchboard_spark.pods import DRIVER_LABEL, PodIdentity, trial_pod
from switchboard_spark.preflight import RefusedError, make_executor
from switchboard_spark.verdicts import Judgement
from switchboard_spark.watch import Watcher
from tests.support.control_plane import ControlPlane, control_plane
from tests.support.waiting import until
from tests.unit.spark.conftest import make_task

pytestmark = pytest.mark.integration

POD = PodIdentity("driver", "0a1b-2c3d", "10.0.0.7", "")
SELECTOR = f"{DRIVER_LABEL}={POD.uid}"


def first_of(task: SparkTask, pod: PodIdentity = POD) -> dict[str, Any]:
    return first_executor(task, pod, cluster_conf(task, pod, Path("template"), {}), "c2VjcmV0")


class Cluster:
    """A namespace of the control plane, and a driver's view of it."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self._plane, self.namespace = plane, f"spark-{secrets.token_hex(4)}"
        config = yaml.safe_load(Path(plane.kubeconfig).read_text())
        (folder / "token").write_text(config["users"][0]["user"]["token"])
        ca = config["clusters"][0]["cluster"]["certificate-authority-data"]
        (folder / "ca.crt").write_bytes(base64.b64decode(ca))
        self.api = Api(self.namespace, plane.url, folder)
        self.kubectl("create", "namespace", self.namespace)
        for name in ("default", "spark-executor"):
            if name != "default":
                self.kubectl("create", "serviceaccount", name, "-n", self.namespace)
            until(f"account {name}", lambda name=name: self._has_account(name))  # type: ignore[misc]

    def _has_account(self, name: str) -> bool:
        found = self.kubectl("get", "serviceaccount", "-n", self.namespace, "-o", "name")
        return f"serviceaccount/{name}" in found.split()

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return self._plane.kubectl(*words, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def quota(self, **hard: str) -> None:
        """A quota that the controller has counted."""
        spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "spark", "namespace": self.namespace},
                "spec": spec,
            }
        )
        get = ("get", "resourcequota", "spark", "-n", self.namespace, "-o", "jsonpath={.status.hard}")
        until("the quota counts", lambda: self.kubectl(*get))

    def executor(self, task: SparkTask, name: str) -> None:
        """An executor that no scheduler looks at."""
        pod = trial_pod(task, POD)
        pod["metadata"] |= {"name": name, "namespace": self.namespace}
        pod["metadata"].pop("generateName")
        self.apply(pod)

    def status(self, name: str, **status: Any) -> None:
        """What a kubelet or a scheduler would write."""
        patch = json.dumps({"status": status})
        words = ("--subresource=status", "--type=merge", "-p", patch)
        self.kubectl("patch", "pod", name, "-n", self.namespace, *words)

    def pod(self, name: str) -> str:
        """Make a pod; its uid."""
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            }
        )
        return self.kubectl("get", "pod", name, "-n", self.namespace, "-o", "jsonpath={.metadata.uid}")

    def pods(self) -> list[str]:
        return self.kubectl("get", "pods", "-n", self.namespace, "-o", "name").split()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def cluster(plane: ControlPlane, tmp_path: Path) -> Cluster:
    return Cluster(plane, tmp_path)


@pytest.fixture
def task() -> SparkTask:
    # Priority classes are for the cluster; one test is about them.
    return make_task().model_copy(update={"executor_priority_class": ""})


def test_a_trial_leaves_nothing(cluster: Cluster, task: SparkTask) -> None:
    cluster.api.try_create(trial_pod(task, POD))
    assert cluster.pods() == []


@pytest.mark.parametrize(
    ("memory", "others", "status"),
    [("512Mi", 0, EXIT_PERMANENT), ("1536Mi", 1, EXIT_INFRASTRUCTURE)],
    ids=["too small", "used by others"],
)
def test_a_quota_refuses_the_first_executor(
    cluster: Cluster, task: SparkTask, memory: str, others: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "PATIENCE_S", 0)
    cluster.quota(requests_memory=memory)
    for number in range(others):
        cluster.executor(task, f"other-{number}")
    with pytest.raises(RefusedError, match="exceeded quota: spark") as caught:
        make_executor(cluster.api, first_of(task))
    assert caught.value.judgement.exit_code == status
    assert len(cluster.pods()) == others


def test_a_priority_class_that_is_not_there_refuses_the_first_executor(
    cluster: Cluster, task: SparkTask
) -> None:
    odd = task.model_copy(update={"executor_priority_class": "nobody"})
    with pytest.raises(RefusedError, match="nobody") as caught:
        make_executor(cluster.api, first_of(odd))
    assert caught.value.judgement.exit_code == EXIT_PERMANENT


def test_a_restricted_namespace_takes_executors(cluster: Cluster, task: SparkTask) -> None:
    driver = replace(POD, uid=cluster.pod("driver"))  # what belongs to nobody is collected
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", cluster.namespace, label)
    make_executor(cluster.api, first_of(task, driver))
    make_executor(cluster.api, first_of(task, driver))  # the answer to the first call was lost, say
    assert cluster.pods() == ["pod/driver", f"pod/driver-{driver.uid[:8]}-exec-0"]


def test_changes_are_seen_and_the_version_goes_on(cluster: Cluster, task: SparkTask) -> None:
    pods, version = cluster.api.pods(SELECTOR)
    assert pods == []
    cluster.executor(task, "exec-1")
    seen = list(cluster.api.changes(SELECTOR, version, 1))
    assert [(change["type"], change["object"]["metadata"]["name"]) for change in seen] == [
        ("ADDED", "exec-1")
    ]
    assert cluster.api.pods("a=b")[0] == []


def test_all_of_a_drivers_executors_go_at_once(cluster: Cluster, task: SparkTask) -> None:
    for number in range(3):
        cluster.executor(task, f"exec-{number}")
    cluster.pod("another")
    cluster.api.delete_pods(SELECTOR)
    until("only the other is left", lambda: cluster.pods() == ["pod/another"])


def test_refusals_and_silence_are_told_apart(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="not found") as caught:
        cluster.api.log_tail("nobody", 40)
    assert caught.value.status == 404
    silent = Api(cluster.namespace, "https://127.0.0.1:1", tmp_path)
    with pytest.raises(ApiUnreachableError, match="GET pods"):
        silent.pods(SELECTOR)


class Ended:
    """What a watcher gives up with."""

    def __init__(self, cluster: Cluster, task: SparkTask, limit_s: float = 120) -> None:
        self._found: list[Judgement] = []
        self._done = threading.Event()
        self.watcher = Watcher(cluster.api, task, POD, lambda: False, self._end, limit_s)
        self.watcher.start()

    def _end(self, judgement: Judgement) -> None:
        self._found.append(judgement)
        self._done.set()

    def reason(self) -> str:
        assert self._done.wait(30), "it goes on waiting"
        return self._found[0].verdict.reason


def test_an_executor_without_a_node_is_given_up(cluster: Cluster, task: SparkTask) -> None:
    ended = Ended(cluster, task, limit_s=1)
    cluster.executor(task, "exec-1")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    cluster.status("exec-1", conditions=[condition])
    assert "0/1 nodes" in ended.reason()


def test_executors_that_die_are_remembered_although_they_are_removed(
    cluster: Cluster, task: SparkTask
) -> None:
    ended = Ended(cluster, make_task(executors_max=1).model_copy(update={"executor_priority_class": ""}))
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "last words"}}
    container = {"name": "spark-executor", "image": "i", "imageID": "i", "ready": False, "restartCount": 0}
    for number in range(3):
        cluster.executor(task, f"exec-{number}")
        cluster.status(f"exec-{number}", phase="Failed", containerStatuses=[{**container, "state": state}])
        cluster.kubectl("delete", "pod", f"exec-{number}", "-n", cluster.namespace, "--now", "--wait=false")
    assert "3 of them for want of memory" in ended.reason()
    assert [death.tail for death in ended.watcher.observer.deaths] == ["last words"] * 3


def test_events_say_why_an_image_is_not_pulled(cluster: Cluster, task: SparkTask) -> None:
    ended = Ended(cluster, task)
    cluster.executor(task, "exec-1")
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "pull", "namespace": cluster.namespace},
            "type": "Warning",
            "reason": "Failed",
            "message": "Failed to pull image: manifest unknown",
            "involvedObject": {"kind": "Pod", "name": "exec-1", "namespace": cluster.namespace},
        }
    )
    wait = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    container = {"name": "spark-executor", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
    cluster.status("exec-1", containerStatuses=[{**container, "state": wait}])
    assert "manifest unknown" in ended.reason()
