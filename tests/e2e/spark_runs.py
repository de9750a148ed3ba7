"""The Spark tasks that the end-to-end tests push, and what there is of them in the cluster."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

from infra.cluster.engine import choose_engine
from infra.shared.engine import call
from infra.shared.paths import Paths
from ops.airflow_api import AirflowApi, TaskState
from ops.environment import Environment
from ops.spark_advice.records import find
from switchboard_spark.records import RunRecord
from tests.support.waiting import ANSWER_S, until

NAMESPACE = "airflow-speech"
DRIVER, EXECUTOR = (f"app.kubernetes.io/component=spark-{part}" for part in ("driver", "executor"))
WORKER = "kubernetes_executor=True"
BESIDE_PODS = "services,configmaps,persistentvolumeclaims"
GONE_WITHIN_S = 30

PATH = "speech/e2e_spark.py"
DAGS = textwrap.dedent('''\
    """Spark tasks that the tests push: each DAG has one, named `app`, but for the last."""

    import datetime
    import json
    import os

    from airflow.sdk import DAG
    from switchboard_spark.operator import SparkTaskOperator

    # Sizes that the settings would refuse: executors that want nodes that the cluster has not, though their
    # driver does not; and one that is more than the quota.
    SPARK = json.loads(os.environ["SWITCHBOARD_SPARK"])
    POOLS = json.loads(os.environ["SWITCHBOARD_NODE_POOLS"])
    SPARK["sizes"]["nowhere"] = {**SPARK["sizes"]["small"], "spot": True}
    SPARK["sizes"]["huge"] = {**SPARK["sizes"]["small"], "executor_memory_mib": 30_000}
    POOLS["general-spot"] = {**POOLS["general"], "labels": {"switchboard.dev/pool": "nowhere"}}
    os.environ.update(SWITCHBOARD_SPARK=json.dumps(SPARK), SWITCHBOARD_NODE_POOLS=json.dumps(POOLS))


    def one(name, function, arguments, **more):
        with DAG(f"e2e_spark_{name}", schedule=None, tags=["e2e"], render_template_as_native_obj=True):
            return app("app", function, arguments, **more)


    def app(task_id, function, arguments, **more):
        return SparkTaskOperator(
            task_id=task_id,
            application=f"example:{function}",
            arguments=arguments,
            image="spark-example",
            retry_delay=datetime.timedelta(seconds=1),
            **more,
        )


    SLEEP = {"seconds": "{{ dag_run.conf.seconds }}", "partitions": 2}
    one("error", "fail", {"message": "on purpose"}, retries=3, application_retries=1)
    one("memory", "fill_memory", {}, retries=0)
    one("quota", "pi", {}, retries=3, size="huge")
    absent = one("image", "pi", {}, retries=3)
    absent.image = absent.image[:-64] + 64 * "0"
    limited = one("limited", "pi", {}, retries=0)
    limited.image = "limited.test/" + limited.image.rpartition("/")[2]
    one("words", "words", {"prefix": "e2e/words/", "output": "e2e/counts"}, retries=0)
    one("dying", "kill_executors", {}, retries=0)
    one("crowded", "sleep", {**SLEEP, "partitions": 8}, retries=0, size="large", pool="default_pool")
    one("nowhere", "pi", {}, retries=0, size="nowhere")
    one("sleep", "sleep", SLEEP, retries=2, application_retries=0)
    one("sleep_once", "sleep", SLEEP, retries=0)
    one("timeout", "sleep", SLEEP, retries=0, execution_timeout=datetime.timedelta(seconds=60))

    with DAG("e2e_spark_large", schedule=None, tags=["e2e"]):
        app("first", "pi", {}, size="large")
        app("second", "pi", {}, size="large")
''')
DAG_IDS = [*(f"e2e_spark_{name}" for name in re.findall(r'\bone\("(\w+)"', DAGS)), "e2e_spark_large"]


@dataclass(frozen=True)
class Run:
    """A run of one of these DAGs, or of another with Spark tasks."""

    stack: Environment
    airflow: AirflowApi
    dag_id: str
    run_id: str

    @classmethod
    def start(cls, stack: Environment, airflow: AirflowApi, dag_id: str, **conf: Any) -> Run:
        """Trigger it."""
        return cls(stack, airflow, dag_id, airflow.trigger(dag_id, conf))

    @property
    def task(self) -> TaskState:
        """The one task of it."""
        (task,) = self.airflow.tasks(self.dag_id, self.run_id)
        return task

    @property
    def seconds(self) -> float:
        """How long its task was at work, in its last try."""
        times = self.airflow.task_times(self.dag_id, self.run_id)["app"]
        return (times.end - times.start).total_seconds()

    def ends(self, within_s: float = 420) -> str:
        """The state that it ends with."""
        return self.airflow.wait(self.dag_id, self.run_id, within_s)

    def log(self, words: str) -> str:
        """The log of the task's last try with its error, once it has these words: a worker uploads it when
        it ends.
        """
        found: list[str] = []
        place = f"/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/app/logs/{self.task.try_number}"

        def there() -> bool:
            content = self.airflow.get(place, full_content=True)["content"]
            found[:] = [json.dumps(content, ensure_ascii=False)]
            return words in found[0]

        until(f"the log of {self.dag_id} says {words!r}", there, within_s=60, every_s=2)
        return found[0]

    def result(self, task_id: str) -> Any:
        """What a task's function returned."""
        place = f"/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{task_id}"
        value = self.airflow.get(f"{place}/xcomEntries/return_value")["value"]
        return json.loads(value) if isinstance(value, str) else value

    def links(self, task_id: str = "app") -> dict[str, str | None]:
        """The task's extra links, by their names."""
        place = f"/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{task_id}"
        found: dict[str, str | None] = self.airflow.get(f"{place}/links")["extra_links"]
        return found

    def records(self) -> list[RunRecord]:
        """Those of its task's tries."""
        return records_of(self.stack, self.dag_id, "app", self.run_id)

    def pods(self, kind: str) -> list[dict[str, Any]]:
        """Its pods of a kind that have not ended."""
        label = make_safe_label_value(self.run_id)
        return [
            pod
            for pod in self.stack.pods(NAMESPACE, f"{kind},dag_id={self.dag_id},run_id={label}")
            if pod["status"].get("phase") in {"Pending", "Running"}
        ]

    def works(self, within_s: float = 240) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Its driver and its executors, once one of these runs."""
        found: list[Any] = []

        def running() -> bool:
            executors = [pod for pod in self.pods(EXECUTOR) if pod["status"]["phase"] == "Running"]
            found[:] = [self.pods(DRIVER), executors]
            return all(found)

        until(f"an executor of {self.dag_id} runs", running, within_s=within_s, every_s=1)
        (driver,), executors = found
        return driver, executors

    def drivers_until_end(self, within_s: float = 420) -> set[str]:
        """The drivers (their pods' uids) seen from now on; at no time two. Fails the test if it goes on."""
        seen: set[str] = set()

        def ended() -> bool:
            alive = {str(pod["metadata"]["uid"]) for pod in self.pods(DRIVER)}
            assert len(alive) <= 1, f"two live drivers of {self.dag_id}: {alive}"
            seen.update(alive)
            return self.airflow.run_state(self.dag_id, self.run_id) in {"success", "failed"}

        until(f"{self.dag_id} ends", ended, within_s=within_s, every_s=1)
        return seen


def records_of(stack: Environment, dag_id: str, task_id: str, run_id: str) -> list[RunRecord]:
    """What was recorded of a task in a run, oldest first."""
    logs = stack.cluster.object_store.buckets["logs"]
    found = find(stack.s3, logs, stack.platform["namespaces"], dag_id, task_id)
    return [record for record in found if record.run_id == run_id]


def until_visible(airflow: AirflowApi, commit: str) -> None:
    """Airflow has all of these DAGs as of a commit. That it has one of a file says nothing of the others."""
    until(
        "the Spark tasks are visible",
        lambda: all(airflow.dag_bundle_version(dag_id) == commit for dag_id in DAG_IDS),
    )


def signed_in(stack: Environment, airflow: AirflowApi) -> httpx.Client:
    """Who reads Airflow's pages as its administrator."""
    user, password = stack.platform["airflow_admin_user"], stack.platform["airflow_admin_password"]
    login = {"username": user, "password": password}
    token = httpx.post(f"{airflow.url}/auth/token", json=login, timeout=ANSWER_S).json()["access_token"]
    signed = {"Authorization": f"Bearer {token}"}
    return httpx.Client(headers=signed, follow_redirects=True, timeout=ANSWER_S)


def put_words(stack: Environment) -> None:
    """Six hundred words, where the tests' tasks read them."""
    text = "to be or not to be\n" * 100
    stack.s3.put_object(Bucket=stack.data_bucket, Key="e2e/words/hamlet.txt", Body=text.encode())


def kill(stack: Environment, pod: dict[str, Any]) -> None:
    """End a pod as a node failure would: no time to clean up."""
    name = pod["metadata"]["name"]
    stack.kubectl("-n", NAMESPACE, "delete", "pod", "--grace-period=0", "--force", "--wait=false", name)


def evict(stack: Environment, pod: dict[str, Any]) -> None:
    """End a pod as the draining of a node does: it is asked to."""
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    place = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    stack.kubectl("create", "--raw", place, "-f", "-", stdin=json.dumps(eviction))


def crash(stack: Environment, pod: dict[str, Any]) -> None:
    """End a driver as the kernel does where memory is short: not even a signal is heard."""
    application = pod["spec"]["containers"][0]["args"][1]
    _kill_process(stack, pod, f"switchboard_spark.run --application {application} ")


def crash_worker(run: Run) -> None:
    """End the worker of a run's task in the same way."""
    (worker,) = run.pods(WORKER)
    _kill_process(run.stack, worker, f"execute_workload.*{run.run_id.replace('+', '[+]')}")


def _kill_process(stack: Environment, pod: dict[str, Any], pattern: str) -> None:
    """Kill what runs with these words on a pod's node."""
    engine = choose_engine(Paths.of(stack.name)).engine
    call(engine, "exec", pod["spec"]["nodeName"], "pkill", "--signal", "KILL", "-f", pattern)


def objects(stack: Environment) -> set[str]:
    """Services, ConfigMaps and volume claims of the namespace."""
    return set(stack.kubectl("-n", NAMESPACE, "get", BESIDE_PODS, "-o", "name").split())


def leftovers(stack: Environment, before: set[str], but: Sequence[str] = ()) -> set[str]:
    """Spark's pods, in whatever phase, and whatever else was not there before; `but` those of some DAGs."""
    others = f",dag_id notin ({','.join(but)})" if but else ""
    pods = {
        pod["metadata"]["name"]
        for kind in (DRIVER, EXECUTOR)
        for pod in stack.pods(NAMESPACE, f"{kind}{others}")
    }
    return pods | (objects(stack) - before)


def until_gone(platform: Environment, of_others: set[str], but: Sequence[str] = ()) -> None:
    """Nothing of Spark is in the cluster, and that soon; `but` for what some DAGs have there."""
    until(
        f"nothing of Spark is left: {leftovers(platform, of_others, but)}",
        lambda: not leftovers(platform, of_others, but),
        within_s=GONE_WITHIN_S,
        every_s=1,
    )
