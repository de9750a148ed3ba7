"""What a benchmark of Spark puts into an environment, and takes away again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.shared.paths import Paths
from ops import images
from ops.bench.measure import NAMESPACE
from ops.console import detail
from ops.environment import Environment

IMAGE = "bench-spark"
GONE_WITHIN_S = 90


def bench_image(environment: Environment) -> str:
    """The benchmarks' image by its digest, built and pushed where it is not there. Raises ImageError."""
    built = images.build_all([IMAGE], detail)
    pushed = images.push_all(built, images.registry_of(environment.name), detail)
    return next(each.image for each in pushed if each.recipe.name == IMAGE)


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
