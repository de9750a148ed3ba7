from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.dags.conftest import reference

pytest.importorskip("airflow")


@pytest.fixture
def operator(lock: Path) -> Any:
    from switchboard.stage import StageOperator

    return StageOperator


def pod(task: Any, context: Any = None) -> Any:
    task.namespace = "airflow-speech"
    return task.build_pod_request_obj(context, dry_run=True)


def test_the_pod_meets_the_restricted_standard(operator: Any) -> None:
    spec = pod(operator(task_id="asr", image="asr")).spec
    (container,) = spec.containers
    assert spec.automount_service_account_token is False
    assert spec.service_account_name == "stage"
    assert spec.enable_service_links is False
    assert spec.security_context.run_as_non_root
    assert spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert container.security_context.allow_privilege_escalation is False
    assert container.security_context.read_only_root_filesystem
    assert container.security_context.capabilities.drop == ["ALL"]
    assert spec.restart_policy == "Never"


def test_the_container_knows_image_store_and_scratch(operator: Any) -> None:
    made = pod(operator(task_id="asr", image="asr", size="medium", arguments=["--batch", "x"]))
    (container,) = made.spec.containers
    assert container.image == reference("asr")
    assert [(each.name, each.value) for each in container.env] == [("SWITCHBOARD_IMAGE", reference("asr"))]
    config, secret = container.env_from
    assert config.config_map_ref.name == "object-store"
    assert (secret.secret_ref.name, secret.secret_ref.optional) == ("object-store", True)
    assert [each.mount_path for each in container.volume_mounts] == ["/tmp"]
    assert container.resources.requests["memory"] == container.resources.limits["memory"] == "1024Mi"
    assert container.args == ["--batch", "x"]


def test_image_and_size_are_checked_while_parsing(operator: Any) -> None:
    with pytest.raises(LookupError, match=r"not in images\.lock\.json"):
        operator(task_id="x", image="loudness")
    with pytest.raises(LookupError, match="use one of small, medium, large"):
        operator(task_id="x", image="asr", size="huge")


def test_behaviour_can_be_overridden_for_one_task(operator: Any) -> None:
    assert operator(task_id="x", image="asr", startup_timeout_seconds=5).startup_timeout_seconds == 5


def test_defaults_of_pool_and_retries_yield_to_the_dag(operator: Any) -> None:
    from airflow.sdk import DAG

    plain = operator(task_id="x", image="asr")
    assert (plain.pool, plain.retries) == ("speech-cpu", 2)
    with DAG("d", schedule=None, default_args={"pool": "other", "retries": 7}):
        set_by_dag = operator(task_id="x", image="asr")
    assert (set_by_dag.pool, set_by_dag.retries) == ("other", 7)


def test_labels_name_the_commit_of_the_bundle(operator: Any) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    instance = SimpleNamespace(
        dag_id="d", task_id="asr", map_index=3, try_number=1, bundle_instance=SimpleNamespace(version=commit)
    )
    context = {"ti": instance, "run_id": "r:1", "dag": SimpleNamespace()}
    labels = pod(operator(task_id="asr", image="asr"), context).metadata.labels
    assert labels["switchboard/dag-commit"] == commit
    assert labels["switchboard/image"] == "asr"
    assert labels["app.kubernetes.io/part-of"] == "switchboard"


def test_the_commit_is_also_known_by_the_folder_of_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    from switchboard import commit

    name = "f" * 40
    monkeypatch.setattr(commit, "LOCK_FILE", Path(f"/dags/.worktrees/{name}/images.lock.json"))
    assert commit.dag_commit({}) == name
    monkeypatch.setattr(commit, "LOCK_FILE", Path("/home/me/dags/images.lock.json"))
    assert commit.dag_commit({}) == ""


def test_pod_names_fit_a_hostname(operator: Any) -> None:
    from airflow.sdk import DAG

    with DAG("A.very_long.DAG-name" * 8, schedule=None):
        task = operator(task_id="language-id", image="language-id")
    assert len(pod(task).metadata.name) <= 63
    with DAG("autotranscribe", schedule=None):
        assert pod(operator(task_id="asr", image="asr")).metadata.name.startswith("autotranscribe-asr-")


def test_placement_follows_the_node_pools_of_the_platform(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "SWITCHBOARD_NODE_POOLS",
        '{"general": {"labels": {"p": "c"}, "taints": [{"key": "w", "value": "c", "effect": "NoExecute"}]}}',
    )
    spec = pod(operator(task_id="asr", image="asr")).spec
    assert spec.node_selector == {"p": "c"}
    (toleration,) = spec.tolerations
    assert (toleration.key, toleration.value, toleration.effect) == ("w", "c", "NoExecute")


@pytest.mark.parametrize(
    ("value", "complaint"), [("{", "is not JSON"), ("[1]", "not an object"), ('{"gpu": {}}', "no pool")]
)
def test_node_pools_that_cannot_be_used_are_named(
    operator: Any, monkeypatch: pytest.MonkeyPatch, value: str, complaint: str
) -> None:
    monkeypatch.setenv("SWITCHBOARD_NODE_POOLS", value)
    with pytest.raises(ValueError, match=f"SWITCHBOARD_NODE_POOLS.*{complaint}"):
        pod(operator(task_id="asr", image="asr"))


UPSTREAM = "airflow.providers.cncf.kubernetes.utils.pod_manager.PodManager"


def test_a_log_that_ends_before_the_status_is_not_taken_for_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from switchboard import stage

    answers = iter([True, True, False])
    monkeypatch.setattr("switchboard.stage.time.sleep", lambda _: None)
    monkeypatch.setattr(f"{UPSTREAM}.container_is_running", lambda *_: next(answers))
    manager: Any = stage.PromptPodManager(kube_client=SimpleNamespace())
    assert not manager.container_is_running(SimpleNamespace(), "base")
    monkeypatch.setattr(f"{UPSTREAM}.container_is_running", lambda *_: True)
    assert manager.container_is_running(SimpleNamespace(), "base")


def test_the_end_of_a_pod_is_noticed_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    from switchboard import stage

    phases = iter(["Running", "Running", "Succeeded"])
    naps: list[float] = []
    monkeypatch.setattr("switchboard.stage.time.sleep", naps.append)
    manager: Any = stage.PromptPodManager(kube_client=SimpleNamespace())

    def read_pod(_: object) -> SimpleNamespace:
        return SimpleNamespace(status=SimpleNamespace(phase=next(phases), container_statuses=None))

    monkeypatch.setattr(manager, "read_pod", read_pod)
    ended = manager.await_pod_completion(SimpleNamespace())
    assert ended.status.phase == "Succeeded"
    assert naps == [0.5, 0.5]


def test_a_pod_that_is_gone_is_known_as_it_was_last_seen() -> None:
    from kubernetes.client import ApiException

    from switchboard import stage

    answers = ["pod", ApiException(status=404)]

    def read(*_: object) -> Any:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    manager: Any = stage.PromptPodManager(kube_client=SimpleNamespace(read_namespaced_pod=read))
    assert manager.seen is None
    pod = SimpleNamespace(metadata=SimpleNamespace(name="p", namespace="n"))
    assert manager.read_pod(pod) == "pod"
    with pytest.raises(ApiException):
        manager.read_pod(pod)
    assert manager.seen == "pod"


def test_only_the_very_pod_is_removed() -> None:
    from kubernetes.client import ApiException

    from switchboard import stage

    asked: list[Any] = []
    answers = [None, ApiException(status=404), ApiException(status=409)]

    def delete(name: str, namespace: str, body: Any) -> None:
        asked.append((name, namespace, body.preconditions.uid))
        if error := answers.pop(0):
            raise error

    manager: Any = stage.PromptPodManager(kube_client=SimpleNamespace(delete_namespaced_pod=delete))
    pod = SimpleNamespace(metadata=SimpleNamespace(name="p", namespace="n", uid="u"))
    while answers:
        manager.delete_pod(pod)
    assert asked == [("p", "n", "u")] * 3


def test_a_stage_that_was_ended_from_outside_is_no_success(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from airflow.sdk.exceptions import AirflowException

    monkeypatch.setattr(KubernetesPodOperator, "execute", lambda *_: None)
    task = operator(task_id="asr", image="asr")
    assert task.execute({}) is None
    task._killed = True
    with pytest.raises(AirflowException, match="ended from outside"):
        task.execute({})


def ended(code: int) -> Any:
    state = SimpleNamespace(terminated=SimpleNamespace(exit_code=code))
    return SimpleNamespace(
        status=SimpleNamespace(container_statuses=[SimpleNamespace(name="base", state=state)])
    )


@pytest.mark.parametrize(("code", "final"), [(1, False), (2, True), (65, True), (75, False), (137, False)])
def test_what_would_end_the_same_way_is_not_tried_again(
    operator: Any, monkeypatch: pytest.MonkeyPatch, code: int, final: bool
) -> None:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    def failed(*_: Any) -> None:
        raise AirflowException("Pod p returned a failure.")

    monkeypatch.setattr(KubernetesPodOperator, "cleanup", failed)
    with pytest.raises(AirflowException, match="Pod p returned a failure") as caught:
        operator(task_id="asr", image="asr").cleanup(None, ended(code))
    assert isinstance(caught.value, AirflowFailException) is final
    assert (f"exit code {code}" in str(caught.value)) is final


def test_a_pod_that_never_ran_has_no_exit_code() -> None:
    from switchboard.stage import exit_code

    assert exit_code(SimpleNamespace(status=None), "base") is None
    assert exit_code(SimpleNamespace(status=SimpleNamespace(container_statuses=None)), "base") is None
