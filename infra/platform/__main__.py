"""The platform program: settings and the cluster's outputs -> components -> exports."""

from typing import Any

import pulumi
from pulumi.runtime.sync_await import _sync_await

from infra.platform.components.airflow import AirflowDeployment
from infra.platform.components.git_server import DagRepository
from infra.platform.components.provider import cluster_provider
from infra.platform.components.spark import SparkPriorities
from infra.platform.context import AirflowContext, GitContext
from infra.platform.images import PLACEHOLDERS, ImagesError, read_images
from infra.platform.placeholders import placeholder_cluster
from infra.platform.settings import PlatformSettings, file_of, load
from infra.platform.spark_checks import price_problems, size_problems
from infra.shared.outputs import ClusterOutputs
from infra.shared.paths import Paths
from infra.shared.settings import SettingsError

stack, previewing = pulumi.get_stack(), pulumi.runtime.is_dry_run()
try:
    load(stack)  # words all mistakes
    settings = PlatformSettings.model_validate(pulumi.Config().require_object("settings"))  # secrets readable
    lock = Paths.of(stack).images_lock
    images = PLACEHOLDERS if previewing and not lock.exists() else read_images(lock, spark=settings.has_spark)
except (SettingsError, ImagesError) as error:
    raise pulumi.RunError(str(error)) from error

reference = pulumi.StackReference(f"organization/switchboard-cluster/{stack}")
details = _sync_await(reference.get_output_details("cluster"))
exported: dict[str, Any] | None = details.value or details.secret_value
if exported is None and not previewing:
    raise pulumi.RunError(f"the cluster stack {stack!r} has no outputs: `make up` makes the cluster first")
cluster = (
    ClusterOutputs.model_validate(exported) if exported else placeholder_cluster(["git", *settings.entrances])
)
problems = [*size_problems(settings, cluster.node_pools), *price_problems(settings, cluster.node_pools)]
if problems:
    raise pulumi.RunError(str(SettingsError(file_of(stack), problems)))

# Unknown where there's no cluster yet, not empty: an empty one would be the operator's own.
kubeconfig: Any = cluster.kubeconfig.get_secret_value() if exported else pulumi.output.UNKNOWN
provider = cluster_provider(stack, kubeconfig, cluster.context)
repository = DagRepository(GitContext(settings.git, cluster, images), provider)
if settings.has_spark:
    SparkPriorities(provider)
deployments = {
    team: AirflowDeployment(AirflowContext(team, item, cluster, images), repository.reader_password, provider)
    for team, item in settings.deployments.items()
}

first = next(iter(deployments.values()))
pulumi.export("airflow_url", first.url)
pulumi.export("airflow_admin_user", first.admin)
pulumi.export("airflow_admin_password", pulumi.Output.secret(first.admin_password))
pulumi.export("airflow_urls", {team: item.url for team, item in deployments.items()})
pulumi.export("git_push_url", repository.push_url)
pulumi.export("git_writer_password", pulumi.Output.secret(repository.writer_password))
pulumi.export("namespaces", {team: item.namespace for team, item in deployments.items()})
