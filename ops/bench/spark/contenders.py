"""What `compare` compares: the DAGs of the three ways, and what the other two need of the cluster."""

from __future__ import annotations

from typing import Any

from ops.bench.measure import NAMESPACE

PATH = "speech/bench_compare.py"
WAYS = {"ours": "SparkTaskOperator", "submit": "spark-submit", "on_k8s": "spark-on-k8s"}
"""The end of each DAG's name, and what people call it."""

DAGS = '''"""The same small application three ways, each as the one task of a DAG."""

import json
import os

from airflow.sdk import DAG
from switchboard.stage import StageOperator
from switchboard_spark.operator import SparkTaskOperator

IMAGE = "the-image"
NAMESPACE = "the-namespace"

SPARK = json.loads(os.environ["SWITCHBOARD_SPARK"])
SPARK["sizes"]["bench"] = {**SPARK["sizes"]["small"], "executors_min": 2, "executors_max": 2}
os.environ["SWITCHBOARD_SPARK"] = json.dumps(SPARK)

# What the size above is, for the other two: pods of the same memory, CPU requests and limits
SETTINGS = {
    "spark.kubernetes.namespace": NAMESPACE,
    "spark.kubernetes.container.image": IMAGE,
    "spark.kubernetes.authenticate.driver.serviceAccountName": "spark-driver",
    "spark.kubernetes.authenticate.executor.serviceAccountName": "spark-executor",
    "spark.kubernetes.executor.podTemplateFile": "/app/executor.template",
    "spark.kubernetes.driver.request.cores": "100m",
    "spark.driver.memory": "640m",
    "spark.driver.memoryOverhead": "384m",
    "spark.driver.port": "7078",
    "spark.blockManager.port": "7079",
    "spark.kubernetes.executor.request.cores": "200m",
    "spark.kubernetes.executor.limit.cores": "2",
    "spark.executor.cores": "1",
    "spark.executor.memory": "640m",
    "spark.executor.memoryOverhead": "384m",
    "spark.executor.instances": "2",
}
SUBMIT = [
    "/opt/venv/lib/python3.11/site-packages/pyspark/bin/spark-submit",
    *("--master", "k8s://https://kubernetes.default.svc"),
    *("--deploy-mode", "cluster", "--name", "bench-submit"),
    *("--conf", "spark.kubernetes.driver.podTemplateFile=/app/driver.template"),
    *(word for name, value in SETTINGS.items() for word in ("--conf", f"{name}={value}")),
    "local:///app/bench_compare.py",
]
ON_K8S = ["python", "/app/submit_on_k8s.py", IMAGE, json.dumps(SETTINGS)]


def client(command):
    return StageOperator(
        task_id="app",
        image="spark-example",
        size="medium",
        cmds=["tini", "--", *command],
        service_account_name="spark-driver",
        automount_service_account_token=True,
        retries=0,
    )


with DAG("bench_compare_ours", schedule=None, tags=["bench"]):
    app = SparkTaskOperator(
        task_id="app", application="bench_compare:pi", image="spark-example", size="bench", retries=0
    )
    app.image = IMAGE

with DAG("bench_compare_submit", schedule=None, tags=["bench"]):
    client(SUBMIT).image = IMAGE

with DAG("bench_compare_on_k8s", schedule=None, tags=["bench"]):
    client(ON_K8S).image = IMAGE
'''

RIGHTS = "bench-compare"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def dags(image: str) -> str:
    """The DAG file."""
    return DAGS.replace("the-image", image).replace("the-namespace", NAMESPACE)


def rights() -> dict[str, Any]:
    """What drivers in cluster mode, and what submits them, may do beyond what the platform allows: they make
    Services, ConfigMaps and network policies, and look for volume claims.
    """
    about = {"name": RIGHTS, "namespace": NAMESPACE}
    group = "rbac.authorization.k8s.io"
    kinds = ["pods", "services", "configmaps", "persistentvolumeclaims"]
    role = {
        "apiVersion": f"{group}/v1",
        "kind": "Role",
        "metadata": about,
        "rules": [
            {"apiGroups": [""], "resources": kinds, "verbs": VERBS},
            {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": VERBS},
        ],
    }
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": about,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": RIGHTS},
        "subjects": [{"kind": "ServiceAccount", "name": "spark-driver", "namespace": NAMESPACE}],
    }
    return {"apiVersion": "v1", "kind": "List", "items": [role, binding]}
