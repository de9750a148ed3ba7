"""Makes Java start in half the time: writes how to start it, and an archive of what Spark loads then.

    python -m image.archive_classes

Runs while the image is built. Java reads some 10,000 classes from 250 jars before a driver or an executor
has done anything. With an archive (class data sharing) they are mapped into memory, parsed and checked
already. It holds for exactly one class path, so `java.args` has both: `java @$SPARK_HOME/java.args CLASS`.

Which classes those are is seen from a driver and its executor at work, on a stand-in for Kubernetes.

Jars that an application's image adds belong into `extra-jars`, which comes after what is in the archive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from image.stand_in import api_server

HOME = Path(os.environ["SPARK_HOME"])
ARGUMENTS, ARCHIVE, EXTRA = HOME / "java.args", HOME / "spark.jsa", HOME / "extra-jars"
SUBMIT = "org.apache.spark.deploy.SparkSubmit"
ADDRESS = "127.0.0.1"
NOWHERE = f"{ADDRESS}:1"

LOCAL = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.range(100).selectExpr("id", "id % 3 as part", "cast(id as string) as text")
rows.write.mode("overwrite").partitionBy("part").parquet("parquet")
rows.write.mode("overwrite").json("json")
read = spark.read.parquet("parquet").join(spark.read.json("json").select("id"), "id")
read.groupBy("part").count().orderBy("part").collect()
spark.sparkContext.parallelize(range(4), 2).map(lambda n: (n % 2, n)).reduceByKey(max).collect()
try:
    spark.read.text("s3a://nowhere/at/all").count()
except Exception:
    pass
spark.stop()
"""
"""A driver's and an executor's work in one process."""

IN_A_POD = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(4), 2).map(lambda n: (n % 2, n)).reduceByKey(max).collect()
spark.range(100).groupBy("id").count().collect()
spark.stop()
"""
"""A driver's, with an executor of its own."""

EXECUTOR_END_S = 60

TIER_4 = {"Invocation": 5_000, "MinInvocation": 600, "Compile": 15_000, "BackEdge": 40_000}
"""How often code has run when Java's second compiler takes it on: the defaults (`-XX:+PrintFlagsFinal`)."""

LATER = 10
"""It takes code on so many times later. By default a third of the processor time of a start goes into code
that hardly runs again, on nodes where everything else starts too. What is hot gets there a moment later.
"""

LOCAL_SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.prometheus.enabled": "true",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": ".",
    "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    "spark.hadoop.fs.s3a.endpoint": f"http://{NOWHERE}",
    "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
    "spark.hadoop.fs.s3a.access.key": "key",
    "spark.hadoop.fs.s3a.secret.key": "secret",
    "spark.hadoop.fs.s3a.input.stream.type": "classic",
    "spark.hadoop.fs.s3a.attempts.maximum": "1",
    "spark.hadoop.fs.s3a.retry.limit": "0",
}
POD_SETTINGS = {
    "spark.submit.deployMode": "client",
    "spark.authenticate": "true",
    "spark.driver.host": ADDRESS,
    "spark.driver.bindAddress": ADDRESS,
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "1",
    "spark.dynamicAllocation.maxExecutors": "1",
    "spark.kubernetes.allocation.pods.allocator": "org.apache.spark.switchboard.Allocator",
    "spark.decommission.enabled": "true",
    "spark.storage.decommission.enabled": "true",
    "spark.ui.prometheus.enabled": "true",
    "spark.kubernetes.container.image": "image",
    "spark.kubernetes.driver.pod.name": "driver",
    "spark.kubernetes.executor.disableConfigMap": "true",
}
TEMPLATE = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "executor"}]}}
EXECUTOR = "org.apache.spark.switchboard.Executor"


def jars() -> list[str]:
    """The class path, in an order that does not depend on the file system."""
    return [str(jar) for jar in sorted((HOME / "jars").glob("*.jar"))]


def java_options() -> list[str]:
    """What Spark itself starts Java with, above all the modules that it has to open."""
    (core,) = (HOME / "jars").glob("spark-core_*.jar")
    scala = core.name.removeprefix("spark-core_").partition("-")[0]
    words = ["java", "-cp", ":".join(jars()), "org.apache.spark.launcher.Main", SUBMIT, "pyspark-shell"]
    told = subprocess.run(
        words, env={**os.environ, "SPARK_SCALA_VERSION": scala}, capture_output=True, text=True, check=True
    )
    return [word for word in told.stdout.split("\0") if word.startswith(("-XX:", "-D", "--"))]


AT_A_FIXED_PLACE = ("-XX:+UnlockDiagnosticVMOptions", "-XX:ArchiveRelocationMode=0")
"""Elsewhere every pointer of the archive is rewritten at each start. That is there so that nobody can know
where Java's own classes lie; it costs a seventh of a second, and makes 160 MB of it the process's own, where
all of a node's Java could share them (`-Xlog:cds`, and what the kernel counts).
"""


def write_arguments(*more: str) -> None:
    """Write `java.args`."""
    compiler = [f"-XX:Tier4{name}Threshold={times * LATER}" for name, times in TIER_4.items()]
    counters = "-XX:-UsePerfData"  # for tools on the same machine, of which there are none
    logging = f"-Dlog4j2.configurationFile={HOME}/conf/log4j2.properties"
    path = ":".join([*jars(), f"{EXTRA}/*"])
    ARGUMENTS.write_text(
        "\n".join([*java_options(), *compiler, *more, counters, logging, "-cp", path]) + "\n"
    )


def load(classes: Path, *words: str, env: Mapping[str, str] | None = None) -> int:
    """Run Java and write down which classes it loads; gives its exit status."""
    command = ["java", f"@{ARGUMENTS}", f"-XX:DumpLoadedClassList={classes}", "-Xmx512m", *words]
    environment = {**os.environ, "SPARK_LOCAL_IP": ADDRESS, **(env or {})}
    return subprocess.run(command, env=environment, cwd=classes.parent, timeout=900, check=False).returncode


def submit(classes: Path, script: str, settings: dict[str, str]) -> None:
    """Run a small application. Raises RuntimeError where it fails."""
    file = classes.with_suffix(".py")
    file.write_text(script)
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    if status := load(classes, SUBMIT, *options, str(file)):
        raise RuntimeError(f"{file.name}, which shows what Spark loads, ended with exit status {status}")


def executor(classes: Path, given: dict[str, str]) -> None:
    """Run the executor that a driver asked for; `given` is what Spark puts into its pod."""
    count = sum(name.startswith("SPARK_JAVA_OPT_") for name in given)
    options = [given[f"SPARK_JAVA_OPT_{number}"] for number in range(count)]
    words = {
        "--driver-url": given["SPARK_DRIVER_URL"],
        "--executor-id": given["SPARK_EXECUTOR_ID"],
        "--cores": given["SPARK_EXECUTOR_CORES"],
        "--app-id": given["SPARK_APPLICATION_ID"],
        "--hostname": ADDRESS,
        "--resourceProfileId": given["SPARK_RESOURCE_PROFILE_ID"],
        "--podName": "executor",
    }
    load(classes, *options, EXECUTOR, *(word for pair in words.items() for word in pair), env=given)


def on_kubernetes(folder: Path) -> list[Path]:
    """Run a driver and its executor to their ends; gives the lists of their classes. Raises RuntimeError."""
    driver, of_executor, template = folder / "driver.lst", folder / "executor.lst", folder / "template.json"
    template.write_text(json.dumps(TEMPLATE))
    ended = threading.Event()

    def start(given: dict[str, str]) -> None:
        executor(of_executor, given)
        ended.set()

    with api_server(folder, start) as (address, certificate):
        settings = {
            **POD_SETTINGS,
            "spark.master": f"k8s://{address}",
            "spark.kubernetes.authenticate.caCertFile": str(certificate),
            "spark.kubernetes.executor.podTemplateFile": str(template),
        }
        submit(driver, IN_A_POD, settings)
        if not ended.wait(EXECUTOR_END_S):
            raise RuntimeError(f"no executor has come to its end within {EXECUTOR_END_S} s after its driver")
    return [driver, of_executor]


def archive(lists: list[Path]) -> None:
    """Write the archive of all classes in these lists."""
    lines = {line: None for path in lists for line in path.read_text().splitlines()}
    together = lists[0].with_name("all.lst")
    together.write_text("\n".join(lines) + "\n")
    command = ["java", *java_options(), "-Xshare:dump", f"-XX:SharedClassListFile={together}"]
    subprocess.run([*command, f"-XX:SharedArchiveFile={ARCHIVE}", "-cp", ":".join(jars())], check=True)


def main() -> None:
    """Load classes in two ways, archive them all, and see that the archive can be used."""
    EXTRA.mkdir()
    write_arguments()
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "local.lst"
        submit(local, LOCAL, LOCAL_SETTINGS)
        archive([local, *on_kubernetes(Path(folder))])
    write_arguments(*AT_A_FIXED_PLACE, f"-XX:SharedArchiveFile={ARCHIVE}")
    sys.stdout.write(f"{ARCHIVE}: {ARCHIVE.stat().st_size / 1e6:.0f} MB\n")
    # `on` in place of the default `auto`: fails where the archive does not fit.
    subprocess.run(["java", f"@{ARGUMENTS}", "-Xshare:on", SUBMIT, "--version"], check=True)


if __name__ == "__main__":
    main()
