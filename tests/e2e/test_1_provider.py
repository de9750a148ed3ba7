"""The stand-in plugin on a cluster with nodes: what gets ready, what does not, and the reasons given."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.shared.paths import Paths
from ops.environment import Environment
from tests.support.pulumi_stack import Done, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("started_runs")]

TRIAL, FAILING = "provider-trial", "provider-failing"
HEAD = """
namespace = k8s.core.v1.Namespace("trial", metadata={"name": NAMESPACE})
place = {"namespace": namespace.metadata.name}
soon = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="90s", update="90s"))

def pods(*arguments, app="web", image=IMAGE, **rest):
    container = {"name": "web", "image": image, "args": list(arguments), **rest}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container]}}

def selector(app="web"):
    return {"match_labels": {"app": app}}
"""


@pytest.fixture(scope="module")
def image(stack: Environment) -> str:
    """An image that is on every node, whatever that was made from: the one of the cluster's DNS."""
    found = json.loads(stack.kubectl("-n", "kube-system", "get", "deployment", "coredns", "-o", "json"))
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def _program(image: str, namespace: str, text: str) -> str:
    return f"IMAGE, NAMESPACE = {image!r}, {namespace!r}\n{HEAD}{text}"


@contextmanager
def _made(stack: Environment, folder: Path) -> Iterator[Stack]:
    """A Pulumi stack on the environment's cluster, destroyed in the end."""
    with pytest.MonkeyPatch.context() as patch:
        made = Stack(folder / "stack", str(Paths.of(stack.name).kubeconfig), patch)
        try:
            yield made
        finally:
            assert made.destroy().status == 0


@pytest.fixture
def trial(stack: Environment, tmp_path: Path) -> Iterator[Stack]:
    with _made(stack, tmp_path) as made:
        yield made


NEVER_READY = """
k8s.apps.v1.Deployment("absent", metadata={"name": "absent", **place}, opts=soon, spec={
    "selector": selector("absent"), "template": pods(app="absent", image="localhost:1/absent:1"),
})
k8s.apps.v1.Deployment("crashes", metadata={"name": "crashes", **place}, opts=soon, spec={
    "selector": selector("crashes"),
    # On a busy machine it takes a while to crash, and without a probe it would count as ready meanwhile
    "template": pods("-conf", "/no/such/file", app="crashes", readiness_probe={"tcp_socket": {"port": 1}}),
})
k8s.batch.v1.Job("fails", metadata={"name": "fails", **place}, spec={
    "backoff_limit": 0,
    "template": {"spec": {**pods("-conf", "/no/such/file")["spec"], "restart_policy": "Never"}},
})
"""


@pytest.fixture(scope="module")
def failing(
    stack: Environment, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[Done]]:
    """The end of an `up` of resources that do not get ready, all at once. Others are made meanwhile."""
    with _made(stack, tmp_path_factory.mktemp("failing")) as made, ThreadPoolExecutor(1) as beside:
        yield beside.submit(made.try_up, _program(image, FAILING, NEVER_READY))


@pytest.fixture(scope="module")
def failed(failing: Future[Done]) -> dict[str, str]:
    """What Pulumi said of each of them in the end, by its name."""
    done = failing.result()
    print(done.output)
    assert done.status != 0
    errors = re.split(r"(?m)^error: ", done.output)[1:]
    named = ((re.search(rf"{FAILING}/(\w+) ", text), text) for text in errors)
    return {name[1]: text for name, text in named if name}


@pytest.mark.usefixtures("failing")
def test_waits_for_all_kinds_and_then_has_nothing_to_do(trial: Stack, image: str) -> None:
    program = _program(
        image,
        TRIAL,
        """
k8s.apps.v1.Deployment("web", metadata={"name": "web", **place}, spec={
    "replicas": 2, "selector": selector(), "template": pods("-dns.port=1053"),
})
k8s.core.v1.Service(
    "web", metadata={"name": "web", **place}, spec={"selector": {"app": "web"}, "ports": [{"port": 53}]})
claim = {"metadata": {"name": "data"}, "spec": {
    "access_modes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
k8s.core.v1.PersistentVolumeClaim("later", metadata={"name": "later", **place}, spec=claim["spec"])
k8s.apps.v1.StatefulSet("store", metadata={"name": "store", **place}, spec={
    "service_name": "store", "replicas": 1, "selector": selector(), "volume_claim_templates": [claim],
    "template": pods("-dns.port=1053", volume_mounts=[{"name": "data", "mount_path": "/data"}]),
})
job = k8s.batch.v1.Job("once", metadata={"name": "once", **place}, spec={
    "template": {"spec": {**pods("-version")["spec"], "restart_policy": "Never"}},
})
pulumi.export("succeeded", job.status.succeeded)
""",
    )
    assert trial.up(program).changes == {"create": 7}
    assert trial.outputs() == {"succeeded": 1}
    assert trial.up(program, "--refresh").changes == {}


def test_an_image_that_cannot_be_pulled_is_told_by_the_pods_event(failed: dict[str, str]) -> None:
    said = failed["absent"]
    assert f"Deployment {FAILING}/absent was not ready after 90 s" in said
    assert re.search(r"container web: (ErrImagePull|ImagePullBackOff) \".*localhost:1/absent:1", said)
    assert re.search(rf'event of Pod {FAILING}/absent-.*: Failed "Failed to pull image .*refused', said)


def test_a_job_that_fails_is_told_by_its_last_lines(failed: dict[str, str]) -> None:
    said = failed["fails"]
    assert f"Job {FAILING}/fails failed: BackoffLimitExceeded" in said
    assert "exit code 1" in said
    assert f"last lines of Pod {FAILING}/fails-" in said
    assert "/no/such/file" in said.split("last lines of")[1]


def test_a_pod_that_crashes_is_told_by_the_lines_of_the_run_before(failed: dict[str, str]) -> None:
    said = failed["crashes"]
    assert re.search(r'container web: CrashLoopBackOff "back-off|container web: Error, exit code 1', said)
    assert re.search(rf'event of Pod {FAILING}/crashes-.*: BackOff "Back-off restarting failed', said)
    assert "/no/such/file" in said.split("last lines of")[1]
