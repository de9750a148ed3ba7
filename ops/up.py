"""`make up`: stand an environment up, or heal it, and transcribe one call on it."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated

import typer
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from infra.cluster.kind_config import registry_host
from infra.cluster.preflight import check as preflight
from infra.cluster.settings import load as load_cluster
from infra.shared.command import CommandError
from infra.shared.stack import Stack, StackInUseError
from ops import dags, images
from ops.airflow_api import AirflowApi, AirflowError
from ops.console import Steps, clock, console, detail, make
from ops.dag_repository import DagsError, NoRepositoryError
from ops.environment import Environment, NotUpError
from ops.ready import wait_until_ready
from ops.sample_call import DAG_ID, SampleError, readable, transcribed_sample

KNOWN_ERRORS = (
    CommandError,
    StackInUseError,
    AirflowError,
    SampleError,
    images.ImageError,
    DagsError,
    NotUpError,
)
DAGS_VISIBLE_WITHIN_S = 120


def stand_up(env: str, steps: Steps) -> Environment:
    """Cluster and images side by side, then what needs both. Safe to run again at any time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        cluster = pool.submit(_cluster, env, steps)
        imaging = pool.submit(_images, env, steps, cluster)
        cluster.result()
        lock = imaging.result()
    with steps.step("pulumi up: Airflow, the DAG repository and what they need"):
        Stack("platform", env, detail).up()
        environment = Environment.load(env)
        wait_until_ready(environment, detail)
    with steps.step("push dags/ to the DAG repository"):
        commit = _push(environment, lock)
        with environment.airflow() as airflow:
            wait_until_visible(airflow, commit)
    return environment


@retry(
    retry=retry_if_exception_type(NoRepositoryError),
    stop=stop_after_delay(DAGS_VISIBLE_WITHIN_S),
    wait=wait_fixed(2),
    reraise=True,
)
def _push(environment: Environment, lock: dict[str, str]) -> str:
    """Push the DAGs. On a node that has just restarted, services lead to where their pods were before."""
    platform = environment.platform
    return dags.push(platform["git_push_url"], platform["git_writer_password"], lock)


def _cluster(env: str, steps: Steps) -> None:
    with steps.step("pulumi up: the cluster, the image registry, the object store"):
        Stack("cluster", env, detail).up()


def _images(env: str, steps: Steps, cluster: Future[None]) -> dict[str, str]:
    with steps.step("build the images that changed"):
        built = images.build_all(report=detail)
    with steps.step("push the images, pin their digests"):
        return images.lock(push_when_there(env, built, cluster), env)


def push_when_there(env: str, built: list[images.Built], cluster: Future[None]) -> list[images.Pushed]:
    """Push as soon as the registry answers, which is long before the cluster does.

    Raises:
        ImageError: the registry refuses an image, or does not answer though the cluster is there.
    """
    registry = images.Registry(os.environ.get("SWITCHBOARD_REGISTRY") or registry_host(load_cluster(env)))
    while not cluster.done():
        try:
            registry.check()
            return images.push_all(built, registry, detail)
        except images.ImageError:  # it is not there yet, or is just made anew
            time.sleep(1)
    cluster.result()
    return images.push_all(built, images.registry_of(env), detail)


def wait_until_visible(airflow: AirflowApi, commit: str) -> None:
    """Wait until Airflow shows AutoTranscribe as of `commit`.

    Raises:
        AirflowError: it doesn't within two minutes; the text has Airflow's import errors.
    """
    deadline = time.monotonic() + DAGS_VISIBLE_WITHIN_S
    while (seen := airflow.dag_bundle_version(DAG_ID)) != commit:
        if time.monotonic() > deadline:
            raise AirflowError(
                f"{DAG_ID} is at commit {seen}, not {commit}, {DAGS_VISIBLE_WITHIN_S} s after the push; "
                f"import errors: {airflow.import_errors() or 'none'}"
            )
        time.sleep(1)


def main(
    env: Annotated[str, typer.Option(help="the environment: a stack of both programs")] = "local",
    sample: Annotated[bool, typer.Option(help="transcribe a sample call at the end")] = True,
) -> None:
    """Stand ENV up, or heal it, and transcribe one call on it."""
    started = time.monotonic()
    problems = preflight(env)
    if problems:
        for problem in problems:
            console.print(f"✗ {problem}", style="red", markup=False)
        console.print(
            f"Nothing was changed. Mend the above, then run `{make('up', env)}` again.", markup=False
        )
        sys.exit(2)
    steps = Steps(6 if sample else 5)
    try:
        environment = stand_up(env, steps)
        if sample:
            with steps.step("transcribe a sample call"):
                transcript = transcribed_sample(environment, images.pinned(env))
            console.print(
                f"\nCall {transcript['call_id']}, as AutoTranscribe heard and redacted it:\n", markup=False
            )
            console.print(readable(transcript))
    except KNOWN_ERRORS as error:
        console.print(f"\n✗ {error}", style="red", markup=False)
        console.print(
            f"`{make('up', env)}` again goes on from here; docs/operate.md says more.", markup=False
        )
        sys.exit(1)
    _farewell(environment, started)


def _farewell(environment: Environment, started: float) -> None:
    url, user = environment.platform["airflow_url"], environment.platform["airflow_admin_user"]
    store = environment.cluster.object_store.host_endpoint_url
    lines = {
        "samples CALLS=6": "generates six more calls",
        "dags": "pushes a change of dags/: in Airflow within seconds",
        "down": "removes all of it",
    }
    commands = {make(target, environment.name): says for target, says in lines.items()}
    width = max(map(len, commands))
    following = "\n".join(f"  {command:<{width}}   {says}" for command, says in commands.items())
    console.print(
        f"""Up in {clock(time.monotonic() - started)}.
Airflow   {url}   user {user}, `{make("password", environment.name)}` shows the password
Results   s3://{environment.data_bucket}/transcripts/   at {store}

Try next:
{following}""",
        markup=False,
    )


if __name__ == "__main__":
    typer.run(main)
