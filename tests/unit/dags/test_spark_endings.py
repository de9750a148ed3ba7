"""How a driver's end is told: who failed, why, what to do, and whether another try is of use."""

import json
from typing import Any

import pytest

pytest.importorskip("airflow")

from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from switchboard_spark import endings, recorder, run
from switchboard_spark.model import Success
from switchboard_spark.operator import GRACE_S
from tests.unit.dags.pods import ended, failed, verdict

APPLICATION = "The application failed: "
INFRASTRUCTURE = "The infrastructure failed, not the application: "


def told(pod: Any, larger: str | None = "medium") -> endings.Failure:
    found = endings.driver_failure(pod, "base", larger)
    assert found
    return found


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("application", APPLICATION),
        ("infrastructure", INFRASTRUCTURE),
        ("usage", "The task was set up wrongly: "),
    ],
)
def test_a_verdict_is_told_in_its_own_words(kind: str, who: str) -> None:
    assert str(told(ended(1, verdict(kind)))) == f"{who}R\nRemedy: M"


@pytest.mark.parametrize(("code", "final"), [(1, False), (2, True), (65, True), (75, False)])
def test_the_exit_code_decides_about_another_try(code: int, final: bool) -> None:
    assert told(ended(code, verdict("infrastructure"))).final is final
    assert told(ended(code)).final is final


def test_a_driver_out_of_memory_is_told_which_size_to_take() -> None:
    pod = ended(137, reason="OOMKilled")
    assert str(told(pod)).startswith(f"{APPLICATION}the driver was OOMKilled")
    assert "Remedy: choose size 'medium', or bring less to the driver" in str(told(pod))
    assert "no size gives a driver more memory: add one to spark.sizes" in str(told(pod, larger=None))


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (
            ended(137, pod_reason="Evicted"),
            f"{INFRASTRUCTURE}the cluster took the driver's pod away: Evicted",
        ),
        (ended(143), f"{INFRASTRUCTURE}the driver was killed by signal 15"),
        (ended(75), f"{INFRASTRUCTURE}exit code 75."),
        (ended(3, "no JSON"), f"{APPLICATION}the driver ended with exit code 3. no JSON"),
    ],
)
def test_an_end_without_a_verdict_is_told_from_the_pod(pod: Any, words: str) -> None:
    assert str(told(pod)).startswith(words)
    assert not told(pod).final


def test_a_driver_that_has_not_ended_has_no_ending() -> None:
    running = k8s.V1Pod(status=k8s.V1PodStatus(phase="Running"))
    assert endings.driver_failure(running, "base", None) is None
    assert endings.ending(running, "base") is None
    assert endings.ending(None, "base") is None


@pytest.mark.parametrize("result", [None, 3, "text", [1], {"kind": "application"}])
def test_any_json_can_be_a_result(result: Any) -> None:
    said = endings.ending(ended(0, json.dumps({"result": result})), "base")
    assert isinstance(said, Success)
    assert said.result == result


def quota(requested: str) -> str:
    used, limited = "used: requests.cpu=1500m,pods=2", "limited: requests.cpu=1600m,pods=12"
    return f'pods "p" is forbidden: exceeded quota: spark, requested: {requested}, {used}, {limited}'


@pytest.mark.parametrize(
    ("requested", "never"),
    [
        ("requests.cpu=500m,pods=1", False),
        ("requests.cpu=2,pods=1", True),
        ("requests.memory=9Gi", False),
    ],
)
def test_a_quota_that_can_never_fit_is_told_from_one_that_is_used_up(requested: str, never: bool) -> None:
    found = endings.refusal(failed(403, quota(requested)))
    assert found.final is never
    assert found.verdict.reason == quota(requested)
    assert ("smaller size" in found.verdict.remedy) is never


@pytest.mark.parametrize(
    ("error", "final", "words"),
    [
        (failed(403, "violates PodSecurity"), True, "The task was set up wrongly: violates PodSecurity"),
        (failed(500, "etcd is away"), False, f"{INFRASTRUCTURE}etcd is away"),
        (ApiException(status=503, reason="Unavailable"), False, f"{INFRASTRUCTURE}503 Unavailable"),
    ],
)
def test_other_refusals_are_told_in_kubernetes_words(error: ApiException, final: bool, words: str) -> None:
    found = endings.refusal(error)
    assert found.final is final
    assert str(found).startswith(words)


def test_an_image_that_is_not_there_is_final_and_a_registry_that_is_away_is_not() -> None:
    head = "Image cannot be pulled, unable to start: ErrImagePull\n"
    assert endings.launch_failure(f"{head}manifest unknown", []).final
    assert not endings.launch_failure(f"{head}dial tcp: connection refused", []).final


def test_a_registry_that_does_not_let_a_node_in_may_do_so_later() -> None:
    head = "Image cannot be pulled, unable to start: ErrImagePull\n"
    found = endings.launch_failure(f"{head}pull access denied, repository does not exist: 401", [])
    assert not found.final
    assert "credentials" in found.verdict.remedy


def test_a_driver_whose_image_is_held_back_too_long_is_told_so() -> None:
    events = [
        "Failed Failed to pull image: 429 Too Many Requests",
        "Failed Error: ErrImagePull",
        "Failed Error: ImagePullBackOff",
    ]
    found = endings.launch_failure("Pod took too long to start. More than 300s.", events)
    assert not found.final
    assert found.verdict.reason.startswith("the registry asks to wait: Pod took too long to start.")
    assert "429 Too Many Requests" in found.verdict.reason
    assert found.verdict.remedy == endings.WAIT
    late = endings.launch_failure("Pod took too long to start.", ["FailedMount configmap not found"])
    assert (late.final, "add nodes" in late.verdict.remedy) == (False, True)


def test_a_driver_that_is_asked_to_stop_has_time_to_say_so() -> None:
    assert run.TERMINATED_S + recorder.WRITE_S + recorder.LOAD_S < GRACE_S


def test_other_trouble_on_the_way_is_the_infrastructures() -> None:
    assert "gone" in str(endings.lost_driver(failed(404), []))
    assert "could not be followed: odd" in str(endings.lost_driver(RuntimeError("odd"), []))
