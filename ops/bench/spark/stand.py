"""What a benchmark of Spark puts into an environment, and takes away again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.shared.paths import Paths
from ops import images
from ops.airflow_api import AirflowApi
from ops.bench.measure import BENCH, NAMESPACE, until_at
from ops.console import detail
from ops.environment import Environment

IMAGE = "bench-spark"
GONE_WITHIN_S = 90


def bench_image(environment: Environment) -> str:
    """The benchmarks' image by its digest, built and pushed where it is not there. Raises ImageError."""
    built = images.build_all([IMAGE], detail)
    pushed = images.push_all(built, images.registry_of(environment.name), detail)
    return next(each.image for each in pushed if each.recipe.name == IMAGE)


@contextmanager
def pushed(
    environment: Environment, airflow: AirflowApi, path: str, text: str, dag_ids: Sequence[str]
) -> Iterator[None]:
    """A file in the DAG repository for as long as it is needed. At its end the records of its runs go too."""
    with TemporaryDirectory() as folder:
        repository = environment.dag_repository(Path(folder) / "dags")
        commit = repository.change("Begin a benchmark", {path: text}, BENCH)
        try:
            for dag_id in dag_ids:
                until_at(airflow, dag_id, commit)
            yield
        finally:
            repository.change("The benchmark is over", {path: None}, BENCH)
            for dag_id in dag_ids:
                remove_records(environment, dag_id)


def remove_records(environment: Environment, dag_id: str) -> None:
    """Remove what drivers of a DAG recorded: `make spark-advice` is not about benchmarks."""
    bucket = environment.cluster.object_store.buckets["logs"]
    prefix = f"spark-runs/{NAMESPACE}/{dag_id}/"
    for each in environment.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        environment.s3.delete_object(Bucket=bucket, Key=each["Key"])


def delete_pods(environment: Environment, selector: str) -> None:
    """Remove the pods with these labels and wait until they are gone."""
    environment.kubectl(
        *("-n", NAMESPACE, "delete", "pods", "--selector", selector, f"--timeout={GONE_WITHIN_S}s"),
        timeout_s=GONE_WITHIN_S + 10,
    )


def until_gone(environment: Environment, selector: str) -> None:
    """Wait until there is no pod with these labels. Raises CommandError."""
    environment.kubectl(
        *(
            "-n",
            NAMESPACE,
            "wait",
            "pods",
            "--for=delete",
            "--selector",
            selector,
            f"--timeout={GONE_WITHIN_S}s",
        ),
        timeout_s=GONE_WITHIN_S + 10,
    )


@contextmanager
def pods_made(environment: Environment) -> Iterator[Callable[[], set[str]]]:
    """Names of the pods that come to be in the namespace from now on."""
    command = ["kubectl", "--kubeconfig", str(Paths.of(environment.name).kubeconfig), "-n", NAMESPACE]
    with TemporaryDirectory() as folder, (Path(folder) / "names").open("w+") as names:
        before = {pod["metadata"]["name"] for pod in environment.pods(NAMESPACE)}
        process = subprocess.Popen([*command, "get", "pods", "--watch-only", "--output=name"], stdout=names)
        try:
            yield lambda: new_names(Path(names.name).read_text(), before)
        finally:
            process.terminate()
            process.wait()


def new_names(watched: str, before: set[str]) -> set[str]:
    """Pods in what `kubectl get --output=name` wrote that were not there before."""
    return {line.removeprefix("pod/") for line in watched.split()} - before


def terminated(pod: dict[str, Any]) -> tuple[int, str]:
    """Exit code and termination message of a pod's only container."""
    (status,) = pod["status"]["containerStatuses"]
    ended = status["state"]["terminated"]
    return int(ended["exitCode"]), str(ended.get("message", ""))
