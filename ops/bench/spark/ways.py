"""The ways to transcribe that are compared, as DAGs: that of AutoTranscribe, but for its name, how many of
its tasks may run at once, and the size of its Spark task.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from infra.shared.paths import REPOSITORY
from ops.bench.spark.pushed import BenchError, with_size

DAG = REPOSITORY / "dags/speech/autotranscribe.py"
EXECUTOR_MIB = 1536

NAME = 'with DAG(\n    "autotranscribe",'
SCHEDULE = 'schedule=CronTriggerTimetable("17 2 * * *", timezone="UTC"),'
AT_ONCE = "max_active_tasks=128,"
SIZE = 'image="autotranscribe",\n            size="medium",'
"""What is replaced: each stands once in the DAG's file."""


class Way(NamedTuple):
    """A way to transcribe. `slots`: processes that may recognise at once. `executors`: 0 for pods."""

    name: str
    slots: int
    executors: int = 0

    @property
    def dag_id(self) -> str:
        """Its DAG's name."""
        return f"bench_{self.name.replace(' ', '_')}"

    @property
    def runtime(self) -> str:
        """As the DAG's param has it."""
        return "spark" if self.executors else "pods"

    @property
    def one_by_one(self) -> bool:
        """Whether no two tasks may run at once."""
        return not self.executors and self.slots == 1


def ways(pool_slots: int) -> list[Way]:
    """One pod after the other; as many as the pool has slots for; Spark with 1, 2 and 4 executors."""
    pods = [Way("pods in turn", 1), Way("pods mapped", pool_slots)]
    return [*pods, *(Way(f"spark {count}", count, count) for count in (1, 2, 4))]


def size(way: Way) -> dict[str, object]:
    """The Spark size of a way. An executor asks for a part of the core that it uses: four of them and Airflow
    fit on two cores.
    """
    return {
        "executors_min": max(1, way.executors),
        "executors_max": max(1, way.executors),
        "executor_cores": 1,
        "executor_memory_mib": EXECUTOR_MIB,
        "executor_cpu_request_millicores": 250,
        "driver_cpu_request_millicores": 150,
        "driver_memory_mib": 1024,
        "pool_slots": 1,
    }


def dag_of(way: Way, source: Path = DAG) -> str:
    """The file of a way's DAG. Raises BenchError where AutoTranscribe's is not as expected."""
    text = source.read_text()
    changes = {
        NAME: f'with DAG(\n    "{way.dag_id}",',
        SCHEDULE: "schedule=None,",
        SIZE: SIZE.replace("medium", "bench"),
        AT_ONCE: f"max_active_tasks={1 if way.one_by_one else 128},",
    }
    for old, new in changes.items():
        if text.count(old) != 1:
            raise BenchError(f"{source.name} has {old!r} {text.count(old)} times, not once: mend ways.py")
        text = text.replace(old, new)
    return with_size(size(way), text)
