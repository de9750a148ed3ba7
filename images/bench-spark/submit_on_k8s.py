"""Submits an application with spark-on-k8s and waits for its end: what a task of its users does.

    submit_on_k8s.py IMAGE SETTINGS

SETTINGS is a JSON object of Spark's, the one that spark-submit is given. The package knows no template for a
driver's pod, and lets it use no more CPU than it requests: what the `restricted` profile asks for, and the
resources that the others' drivers have, are put into the pod before it is made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from kubernetes import client as k8s
from spark_on_k8s import client as package
from spark_on_k8s.k8s.sync_client import KubernetesClientManager
from spark_on_k8s.utils.app_manager import SparkAppManager

LABELS = {"app.kubernetes.io/component": "spark-driver", "switchboard/bench": "compare"}
USER = 10001


def resources(settings: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What spark-submit would give a driver: sizes in MiB, as in `640m`, and no limit of CPU."""
    names = ("spark.driver.memory", "spark.driver.memoryOverhead")
    memory = f"{sum(int(settings[name].removesuffix('m')) for name in names)}Mi"
    cpu = settings["spark.kubernetes.driver.request.cores"]
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def restricted(settings: Mapping[str, str]) -> type:
    """The package's manager, whose drivers' pods the cluster takes."""

    class Restricted(SparkAppManager):  # type: ignore[misc]  # it ships no types
        @staticmethod
        def create_spark_pod_spec(**given: Any) -> Any:
            pod = SparkAppManager.create_spark_pod_spec(**{**given, "pod_resources": resources(settings)})
            pod.spec.automount_service_account_token = True
            pod.spec.enable_service_links = False
            pod.spec.security_context = k8s.V1PodSecurityContext(
                run_as_non_root=True,
                run_as_user=USER,
                run_as_group=USER,
                fs_group=USER,
                seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
            )
            pod.spec.containers[0].security_context = k8s.V1SecurityContext(
                allow_privilege_escalation=False, capabilities=k8s.V1Capabilities(drop=["ALL"])
            )
            return pod

    return Restricted


def main() -> None:
    """The command."""
    image, settings = sys.argv[1], json.loads(sys.argv[2])
    package.SparkAppManager = restricted(settings)
    package.SparkOnK8S(k8s_client_manager=KubernetesClientManager(in_cluster=True)).submit_app(
        image=image,
        app_path="local:///app/bench_compare.py",
        app_name="bench-on-k8s",
        namespace=settings["spark.kubernetes.namespace"],
        service_account=settings["spark.kubernetes.authenticate.driver.serviceAccountName"],
        spark_conf=settings,
        executor_instances=package.ExecutorInstances(initial=int(settings["spark.executor.instances"])),
        driver_labels=LABELS,
        executor_pod_template_path=settings["spark.kubernetes.executor.podTemplateFile"],
        # Follows the log, and so notices the end at once; the other way asks for the status every 5 s
        app_waiter="log",
        startup_timeout=120,
        should_print=True,
    )


if __name__ == "__main__":
    main()
