"""What there is in a cluster and what its programs take, at one moment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import psutil

from infra.cluster.engine import choose_engine
from infra.cluster.settings import load
from infra.platform.manifests.postgres import DATABASE, NAME, PASSWORD_FOLDER, PASSWORD_KEY, USER
from infra.shared.engine import call
from infra.shared.paths import Paths
from ops.bench.measure import NAMESPACE
from ops.bench.rest import init_pids, processes
from ops.bench.spark.objects import keys
from ops.environment import Environment

MIB = 2**20
CONTROL_PLANE = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
NODE = ("kubelet", "containerd")
SCHEDULER = re.compile(r"\bairflow scheduler\b")
DRIVER = "switchboard_spark.run"
SHORT_LIVED = frozenset({"Event"})
"""Kinds that Kubernetes itself removes after an hour: they grow, and then no more."""

ETCD = "etcd_mvcc_db_total_size_in_use_in_bytes"
ASK_ETCD = (
    f"exec 3<>/dev/tcp/127.0.0.1/2381; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; grep '^{ETCD} ' <&3"
)
"""etcd tells its metrics without a certificate only on its own machine."""

ROWS = "select (select count(*) from task_instance), pg_database_size(current_database())"


def objects(environment: Environment) -> Counter[tuple[str, str]]:
    """How many objects there are of each kind, by kind and namespace ("" for those of the whole cluster)."""
    kinds = environment.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    # Events are served by two groups, and would be counted twice
    asked = ",".join(kind for kind in kinds if kind not in {"events", "componentstatuses"})
    columns = "custom-columns=K:.kind,N:.metadata.namespace"
    lines = environment.kubectl("get", asked, "--all-namespaces", "--no-headers", "-o", columns).splitlines()
    return counted(lines)


def counted(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """Lines of a kind and a namespace (`<none>` for none), counted."""
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        kind, namespace = line.split()
        found[kind, "" if namespace == "<none>" else namespace] += 1
    return found


def sums(found: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """The kinds that matter to a deployment, one by one, and all of them together; short-lived ones apart."""
    lasting = {key: count for key, count in found.items() if key[0] not in SHORT_LIVED}
    own = {kind: count for (kind, namespace), count in lasting.items() if namespace == NAMESPACE}
    some = {f"{kind}s": float(own.get(kind, 0)) for kind in ("Pod", "Service", "ConfigMap", "Secret")}
    return {
        **{f"{name} of the deployment": count for name, count in some.items()},
        "objects of the deployment": float(sum(own.values())),
        "objects of the cluster": float(sum(lasting.values())),
        "events of the cluster": float(sum(found.values()) - sum(lasting.values())),
    }


def memory(environment: Environment) -> dict[str, float]:
    """Proportional set size in MiB (pages that several share count once) of the control plane, the node's
    programs, and Airflow's scheduler with its children.
    """
    wanted = (*CONTROL_PLANE, *NODE)
    found = dict.fromkeys([*wanted, "Airflow's scheduler"], 0.0)
    for process in processes(init_pids(environment.name)):
        try:
            name, words = process.name(), " ".join(process.cmdline())
            share = process.memory_full_info().pss / MIB
        except psutil.NoSuchProcess:
            continue
        if name in wanted:
            found[name] += share
        elif SCHEDULER.search(words):
            found["Airflow's scheduler"] += share
    return {f"{name}, MiB": value for name, value in found.items()}


def etcd_mib(environment: Environment) -> float:
    """What etcd's database has in use; old revisions too, until they are compacted every five minutes."""
    engine = choose_engine(Paths.of(environment.name)).engine
    node = f"{load(environment.name).cluster_name}-control-plane"
    said = call(engine, "exec", node, "bash", "-c", ASK_ETCD)
    return float(said.split()[-1]) / MIB


def airflow_rows(environment: Environment) -> dict[str, float]:
    """Rows of task instances, and MiB of Airflow's database."""
    ask = (
        f"PGPASSWORD=$(cat {PASSWORD_FOLDER}/{PASSWORD_KEY}) "
        f"psql --username {USER} --dbname {DATABASE} --tuples-only --no-align --command '{ROWS}'"
    )
    said = environment.kubectl("-n", NAMESPACE, "exec", f"{NAME}-0", "--", "sh", "-c", ask)
    rows, size = said.strip().split("|")
    return {"rows of task instances": float(rows), "Airflow's database, MiB": float(size) / MIB}


def stored(environment: Environment) -> dict[str, float]:
    """Objects in the platform's buckets: event logs, records of runs, what tasks wrote."""
    buckets = set(environment.cluster.object_store.buckets.values())
    return {"objects in the store": float(sum(len(keys(environment, bucket, "")) for bucket in buckets))}


def driver_environment(pids: Iterable[int]) -> dict[str, str] | None:
    """The environment of a Spark driver that runs now, in containers with these first processes."""
    for process in processes(pids):
        try:
            words = process.cmdline()
            if DRIVER in words and words[0].endswith("python"):
                return dict(process.environ())
        except psutil.NoSuchProcess:
            continue
    return None


def environment_size(variables: Mapping[str, str]) -> tuple[int, int]:
    """How many variables, and their bytes as the kernel passes them on (`NAME=value` and a zero)."""
    return len(variables), sum(len(f"{name}={value}".encode()) + 1 for name, value in variables.items())
