"""What Spark is told: pure functions from a task and its pod to Spark's configuration.

Every setting that is not Spark's default stands here with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from pathlib import Path

from switchboard_spark.model import BLOCK_MANAGER_PORT, DRIVER_PORT, UI_PORT, SparkSize, SparkTask
from switchboard_spark.pods import (
    DRIVER_LABEL,
    EXECUTOR_ACCOUNT,
    EXECUTOR_CONTAINER,
    SCRATCH,
    PodIdentity,
    cpu_limit,
)

ALLOCATOR = "org.apache.spark.switchboard.Allocator"
NAME_PREFIX = "spark.kubernetes.executor.podNamePrefix"
SECRET_FILE = f"{SCRATCH}/spark-secret"
API_SERVER = "https://kubernetes.default.svc"
SDK, COMMIT = "software.amazon.awssdk", "org.apache.spark.internal.io.cloud"

OVERHEAD_FACTOR = 0.4
MIN_OVERHEAD_MIB = 384
"""Spark's own split for Python on Kubernetes (`spark.executor.memoryOverheadFactor` and `minMemoryOverhead`
in its configuration page): beside the heap live the Python workers, Netty's buffers and the JVM itself.
"""

GRACE_S = 20
"""For an executor that is drained to hand its shuffle blocks over. It cannot be long: one that hangs outlives
its driver by this.
"""

MAX_BATCH = 100
"""Executors requested in one second, so that a large size does not take minutes to ask for its pods."""


NAME_LENGTH = 40
"""What an executor's name has of its driver's: with uid, `-exec-` and number it is a host name, too."""

DRIVER_JAVA = (
    # A driver without memory left can hang for hours in collecting garbage.
    "-XX:+ExitOnOutOfMemoryError",
    # It starts, plans and hands out tasks. Java's second compiler takes a third of the processor time of that
    # and is worth none of it: 20,000 tasks took the same without it, 15 joins were planned in half the time.
    "-XX:TieredStopAtLevel=1",
)


def heap_mib(container_mib: int) -> int:
    """The heap of a JVM whose container has that much memory: `min(memory / 1.4, memory - 384)`.

    Spark adds `max(0.4 * heap, 384)` to a heap to get the container; this is the inverse.
    """
    return min(floor(container_mib / (1 + OVERHEAD_FACTOR)), container_mib - MIN_OVERHEAD_MIB)


def failure_limit(size: SparkSize) -> int:
    """How many executors may die in a row before the application is ended; Spark's own default."""
    return max(3, 2 * size.executors_max)


def cluster_conf(
    task: SparkTask, pod: PodIdentity, template: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Everything that a driver in a pod is told. `template` is where executor_pod() was written."""
    return {
        "spark.app.name": task.app_name,
        **COMMON,
        **_driver(task.size, pod),
        **_executors(task, pod, template),
        **_allocation(task.size),
        **DECOMMISSION,
        **METRICS,
        **RECORD,
        **_event_log(task),
        **s3a(environment),
    }


def local_conf(environment: Mapping[str, str], with_s3a: bool) -> dict[str, str]:
    """What a session on a laptop is configured with; `with_s3a`: whether the jars for it are there."""
    return {
        "spark.app.name": environment.get("POD_NAME", "local"),
        "spark.master": "local[*]",
        **COMMON,
        # No name of this machine needs to resolve, and nobody else can connect.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        **(s3a(environment) if with_s3a else {}),
    }


COMMON = {
    "spark.sql.warehouse.dir": f"{SCRATCH}/spark-warehouse",  # else the working folder, which is read-only
    "spark.sql.catalogImplementation": "in-memory",  # no Hive metastore, and no Derby in the working folder
    "spark.sql.adaptive.enabled": "true",  # the default, but sizes rely on it: no tiny and no huge partitions
    "spark.sql.session.timeZone": "UTC",  # the same results on every node and laptop
    "spark.ui.showConsoleProgress": "false",  # redraws a line, which a log can't
    "spark.ui.killEnabled": "false",  # the page asks nobody who they are
    "spark.python.worker.faulthandler.enabled": "true",  # a worker that crashes says where
}

METRICS = {
    "spark.ui.prometheus.enabled": "true",  # executors' at /metrics/executors/prometheus, by the driver
    "spark.metrics.conf.*.sink.prometheusServlet.class": "org.apache.spark.metrics.sink.PrometheusServlet",
    "spark.metrics.conf.*.sink.prometheusServlet.path": "/metrics/prometheus",
    # The default is the application's id: a new name for every series with every run.
    "spark.metrics.namespace": "spark",
}

RECORD = {
    # Memory of all of an executor's processes, Python's among them: what the kernel goes by, and Java does
    # not know. Read from /proc every 10 s, with the heartbeat.
    "spark.executor.processTreeMetrics.enabled": "true",
    # The record of a run tells of all its executors; by default only 100 dead ones are remembered.
    "spark.ui.retainedDeadExecutors": "1000",
}

DECOMMISSION = {
    # An executor whose node is drained or taken hands over what others would have to compute again.
    "spark.decommission.enabled": "true",
    "spark.storage.decommission.enabled": "true",
    "spark.storage.decommission.rddBlocks.enabled": "true",
    "spark.storage.decommission.shuffleBlocks.enabled": "true",
    "spark.executor.decommission.forceKillTimeout": f"{GRACE_S}s",
    "spark.kubernetes.decommission.script": "/bin/spark-decommission",
    "spark.kubernetes.executor.terminationGracePeriodSeconds": f"{GRACE_S}s",
}


def _driver(size: SparkSize, pod: PodIdentity) -> dict[str, str]:
    heap = heap_mib(size.driver_memory_mib)
    return {
        "spark.master": f"k8s://{API_SERVER}",
        "spark.submit.deployMode": "client",
        "spark.driver.host": pod.ip,
        "spark.driver.bindAddress": pod.ip,  # this, and not the host, is what executors are told since 4.1
        "spark.driver.port": str(DRIVER_PORT),
        "spark.blockManager.port": str(BLOCK_MANAGER_PORT),  # executors', too
        "spark.ui.port": str(UI_PORT),
        "spark.port.maxRetries": "0",  # fixed ports, or none: a driver elsewhere would not be found
        # Executors are owned by this pod: what Spark does not remove any more, Kubernetes does.
        "spark.kubernetes.driver.pod.name": pod.name,
        # Follows from the pod, so that Airflow can link to the history before the driver has said a word.
        "spark.app.id": f"spark-{pod.uid.replace('-', '')}",
        "spark.driver.memory": f"{heap}m",
        "spark.driver.maxResultSize": f"{heap // 2}m",  # a clear error before the heap is full
        "spark.driver.extraJavaOptions": " ".join(DRIVER_JAVA),
        # Who reaches the port could otherwise run any code with the driver's rights. Spark would make the
        # secret itself, too late for the first executor; executors have it in their pod's template.
        "spark.authenticate": "true",
        "spark.authenticate.secret.driver.file": SECRET_FILE,
        "spark.authenticate.secret.executor.file": SECRET_FILE,  # never read, but Spark wants both or none
    }


def _executors(task: SparkTask, pod: PodIdentity, template: Path) -> dict[str, str]:
    size, heap = task.size, heap_mib(task.size.executor_memory_mib)
    return {
        "spark.kubernetes.namespace": task.namespace,
        "spark.kubernetes.container.image": task.image,
        "spark.kubernetes.container.image.pullPolicy": "IfNotPresent",
        "spark.kubernetes.authenticate.executor.serviceAccountName": EXECUTOR_ACCOUNT,
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.kubernetes.executor.podTemplateContainerName": EXECUTOR_CONTAINER,
        f"spark.kubernetes.executor.label.{DRIVER_LABEL}": pod.uid,
        NAME_PREFIX: f"{pod.name[:NAME_LENGTH].rstrip('-.')}-{pod.uid[:8]}",
        "spark.kubernetes.allocation.pods.allocator": ALLOCATOR,  # knows of the first executor (`first`)
        "spark.executor.cores": str(size.executor_cores),
        "spark.kubernetes.executor.request.cores": f"{size.executor_cpu_request_millicores}m",
        "spark.kubernetes.executor.limit.cores": str(cpu_limit(size)),
        "spark.executor.memory": f"{heap}m",
        "spark.executor.memoryOverhead": f"{size.executor_memory_mib - heap}m",
        # The configuration is the image's, and saves a ConfigMap for every application.
        "spark.kubernetes.executor.disableConfigMap": "true",
        # Made for cluster mode; without them the driver needs no rights on Services and volumes.
        "spark.kubernetes.driver.service.deleteOnTermination": "false",
        "spark.kubernetes.driver.ownPersistentVolumeClaim": "false",
        "spark.kubernetes.driver.reusePersistentVolumeClaim": "false",
        # The watcher ends the application first, and knows why. This is the bound should it be gone: Spark
        # counts evictions too, so it is a wider one.
        "spark.executor.maxNumFailures": str(4 * failure_limit(size)),
        "spark.executor.failuresValidityInterval": "10m",
        "spark.pyspark.python": "python",  # the same path in both, the image being the same
    }


def _allocation(size: SparkSize) -> dict[str, str]:
    low, high = size.executors_min, size.executors_max
    common = {
        "spark.kubernetes.allocation.batch.size": str(min(max(high, 1), MAX_BATCH)),
        # Work begins with the first executor, and does not wait 30 s for four in five of them.
        "spark.scheduler.minRegisteredResourcesRatio": "0",
    }
    if low == high:
        return {**common, "spark.dynamicAllocation.enabled": "false", "spark.executor.instances": str(high)}
    return {
        **common,
        "spark.dynamicAllocation.enabled": "true",
        # There is no shuffle service on Kubernetes: an executor stays while its shuffle files are needed.
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": str(low),
        "spark.dynamicAllocation.maxExecutors": str(high),
        # One is asked for at once, so that it starts while the application still plans its first job.
        "spark.dynamicAllocation.initialExecutors": str(max(low, 1)),
    }


def _event_log(task: SparkTask) -> dict[str, str]:
    if not task.event_log_uri:
        return {"spark.eventLog.enabled": "false"}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": task.event_log_uri,
        # An object is there when it is closed: in pieces, so that a killed driver leaves all but the last.
        "spark.eventLog.rolling.enabled": "true",
        "spark.eventLog.rolling.maxFileSize": "10m",
        "spark.eventLog.compress": "true",
        "spark.eventLog.logStageExecutorMetrics": "true",  # peaks of memory by stage, for choosing sizes
    }


def s3a(environment: Mapping[str, str]) -> dict[str, str]:
    """How `s3a://` is reached, from the variables that boto3 goes by too."""
    conf = {
        # The pod's own: AWS_* keys where there are some, else the cloud identity of its service account.
        "fs.s3a.aws.credentials.provider": f"{SDK}.auth.credentials.DefaultCredentialsProvider",
        "fs.s3a.input.stream.type": "classic",  # the new default is made for Amazon's own S3 only
        # Each try waits twice as long as the one before: 9 outlast 4 minutes without S3, the default's 7 one.
        "fs.s3a.retry.limit": "9",
        # Tasks upload, the job commits: no rename, which is a copy on S3, and no half-written results.
        "fs.s3a.committer.name": "magic",
        "fs.s3a.committer.magic.enabled": "true",
        "mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
    }
    if region := environment.get("AWS_REGION"):
        conf["fs.s3a.endpoint.region"] = region
    if endpoint := environment.get("AWS_ENDPOINT_URL_S3"):
        conf |= {
            "fs.s3a.endpoint": endpoint,
            "fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https:")).lower(),
            "fs.s3a.path.style.access": "true",  # one name in the DNS, not one for each bucket
            "fs.s3a.change.detection.mode": "none",  # asks for answers to If-Match that not all servers give
        }
    return {
        **{f"spark.hadoop.{key}": value for key, value in conf.items()},
        "spark.sql.sources.commitProtocolClass": f"{COMMIT}.PathOutputCommitProtocol",
        "spark.sql.parquet.output.committer.class": f"{COMMIT}.BindingParquetOutputCommitter",
    }
