"""`ForkOperator`: a first task that plans what follows, and leaves out what is not to follow."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk.exceptions import DownstreamTasksSkipped


class ForkOperator(PythonOperator, SkipMixin):
    """A Python task whose answer tasks are mapped over, and which may have others skipped.

        def plan() -> list[str]:
            leave_out(get_current_context(), "other")
            return ["a", "b"]

        planned = ForkOperator(task_id="plan", python_callable=plan).output

    A branch operator answers nothing but the branch, so a run would begin with two tasks, each in a worker of
    its own.
    """

    inherits_from_skipmixin = True
    """Has the scheduler ask, before it starts a task below this one, whether it was left out."""


def leave_out(context: Any, *task_ids: str) -> None:
    """Within a ForkOperator's function: have tasks directly below it skipped, as soon as it has ended."""
    task = context["task"]
    # Raised to end this task at once, without its answer; what the scheduler goes by is noted before
    with suppress(DownstreamTasksSkipped):
        task.skip(context["ti"], [task.dag.get_task(task_id) for task_id in task_ids])
