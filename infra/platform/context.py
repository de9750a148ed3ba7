"""What the manifests of one deployment are made from, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.platform.names import GIT_NAMESPACE, airflow_namespace
from infra.platform.settings import Deployment, GitServer
from infra.shared.outputs import ClusterOutputs, Entrance

Images = Mapping[str, str]
"""Image name to its reference by digest."""


class MissingEntranceError(LookupError):
    """Settings name an entrance that the cluster hasn't."""

    def __init__(self, name: str, known: Mapping[str, Entrance]) -> None:
        super().__init__(
            f"entrance {name!r}: the cluster has only {', '.join(sorted(known)) or 'none'}; "
            "use one of them, or add it to the cluster's settings"
        )


@dataclass(frozen=True)
class AirflowContext:
    """One team's Airflow on one cluster."""

    team: str
    settings: Deployment
    cluster: ClusterOutputs
    images: Images

    @property
    def namespace(self) -> str:
        """Where all of it runs."""
        return airflow_namespace(self.team)

    @property
    def entrance(self) -> Entrance:
        """How people reach the page. Raises MissingEntranceError."""
        return entrance(self.cluster, self.settings.entrance)

    @property
    def history_entrance(self) -> Entrance | None:
        """How people reach the history server of Spark, where there is a way. Raises MissingEntranceError."""
        spark = self.settings.spark
        return entrance(self.cluster, spark.history_entrance) if spark and spark.history_entrance else None


@dataclass(frozen=True)
class GitContext:
    """The DAG repository's server on one cluster."""

    settings: GitServer
    cluster: ClusterOutputs
    images: Images
    namespace: str = GIT_NAMESPACE

    @property
    def entrance(self) -> Entrance:
        """How people push. Raises MissingEntranceError."""
        return entrance(self.cluster, "git")


def entrance(cluster: ClusterOutputs, name: str) -> Entrance:
    """Raises MissingEntranceError."""
    if name not in cluster.entrances:
        raise MissingEntranceError(name, cluster.entrances)
    return cluster.entrances[name]
