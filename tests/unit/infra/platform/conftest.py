"""A deployment with something of everything, and the golden files that its objects are compared with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from infra.platform.context import AirflowContext, GitContext
from infra.platform.manifests import Object, access, airflow, airflow_config, postgres
from infra.platform.manifests.git_server import git_namespace, git_server
from infra.platform.manifests.object_store import object_store
from infra.platform.manifests.objects import namespace
from infra.platform.manifests.spark import priority_classes, spark_access
from infra.platform.manifests.spark_history import spark_history
from infra.platform.manifests.warehouse import warehouse
from infra.platform.manifests.worker import worker_pod, worker_template
from infra.platform.placeholders import placeholder_cluster
from infra.platform.settings import Connection, Deployment, GitServer, Pool, Warehouse
from infra.platform.spark_settings import LimitRange, Spark, SparkQuota
from infra.shared.outputs import ClusterOutputs
from infra.shared.paths import REPOSITORY

GOLDEN = REPOSITORY / "tests/data/platform"
IMAGES = {
    name: f"localhost:5001/{name}@sha256:{str(number) * 64}"
    for number, name in enumerate(("airflow", "git-server", "git-sync", "postgres", "spark-base"), 1)
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing"
    )


@pytest.fixture
def cluster() -> ClusterOutputs:
    return placeholder_cluster(["git", "airflow", "spark"])


@pytest.fixture
def context(cluster: ClusterOutputs) -> AirflowContext:
    pools = {"speech-cpu": Pool(slots=8, description="stage pods")}
    crm = Connection(conn_type="http", host="crm.example", password=SecretStr("s3cret"), extra={"timeout": 5})
    quota = SparkQuota(cpu_request_millicores=1600, memory_mib=9728, pods=12)
    spark = Spark(quota=quota, limit_range=LimitRange(memory_max_mib=4096), history_entrance="spark")
    settings = Deployment(pools=pools, connections={"crm": crm}, spark=spark, warehouse=Warehouse())
    return AirflowContext("speech", settings, cluster, IMAGES)


@pytest.fixture
def git_context(cluster: ClusterOutputs) -> GitContext:
    return GitContext(GitServer(), cluster, IMAGES)


@pytest.fixture
def groups(context: AirflowContext, git_context: GitContext) -> dict[str, list[Object]]:
    """Every object of the platform, by the golden file that shows it."""
    return {
        "access": [*access.accounts(context), *access.roles(context), *access.network_policies(context)],
        "configuration": [
            namespace(context.namespace, context.team),
            *object_store(context),
            airflow_config.aws(context),
            airflow_config.config(context),
            airflow_config.pools(context),
            worker_template(context),
        ],
        "postgres": postgres.postgres(context),
        "migration": [airflow.migration(context, "users")],
        "api-server": airflow.api_server(context),
        "scheduler": airflow.scheduler(context),
        "dag-processor": airflow.dag_processor(context),
        "triggerer": airflow.triggerer(context),
        "reconciler": airflow.reconciler(context),
        "spark-access": [*priority_classes(), *spark_access(context)],
        "spark-history": spark_history(context),
        "warehouse": warehouse(context),
        "git-server": [git_namespace(git_context), *git_server(git_context)],
    }


@pytest.fixture
def objects(groups: dict[str, list[Object]]) -> list[Object]:
    return [item for group in groups.values() for item in group]


@pytest.fixture
def pods(objects: list[Object], context: AirflowContext) -> dict[str, Object]:
    """Every pod spec, by the name of what makes it."""
    made = {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]
        for item in objects
        if item["kind"] in {"Deployment", "StatefulSet", "Job"}
    }
    return made | {"airflow-worker": worker_pod(context)["spec"]}


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Compare with a golden file, or write it: `pytest tests/unit/infra/platform --update-golden`."""

    def run(name: str, value: Any) -> None:
        path = GOLDEN / f"{name}.yaml"
        text = yaml.safe_dump_all(value, sort_keys=False, width=110)
        if request.config.getoption("--update-golden", default=False):
            path.write_text(text)
        assert list(yaml.safe_load_all(text)) == list(yaml.safe_load_all(_read(path)))

    return run


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
