"""Makes Java start in half the time: writes how to start it, and an archive of what Spark loads then.

Runs while the image is built. Java reads some 10,000 classes from 250 jars before a driver or an executor
has done anything. With an archive (class data sharing) they are mapped into memory, parsed and checked
already. It holds for exactly one class path, so `java.args` has both: `java @$SPARK_HOME/java.args CLASS`.

Jars that an application's image adds belong into `extra-jars`, which comes after what is in the archive.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(os.environ["SPARK_HOME"])
ARGUMENTS, ARCHIVE, EXTRA = HOME / "java.args", HOME / "spark.jsa", HOME / "extra-jars"
SUBMIT = "org.apache.spark.deploy.SparkSubmit"
NOWHERE = "127.0.0.1:1"

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
SparkSession.builder.getOrCreate()
"""
"""Fails when it looks for its pod, and has loaded Kubernetes' client by then."""

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
    "spark.master": f"k8s://https://{NOWHERE}",
    "spark.authenticate": "true",
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.kubernetes.container.image": "image",
    "spark.kubernetes.driver.pod.name": "driver",
}
EXECUTOR = (
    "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
    *("--driver-url", f"spark://CoarseGrainedScheduler@{NOWHERE}", "--hostname", "127.0.0.1", "--cores", "1"),
    *("--executor-id", "1", "--podName", "executor", "--app-id", "spark-1", "--resourceProfileId", "0"),
)
"""Fails when it looks for its driver."""


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


def write_arguments(*more: str) -> None:
    """Write `java.args`."""
    logging = f"-Dlog4j2.configurationFile={HOME}/conf/log4j2.properties"
    path = ":".join([*jars(), f"{EXTRA}/*"])
    ARGUMENTS.write_text("\n".join([*java_options(), *more, logging, "-cp", path]) + "\n")


def load(classes: Path, *words: str) -> None:
    """Run Java and write down which classes it loads. What becomes of it does not matter."""
    command = ["java", f"@{ARGUMENTS}", f"-XX:DumpLoadedClassList={classes}", "-Xmx512m", *words]
    environment = {**os.environ, "KUBERNETES_REQUEST_RETRY_BACKOFFLIMIT": "0", "SPARK_LOCAL_IP": "127.0.0.1"}
    subprocess.run(command, env=environment, cwd=classes.parent, timeout=900, check=False)


def submit(classes: Path, script: str, settings: dict[str, str]) -> None:
    """Run a small application."""
    file = classes.with_suffix(".py")
    file.write_text(script)
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    load(classes, SUBMIT, *options, str(file))


def archive(lists: list[Path]) -> None:
    """Write the archive of all classes in these lists."""
    lines = {line: None for path in lists for line in path.read_text().splitlines()}
    together = lists[0].with_name("all.lst")
    together.write_text("\n".join(lines) + "\n")
    command = ["java", *java_options(), "-Xshare:dump", f"-XX:SharedClassListFile={together}"]
    subprocess.run([*command, f"-XX:SharedArchiveFile={ARCHIVE}", "-cp", ":".join(jars())], check=True)


def main() -> None:
    """Load classes in three ways, archive them all, and see that the archive can be used."""
    EXTRA.mkdir()
    write_arguments()
    with tempfile.TemporaryDirectory() as folder:
        lists = [Path(folder) / f"{name}.lst" for name in ("local", "pod", "executor")]
        submit(lists[0], LOCAL, LOCAL_SETTINGS)
        submit(lists[1], IN_A_POD, POD_SETTINGS)
        load(lists[2], *EXECUTOR)
        archive(lists)
    write_arguments(f"-XX:SharedArchiveFile={ARCHIVE}")
    sys.stdout.write(f"{ARCHIVE}: {ARCHIVE.stat().st_size / 1e6:.0f} MB\n")
    # `on` in place of the default `auto`: fails where the archive does not fit.
    subprocess.run(["java", f"@{ARGUMENTS}", "-Xshare:on", SUBMIT, "--version"], check=True)


if __name__ == "__main__":
    main()
