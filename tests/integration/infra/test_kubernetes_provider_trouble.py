"""Pulumi programs when the API server, the engine or the person at the keyboard goes away."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from infra.offline.kubernetes_provider.cluster import Cluster, UnreachableError
from infra.offline.kubernetes_provider.kubeconfig import load
from infra.offline.kubernetes_provider.objects import Ref
from tests.support.control_plane import ControlPlane, control_plane
from tests.support.pulumi_stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


UNREACHABLE = """
import os
k8s.core.v1.ConfigMap("there", metadata={{"name": "there"}}, opts=pulumi.ResourceOptions(
    provider=k8s.Provider("p", kubeconfig=os.environ["THERE"], delete_unreachable={forget})))
"""


@pytest.mark.parametrize("forget", [False, True])
def test_a_cluster_that_is_gone(stack: Stack, plane: ControlPlane, tmp_path: Path, *, forget: bool) -> None:
    program = UNREACHABLE.format(forget=forget)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(Path(plane.kubeconfig).read_text())
    stack.env["THERE"] = str(kubeconfig)
    stack.up(program)
    kubeconfig.write_text(kubeconfig.read_text().replace(plane.url, "https://127.0.0.1:9"))
    done = stack.destroy()
    kubeconfig.write_text(Path(plane.kubeconfig).read_text())
    if forget:
        assert done.changes == {"delete": 3}
        plane.kubectl("delete", "configmap", "there")
    else:
        assert done.status != 0
        assert "the cluster at https://127.0.0.1:9 cannot be reached" in done.output


def test_a_cluster_made_anew_is_filled_again(stack: Stack, plane: ControlPlane, tmp_path: Path) -> None:
    program = """
    import os
    kubeconfig = open(os.environ["KUBECONFIG"]).read()
    provider = k8s.Provider("p", kubeconfig=kubeconfig, delete_unreachable=True, cluster_identifier="test")
    options = pulumi.ResourceOptions(provider=provider)
    k8s.core.v1.ConfigMap("again", metadata={"name": "again"}, opts=options)
    """
    (tmp_path / "first").mkdir()
    with control_plane(tmp_path / "first") as first:
        stack.env["KUBECONFIG"] = first.kubeconfig
        assert stack.up(program).changes == {"create": 3}
    stack.env["KUBECONFIG"] = plane.kubeconfig
    assert stack.up(program, "--refresh").changes == {"create": 1, "update": 1}
    assert plane.kubectl("get", "configmap", "again", "-o", "name")


def test_a_cluster_with_another_certificate_is_not_the_same(plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with control_plane(tmp_path / "other") as other:
        stranger = Path(other.kubeconfig).read_text().replace(other.url, plane.url)
        cluster = Cluster(load(stranger, None, None))
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            cluster.get(Ref("v1", "Namespace", "default"))


def test_previews_what_will_run_on_a_cluster_that_is_not_there_yet(stack: Stack) -> None:
    done = stack.preview("""
    provider = k8s.Provider("p", kubeconfig=pulumi.output.UNKNOWN)
    options = pulumi.ResourceOptions(provider=provider)
    k8s.core.v1.ConfigMap("a", metadata={"name": "a"}, opts=options)
    """)
    assert done.status == 0, done.output
    assert done.changes == {"create": 3}


def test_no_plugin_survives_a_killed_engine(stack: Stack, plane: ControlPlane) -> None:
    (stack.folder / "__main__.py").write_text(
        stack.program("""
    k8s.core.v1.PersistentVolumeClaim("never", metadata={"name": "never"}, spec={
        "access_modes": ["ReadWriteOnce"], "storage_class_name": "absent",
        "resources": {"requests": {"storage": "1Gi"}},
    })
    """)
    )
    engine = subprocess.Popen(
        ["pulumi", "up", "--stack", "test", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder, env=stack.env, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _until(lambda: "never" in plane.kubectl("get", "pvc", "-o", "name"))
    plugins = _plugins_of(engine.pid)
    assert plugins
    engine.kill()
    engine.wait()
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in plugins))
    subprocess.run(
        ["pulumi", "cancel", "--yes", "--stack", "test"], cwd=stack.folder, env=stack.env, check=False
    )
    plane.kubectl("delete", "pvc", "never")


def _plugins_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task").glob("*/children")
    pids = {int(pid) for path in children for pid in path.read_text().split()}
    return [pid for pid in pids if b"pulumi-resource-kubernetes" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def _until(true: Any, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_an_interrupted_wait_ends_and_keeps_the_object(stack: Stack, plane: ControlPlane) -> None:
    (stack.folder / "__main__.py").write_text(
        stack.program("""
    spec = {"selector": {"app": "absent"}, "ports": [{"port": 80}]}
    k8s.core.v1.Service("web", metadata={"name": "web"}, spec=spec)
    """)
    )
    engine = subprocess.Popen(
        ["pulumi", "up", "--stack", "test", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder, env=stack.env, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    _until(lambda: "service/web" in plane.kubectl("get", "service", "-o", "name"))
    os.kill(engine.pid, signal.SIGINT)
    output, _ = engine.communicate(timeout=30)
    assert "cancelled while waiting" in output
    assert "kubernetes:core/v1:Service" in stack.state()
