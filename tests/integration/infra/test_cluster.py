"""The cluster stack here: up, nothing to do, healed after a kill and a cut-off run, gone without a trace.

It is an environment of its own, beside the one that may be up: other names, ports and network, two nodes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import boto3
import pytest
import yaml

from infra.cluster.engine import choose_engine
from infra.cluster.leftovers import Snapshot, left, snapshot
from infra.cluster.settings import PROJECT, Settings, load
from infra.shared.command import CommandError, run
from infra.shared.engine import call
from infra.shared.outputs import ClusterOutputs
from infra.shared.paths import REPOSITORY, Paths
from infra.shared.stack import Stack
from tests.support.machine import machine
from tests.support.ports import free_ports
from tests.support.power_cut import cut_power
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ENV = "trial"
PROBE = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: probe}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  terminationGracePeriodSeconds: 0
  nodeSelector: {pool: tainted}
  tolerations: [{key: only, operator: Equal, value: probe, effect: NoSchedule}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: probe}}]
  containers:
    - name: probe
      image: %(image)s
      command: [bash, -c, "%(script)s"]
      volumeMounts: [{name: data, mountPath: /data}]
"""
SCRIPT = (
    "getent hosts kubernetes.default.svc.cluster.local && exec 3<>/dev/tcp/%(host)s/%(port)s "
    "&& echo reached > /data/probe && cat /data/probe && sleep infinity"
)


def stack_settings() -> dict:
    registry, s3, airflow, git = free_ports(4)
    return {
        "cluster_name": "switchboard-trial",
        "network_cidr": "10.112.0.0/24",
        "registry_port": registry,
        "s3_port": s3,
        "entrances": {
            "airflow": {"node_port": 30080, "host_port": airflow},
            "git": {"node_port": 30081, "host_port": git},
        },
        "region": "us-east-1",
        "buckets": {"data": "trial-data", "logs": "trial-logs"},
        "node_pools": {
            "general": {"labels": {"pool": "general"}},
            "tainted": {
                "labels": {"pool": "tainted"},
                "taints": [{"key": "only", "value": "probe", "effect": "NoSchedule"}],
            },
        },
    }


class Trial:
    """The environment under test, and what there was before it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stack = Stack("cluster", ENV, self.said.append)
        self.paths = Paths.of(ENV)
        self.settings: Settings = load(ENV)
        self.engine = choose_engine(self.paths).engine
        self.before: Snapshot = self.snapshot()

    def snapshot(self) -> Snapshot:
        found = snapshot(self.settings, self.engine, self.paths)
        # Found out before the first `up`, and removed by `down`.
        return found | {"files": found["files"] - {str(self.paths.engine)}}

    def up(self) -> str:
        self.said.clear()
        self.stack.up()
        return "\n".join(self.said)

    def outputs(self) -> ClusterOutputs:
        return ClusterOutputs.model_validate(self.stack.outputs()["cluster"])

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return run(["kubectl", "--kubeconfig", self.paths.kubeconfig, *words], stdin=stdin, timeout_s=180)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("trial")
    files = {"config": {f"{PROJECT}:settings": stack_settings()}}
    (folder / f"{PROJECT}.{ENV}.yaml").write_text(yaml.safe_dump(files))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWITCHBOARD_STACK_FILES", str(folder))
        patch.setenv("SWITCHBOARD_HOME", str(folder / "home"))
        patch.setenv("PATH", f"{Paths.of(ENV).tools_bin}{os.pathsep}{os.environ['PATH']}")
        with machine():
            trial = Trial()
            try:
                yield trial
            finally:
                trial.stack.destroy()


def test_1_preview_works_with_nothing_there(trial: Trial) -> None:
    trial.stack.preview()
    assert "KindCluster kind create" in "\n".join(trial.said)
    assert not list(trial.paths.state.glob("kubeconfig"))


def test_2_up_makes_nodes_registry_and_object_store(trial: Trial) -> None:
    trial.up()
    outputs = trial.outputs()
    nodes = json.loads(trial.kubectl("get", "nodes", "-o", "json"))["items"]
    pools = {node["metadata"]["labels"]["pool"]: node["spec"].get("taints", []) for node in nodes}
    limit = call(trial.engine, "inspect", "--format={{.HostConfig.PidsLimit}}", "switchboard-trial-worker")
    assert limit.strip() in {"0", "-1", "<nil>"}, "a node's pods have as many processes as the machine has"
    assert pools == {"general": [], "tainted": [{"key": "only", "value": "probe", "effect": "NoSchedule"}]}
    assert list(outputs.node_pools) == ["general", "tainted"]
    store = outputs.object_store
    assert store.access_key_id
    assert store.secret_access_key
    s3 = boto3.client(
        "s3",
        endpoint_url=store.host_endpoint_url,
        region_name=store.region,
        aws_access_key_id=store.access_key_id.get_secret_value(),
        aws_secret_access_key=store.secret_access_key.get_secret_value(),
    )
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["trial-data", "trial-logs"]
    s3.put_object(Bucket="trial-data", Key="kept", Body=b"kept")


def test_3_a_pod_pulls_from_the_registry_and_reaches_volume_names_and_store(trial: Trial) -> None:
    outputs = trial.outputs()
    image = f"{outputs.image_registry}/probe:1"
    base = "localhost/switchboard/debian:bookworm" if trial.engine == "podman" else "debian:bookworm-slim"
    call(trial.engine, "tag", base, image)
    call(trial.engine, "push", *(["--tls-verify=false"] if trial.engine == "podman" else []), image)
    call(trial.engine, "rmi", image)
    host, _, port = str(outputs.object_store.endpoint_url).removeprefix("http://").partition(":")
    script = SCRIPT % {"host": host, "port": port}
    trial.kubectl("apply", "-f", "-", stdin=PROBE % {"image": image, "script": script})
    trial.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=150s")
    until_log = time.monotonic() + 30
    while "reached" not in (log := trial.kubectl("logs", "probe")) and time.monotonic() < until_log:
        time.sleep(1)
    assert "kubernetes.default.svc.cluster.local" in log
    assert "reached" in log


def test_4_a_second_up_changes_nothing(trial: Trial) -> None:
    said = trial.up()
    assert "unchanged" in said
    assert not any(mark in said for mark in (" + ", "+-", " - ")), said


def test_5_killed_containers_come_back_with_what_they_had(trial: Trial) -> None:
    kubeconfig = trial.paths.kubeconfig.read_text()
    cut_power(trial.engine, "switchboard-trial-control-plane", "switchboard-trial-s3")
    call(trial.engine, "kill", "switchboard-trial-worker")
    said = trial.up()
    assert "starting node switchboard-trial-control-plane again" in said
    assert trial.paths.kubeconfig.read_text() == kubeconfig, said
    until("the pod has what it had", lambda: "reached" in kept(trial), 120)


def kept(trial: Trial) -> str:
    """What the pod has on its volume. It is called ready, from before, until its kubelet has looked at it."""
    try:
        return trial.kubectl("exec", "probe", "--", "cat", "/data/probe")
    except CommandError:
        return ""


def test_6_a_run_that_was_killed_is_cleared_and_goes_on(trial: Trial) -> None:
    for name in ("control-plane", "worker"):
        call(trial.engine, "kill", f"switchboard-trial-{name}")
    if trial.engine == "podman":  # as a run that is killed at the wrong moment leaves it
        network = next(iter(trial.snapshot()["networks"]))
        call(trial.engine, "network", "disconnect", network, "switchboard-trial-worker")
    command = [sys.executable, "-m", "infra.shared.stack", "up", "cluster", "--env", ENV]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=trial.stack.environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stdout or ():
            if "KindCluster kind creating" in line:
                break
        # Pulumi writes down what it has begun a moment after it says so.
        time.sleep(2)
        os.killpg(process.pid, signal.SIGKILL)
    said = trial.up()
    assert "clearing the lock of a run that was killed" in said
    assert "a run was cut off while it worked on kind" in said
    assert "making it anew" not in said
    assert kind_nodes_ready(trial) == 2


def test_7_a_claim_that_goes_takes_its_folder_along(trial: Trial) -> None:
    assert "probe" in folders(trial)
    trial.kubectl("delete", "pod/probe", "persistentvolumeclaim/probe", "--timeout=60s")
    trial.kubectl("wait", "--for=delete", "persistentvolume", "--all", "--timeout=60s")
    assert not folders(trial)


def folders(trial: Trial) -> str:
    """Those of volumes on the node that the pod was on."""
    return call(trial.engine, "exec", "switchboard-trial-worker", "ls", "/var/local-path-provisioner").strip()


def test_8_destroy_leaves_nothing_behind(trial: Trial) -> None:
    if trial.engine == "podman":  # kind makes a node's volume first, and may be killed before the node
        call(trial.engine, "volume", "create", "--label=switchboard-trial-worker2=true")
    trial.stack.destroy()
    assert left(trial.before, trial.snapshot()) == []
    assert not trial.paths.state.exists()


def kind_nodes_ready(trial: Trial) -> int:
    return trial.kubectl("get", "nodes").count(" Ready ")


def test_9_destroy_of_what_is_not_there_is_no_error(trial: Trial) -> None:
    trial.stack.destroy()
