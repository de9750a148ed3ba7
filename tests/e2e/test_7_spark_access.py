"""What a Spark driver may do and may not, who its executors are, what bounds them: asked of the cluster."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.shared.command import CommandError
from ops.environment import Environment

pytestmark = pytest.mark.e2e

DRIVER, EXECUTOR = "spark-driver", "spark-executor"
NOBODY = "no-such-account"
"""Has what every account has, and nothing else."""

ROW = re.compile(r"(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]\s*")
"""Of `kubectl auth can-i --list`: resource, URLs, names, verbs."""

MAY = [
    *(
        (verb, "pods", "")
        for verb in ("create", "get", "list", "watch", "patch", "delete", "deletecollection")
    ),
    ("get", "pods", "log"),
    ("list", "events", ""),
]
"""Verb, resource, subresource."""

MAY_NOT = [
    *(
        ("create", "pods", part)
        for part in ("exec", "attach", "portforward", "eviction", "ephemeralcontainers")
    ),
    *((verb, "secrets", "") for verb in ("get", "list", "watch", "create")),
    *((verb, "configmaps", "") for verb in ("get", "list", "create", "deletecollection")),
    *((verb, "services", "") for verb in ("create", "delete", "deletecollection")),
    *((verb, "persistentvolumeclaims", "") for verb in ("create", "list", "deletecollection")),
    *((verb, "deployments.apps", "") for verb in ("create", "patch", "delete")),
    *((verb, "resourcequotas", "") for verb in ("update", "delete")),
    *((verb, "roles.rbac.authorization.k8s.io", "") for verb in ("create", "update", "bind", "escalate")),
    ("create", "serviceaccounts", "token"),
    ("update", "pods", ""),
]

MAY_NOT_IN_THE_CLUSTER = [
    *((verb, "nodes", "") for verb in ("get", "list", "patch")),
    ("list", "namespaces", ""),
    ("create", "priorityclasses.scheduling.k8s.io", ""),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io", ""),
    ("impersonate", "users", ""),
]


@pytest.fixture(scope="module")
def namespace(stack: Environment) -> str:
    return str(stack.platform["namespaces"]["speech"])


def can(stack: Environment, who: str, what: tuple[str, str, str], *where: str) -> bool:
    """The API server's answer. `who` is namespace:name of a service account."""
    verb, resource, subresource = what
    part = ["--subresource", subresource] if subresource else []
    words = ["auth", "can-i", verb, resource, *part, "--as", f"system:serviceaccount:{who}", *where]
    try:
        answer = stack.kubectl(*words)
    except CommandError as error:
        if re.search(r"^no\b", error.output, re.MULTILINE):  # it is a status too
            return False
        raise
    assert answer.startswith("yes"), answer
    return True


def allowed(stack: Environment, namespace: str, who: str) -> dict[str, set[str]]:
    """Everything that an account may do in its namespace: verbs by resource, or by URL."""
    account = f"system:serviceaccount:{namespace}:{who}"
    listed = stack.kubectl("-n", namespace, "auth", "can-i", "--list", "--no-headers", "--as", account)
    found: dict[str, set[str]] = {}
    for line in listed.splitlines():
        if match := ROW.fullmatch(line):
            resource, urls, names, verbs = match.groups()
            found.setdefault(f"{resource or urls} {names}".strip(), set()).update(verbs.split())
    assert found, listed
    return found


@pytest.mark.parametrize("what", MAY, ids=" ".join)
def test_a_driver_may_in_its_namespace(
    stack: Environment, namespace: str, what: tuple[str, str, str]
) -> None:
    assert can(stack, f"{namespace}:{DRIVER}", what, "-n", namespace)


@pytest.mark.parametrize("what", MAY_NOT, ids=" ".join)
def test_a_driver_may_not_in_its_namespace(
    stack: Environment, namespace: str, what: tuple[str, str, str]
) -> None:
    assert not can(stack, f"{namespace}:{DRIVER}", what, "-n", namespace)


@pytest.mark.parametrize("what", MAY_NOT_IN_THE_CLUSTER, ids=" ".join)
def test_a_driver_may_not_in_the_cluster(
    stack: Environment, namespace: str, what: tuple[str, str, str]
) -> None:
    assert not can(stack, f"{namespace}:{DRIVER}", what)


@pytest.mark.parametrize("elsewhere", ["default", "kube-system", "dag-git"])
def test_a_driver_may_nothing_in_another_namespace(
    stack: Environment, namespace: str, elsewhere: str
) -> None:
    for what in MAY:
        assert not can(stack, f"{namespace}:{DRIVER}", what, "-n", elsewhere), what


def test_there_is_nothing_else_that_a_driver_may(stack: Environment, namespace: str) -> None:
    common, own = (allowed(stack, namespace, who) for who in (NOBODY, DRIVER))
    expected: dict[str, set[str]] = {}
    for verb, resource, subresource in MAY:
        expected.setdefault("/".join(filter(None, (resource, subresource))), set()).add(verb)
    assert {name: verbs for name, verbs in own.items() if common.get(name) != verbs} == expected
    assert common.items() <= own.items()


def test_an_executor_may_nothing(stack: Environment, namespace: str) -> None:
    assert allowed(stack, namespace, EXECUTOR) == allowed(stack, namespace, NOBODY)
    for what in MAY:
        assert not can(stack, f"{namespace}:{EXECUTOR}", what, "-n", namespace), what


@pytest.mark.parametrize("account", [DRIVER, EXECUTOR, "spark-history"])
def test_pods_get_no_token_unless_they_ask(stack: Environment, namespace: str, account: str) -> None:
    pod = accepted(stack, namespace, serviceAccountName=account)
    assert [volume["name"] for volume in pod["spec"].get("volumes", [])] == []
    assert "volumeMounts" not in pod["spec"]["containers"][0]


def test_a_driver_that_asks_gets_a_token(stack: Environment, namespace: str) -> None:
    pod = accepted(stack, namespace, serviceAccountName=DRIVER, automountServiceAccountToken=True)
    (volume,) = pod["spec"]["volumes"]
    assert any("serviceAccountToken" in source for source in volume["projected"]["sources"])


@pytest.mark.parametrize(("name", "value"), [(DRIVER, 100), (EXECUTOR, -10)])
def test_the_priorities_are_there(stack: Environment, namespace: str, name: str, value: int) -> None:
    found = json.loads(stack.kubectl("get", "priorityclass", name, "-o", "json"))
    assert (found["value"], found["preemptionPolicy"]) == (value, "Never")
    pod = accepted(stack, namespace, priorityClassName=name)
    assert (pod["spec"]["priority"], pod["spec"]["preemptionPolicy"]) == (value, "Never")


def test_the_quota_bounds_sparks_pods_and_no_others(stack: Environment, namespace: str) -> None:
    quota = json.loads(stack.kubectl("-n", namespace, "get", "resourcequota", "spark", "-o", "json"))
    allowed_pods = int(quota["spec"]["hard"]["pods"])
    assert set(quota["status"]["used"]) == {"pods", "requests.cpu", "requests.memory"}
    assert int(quota["status"]["used"]["pods"]) <= allowed_pods
    too_much = {"cpu": "900", "memory": "64Mi"}
    for name in (DRIVER, EXECUTOR):
        with pytest.raises(CommandError, match="exceeded quota: spark"):
            accepted(stack, namespace, too_much, priorityClassName=name)
    assert accepted(stack, namespace, too_much)["spec"].get("priority", 0) == 0


def test_containers_that_say_nothing_are_bounded(stack: Environment, namespace: str) -> None:
    resources = accepted(stack, namespace, {})["spec"]["containers"][0]["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_airflows_pods_are_told_the_sizes(stack: Environment, namespace: str) -> None:
    found = json.loads(stack.kubectl("-n", namespace, "get", "configmap", "airflow-config", "-o", "json"))
    told = json.loads(found["data"]["SWITCHBOARD_SPARK"])
    assert {"small", "medium", "large"} <= set(told["sizes"])
    assert told["event_log_uri"] == (
        f"s3a://{stack.cluster.object_store.buckets['logs']}/spark-events/{namespace}"
    )


def test_the_history_server_serves(stack: Environment, namespace: str) -> None:
    """Ready means that its page answers, and that it reads the folder of event logs in the object store."""
    found = json.loads(stack.kubectl("-n", namespace, "get", "deployment", "spark-history", "-o", "json"))
    assert found["status"]["availableReplicas"] == 1


def accepted(
    stack: Environment, namespace: str, requests: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """A pod as the API server would take it, all of admission included; nothing is made.

    Raises:
        CommandError: it would not.
    """
    container: dict[str, Any] = {
        "name": "trial",
        "image": "trial.invalid/trial",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"} if requests is None else requests},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "trial", "namespace": namespace},
        "spec": {
            "serviceAccountName": EXECUTOR,
            "securityContext": security,
            "containers": [container],
            **spec,
        },
    }
    answer = stack.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod))
    made: dict[str, Any] = json.loads(answer)
    return made
