"""What tasks get unless their DAG says otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

STAGE_POOL = "speech-cpu"
"""Airflow pool that bounds how many stage pods run at once; its slots are a setting of the platform."""

SPARK_POOL = "spark"
"""Airflow pool of Spark tasks. A task takes slots in proportion to its size, so its slots are a measure of
cores.
"""

RETRIES = 2
"""A pod that was evicted, an object store that was away: seldom more than twice in a row."""

RETRY_DELAY = timedelta(seconds=10)
MAX_RETRY_DELAY = timedelta(minutes=2)

EXECUTION_TIMEOUT = timedelta(hours=6)
"""Longer than any batch should take: what hangs is ended and tried again."""


def default_args(owner: str) -> dict[str, Any]:
    """`default_args` of a DAG. `owner`: the team that is asked when it fails."""
    return {
        "owner": owner,
        "retries": RETRIES,
        "retry_delay": RETRY_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": MAX_RETRY_DELAY,
        "execution_timeout": EXECUTION_TIMEOUT,
    }
