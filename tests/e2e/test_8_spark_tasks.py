"""Tasks that are Spark drivers: every way to fail, whatever dies in the middle, nothing left."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from typing import Any

import httpx
import pytest

from infra.cluster.engine import choose_engine
from infra.cluster.settings import load
from infra.shared.engine import call
from infra.shared.paths import Paths
from ops.airflow_api import AirflowApi
from ops.dag_repository import Author
from ops.environment import Environment
from ops.images import registry_of
from tests.e2e.conftest import ENV
from tests.e2e.spark_runs import (
    DAGS,
    EXECUTOR,
    NAMESPACE,
    PATH,
    Run,
    crash,
    crash_worker,
    evict,
    kill,
    objects,
    put_words,
    signed_in,
    until_gone,
    until_visible,
)
from tests.support.limited_registry import limited_registry
from tests.support.waiting import ANSWER_S, until

pytestmark = pytest.mark.e2e

AUTHOR = Author("Pipeline Author", "author@example.com")
FAILING = ("error", "image", "quota", "memory", "dying", "nowhere")
FAST_S = 100
"""Less than the shortest time that anything is waited for; six of them begin at once."""

STORE_GONE_S, LIMITED_S = 60, 15
End = Callable[[Environment, dict[str, Any]], None]


@pytest.fixture(scope="module")
def airflow(platform: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowApi]:
    """Airflow, with the tests' DAGs."""
    repository = platform.dag_repository(tmp_path_factory.mktemp("author") / "dags")
    with platform.airflow() as api:
        commit = repository.change("Add Spark tasks", {PATH: DAGS}, AUTHOR)
        until_visible(api, commit)
        assert api.import_errors() == {}
        yield api
        repository.change("Remove Spark tasks", {PATH: None}, AUTHOR)


@pytest.fixture(scope="module")
def of_others(airflow: AirflowApi, platform: Environment) -> set[str]:
    """Services, ConfigMaps and volume claims that no Spark task made."""
    return objects(platform)


@pytest.fixture(scope="module")
def started(airflow: AirflowApi, platform: Environment, of_others: set[str]) -> dict[str, Run]:
    """Runs that fail each in its own way, and after a while. The rest is tested meanwhile."""
    return {name: Run.start(platform, airflow, f"e2e_spark_{name}", seconds=600) for name in FAILING}


@pytest.fixture
def nothing_left(platform: Environment, of_others: set[str], started: dict[str, Run]) -> Iterator[None]:
    """After the test, nothing of its tasks is in the cluster, and that soon."""
    yield
    until_gone(platform, of_others, [run.dag_id for run in started.values()])


@pytest.fixture(scope="module")
def failing(started: dict[str, Run]) -> dict[str, Run]:
    """The same runs, all ended."""
    for run in started.values():
        assert run.ends(within_s=900) == "failed"
    return started


@pytest.mark.usefixtures("nothing_left")
def test_the_links_lead_to_spark_for_who_is_logged_in(airflow: AirflowApi, platform: Environment) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=45)
    until("the task has its link", lambda: bool(run.links()["Spark UI"]), within_s=300, every_s=1)
    page = str(run.links()["Spark UI"])
    assert httpx.get(page, timeout=ANSWER_S).status_code == 401
    with signed_in(platform, airflow) as client:
        until("the driver has its page", lambda: "Spark Jobs" in client.get(page).text, within_s=60)
        stages = f'href="{httpx.URL(page).path}stages/"'
        assert stages in client.get(page).text, "its links stay below the page"
        assert run.ends() == "success"
        history = str(run.links()["Spark history"])
        until("the history has it", lambda: "Spark Jobs" in client.get(history).text, within_s=180, every_s=3)
        until("the driver's page is gone", lambda: client.get(page).status_code == 404, within_s=30)
        assert run.links()["Spark UI"] == history


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("end", [kill, evict, crash])
def test_a_dead_driver_is_followed_by_a_new_one(airflow: AirflowApi, platform: Environment, end: End) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=15)
    driver, _ = run.works()
    end(platform, driver)
    later = run.drivers_until_end() - {driver["metadata"]["uid"]}
    assert airflow.run_state(run.dag_id, run.run_id) == "success"
    assert (len(later), run.task.try_number) == (1, 2)
    assert [record.outcome for record in run.records()] == ["infrastructure", "success"]


@pytest.mark.usefixtures("nothing_left")
def test_a_killed_worker_is_followed_by_one_that_goes_on(airflow: AirflowApi, platform: Environment) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=45)
    driver, _ = run.works()
    crash_worker(run)
    assert run.drivers_until_end() <= {driver["metadata"]["uid"]}, "the driver that was there is enough"
    assert airflow.run_state(run.dag_id, run.run_id) == "success"
    assert run.task.try_number == 2
    assert run.result("app") == 90


@pytest.mark.usefixtures("nothing_left")
def test_a_killed_scheduler_does_not_matter(airflow: AirflowApi, platform: Environment) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=20)
    driver, _ = run.works()
    (scheduler,) = platform.pods(NAMESPACE, "app.kubernetes.io/name=airflow-scheduler")
    kill(platform, scheduler)
    assert run.drivers_until_end() <= {driver["metadata"]["uid"]}
    assert airflow.run_state(run.dag_id, run.run_id) == "success"
    assert (run.task.try_number, run.result("app")) == (1, 40)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("end", [kill, evict])
def test_a_dead_executor_is_made_up_for(airflow: AirflowApi, platform: Environment, end: End) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=20)
    _, executors = run.works()
    end(platform, executors[0])
    assert run.ends() == "success"
    assert run.task.try_number == 1


@pytest.mark.usefixtures("nothing_left")
def test_a_task_that_is_marked_as_failed_takes_all_with_it(
    airflow: AirflowApi, platform: Environment
) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=600)
    run.works()
    place = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/app"
    airflow.request("PATCH", place, json={"new_state": "failed"})


@pytest.mark.usefixtures("nothing_left")
def test_the_last_try_of_a_dead_worker_leaves_nothing(airflow: AirflowApi, platform: Environment) -> None:
    run = Run.start(platform, airflow, "e2e_spark_sleep_once", seconds=600)
    run.works()
    crash_worker(run)
    assert run.ends() == "failed"


def test_an_error_of_the_application_is_told_and_has_its_own_budget(failing: dict[str, Run]) -> None:
    run = failing["error"]
    log = run.log("Remedy:")
    assert "The application failed: ValueError: on purpose" in log
    assert "calling example:fail" in log, "the driver's own words are there too"
    assert run.task.try_number == 2, "of 3 retries, one is for failures of the application"


def test_memory_that_is_used_up_is_told_with_the_size_to_choose(failing: dict[str, Run]) -> None:
    log = failing["memory"].log("Remedy:")
    # With control groups of version 2 the kernel ends the whole container, else the largest process in it
    assert "OOMKilled" in log or "a Python worker was killed, most likely because" in log
    assert "choose size 'medium'" in log


def test_executors_that_keep_dying_end_the_task_and_their_last_words_are_told(
    failing: dict[str, Run],
) -> None:
    log = failing["dying"].log("Remedy:")
    assert re.search(r"The application failed: .*executors (in a row )?died, the last: .*exit code 137", log)
    _, _, tail = log.partition("The end of its log")
    assert "CoarseGrainedExecutorBackend" in tail, "what an executor says as it registers"


def test_executors_without_a_node_end_the_task_with_the_schedulers_words(failing: dict[str, Run]) -> None:
    log = failing["nowhere"].log("Remedy:")
    assert "The infrastructure failed, not the application: no executor found a node" in log
    assert "node affinity/selector" in log


@pytest.mark.parametrize(
    ("name", "words"), [("image", "not found"), ("quota", "exceeded quota: spark"), ("quota", "smaller size")]
)
def test_what_can_never_be_is_told_by_kubernetes_and_not_tried_again(
    failing: dict[str, Run], name: str, words: str
) -> None:
    log = failing[name].log("Remedy:")
    assert "The infrastructure failed, not the application" in log
    assert words in log
    assert failing[name].task.try_number == 1
    assert failing[name].seconds < FAST_S


@pytest.mark.usefixtures("nothing_left")
def test_a_timeout_ends_the_task(airflow: AirflowApi, platform: Environment) -> None:
    run = Run.start(platform, airflow, "e2e_spark_timeout", seconds=600)
    run.works()
    assert run.ends() == "failed"
    run.log("AirflowTaskTimeout")


def test_failed_tasks_leave_nothing(
    failing: dict[str, Run], platform: Environment, of_others: set[str]
) -> None:
    until_gone(platform, of_others)


def test_where_there_is_room_for_one_the_second_waits_in_the_pool(
    airflow: AirflowApi, platform: Environment, of_others: set[str], failing: dict[str, Run]
) -> None:
    """Each of the two takes all slots of the pool `spark`, which has as many as the quota has room for."""
    run = Run.start(platform, airflow, "e2e_spark_large")
    assert len(run.drivers_until_end()) == 2, "one after the other: at no time were there two"
    assert airflow.run_state(run.dag_id, run.run_id) == "success"
    until_gone(platform, of_others)


def test_where_the_pool_lets_two_in_the_quota_refuses_the_second_clearly(
    airflow: AirflowApi, platform: Environment, of_others: set[str], failing: dict[str, Run]
) -> None:
    first = Run.start(platform, airflow, "e2e_spark_crowded", seconds=20)
    until("it has all that it may", lambda: len(first.pods(EXECUTOR)) == 4, within_s=180, every_s=1)
    second = Run.start(platform, airflow, "e2e_spark_crowded", seconds=0)
    assert second.ends() == "failed"
    log = second.log("Remedy:")
    assert "The infrastructure failed, not the application" in log
    assert "exceeded quota: spark" in log
    assert first.ends() == "success"
    until_gone(platform, of_others)


def test_a_store_that_is_gone_for_a_minute_is_waited_for(
    airflow: AirflowApi, platform: Environment, failing: dict[str, Run]
) -> None:
    engine, store = choose_engine(Paths.of(ENV)).engine, f"{load(ENV).cluster_name}-s3"
    put_words(platform)
    run = Run.start(platform, airflow, "e2e_spark_words")
    run.works()
    call(engine, "pause", store)
    try:
        time.sleep(STORE_GONE_S)
        assert airflow.run_state(run.dag_id, run.run_id) == "running"
    finally:
        call(engine, "unpause", store)
    assert run.ends() == "success"
    assert run.task.try_number == 1
    assert run.result("app")["words"] == 600
    platform.s3.head_object(Bucket=platform.data_bucket, Key="e2e/counts/_SUCCESS")


def test_a_registry_that_asks_to_wait_is_waited_for(
    airflow: AirflowApi, platform: Environment, failing: dict[str, Run]
) -> None:
    address = str(next(IPv4Network(load(ENV).network_cidr).hosts()))
    hosts = Paths.of(ENV).certs / "limited.test/hosts.toml"
    hosts.parent.mkdir()
    try:
        with limited_registry(address, registry_of(ENV).host, LIMITED_S) as registry:
            url = f"http://{address}:{registry.server_port}"
            hosts.write_text(f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n')
            run = Run.start(platform, airflow, "e2e_spark_limited")
            assert run.ends() == "success"
    finally:
        shutil.rmtree(hosts.parent)
    assert registry.refused
    assert run.task.try_number == 1


def test_the_next_run_finds_it_so(
    airflow: AirflowApi, platform: Environment, of_others: set[str], failing: dict[str, Run]
) -> None:
    """Nothing accumulates: after all of the above, a run leaves what was there before the first."""
    run = Run.start(platform, airflow, "e2e_spark_sleep", seconds=0)
    assert run.ends() == "success"
    until_gone(platform, of_others)
