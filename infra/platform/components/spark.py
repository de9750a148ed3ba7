"""What the Spark of all deployments shares."""

import pulumi

from infra.platform.components.register import register_all
from infra.platform.manifests.spark import priority_classes


class SparkPriorities(pulumi.ComponentResource):
    """The priority classes of drivers and executors: one set for the cluster."""

    def __init__(self, provider: pulumi.ProviderResource) -> None:
        super().__init__("switchboard:platform:SparkPriorities", "spark", opts=None)
        register_all(priority_classes(), self, provider)
        self.register_outputs({})
