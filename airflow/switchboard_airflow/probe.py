"""Ask the API server whether a component's heart beats: `python -m switchboard_airflow.probe triggerer
[--strict]`.

For components without a health page of their own. `airflow jobs check` would do it too, for four seconds of
CPU each time. Without `--strict`, an API server that doesn't answer proves nothing against the component:
it passes.
"""

import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import timedelta

HEALTH_PAGE = "http://airflow-api-server:8080/api/v2/monitor/health"
TIMEOUT = timedelta(seconds=4)
"""Less than the probe's own time, so that our words reach its event."""


def verdict(health: Mapping[str, Mapping[str, str]] | None, component: str, *, strict: bool) -> str | None:
    """What is wrong with the component; None is healthy."""
    if health is None:
        return "the API server doesn't answer" if strict else None
    status = health.get(component, {}).get("status")
    return None if status == "healthy" else f"{component} is {status}"


def fetch(url: str) -> Mapping[str, Mapping[str, str]] | None:
    """Airflow's health page, or None when it can't be had."""
    try:
        # Our own address, always http.
        with urllib.request.urlopen(url, timeout=TIMEOUT.total_seconds()) as answer:  # noqa: S310
            page: Mapping[str, Mapping[str, str]] = json.load(answer)
            return page
    except (OSError, ValueError):
        return None


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 is healthy."""
    wrong = verdict(fetch(HEALTH_PAGE), arguments[0], strict="--strict" in arguments)
    if wrong:
        print(wrong)
    return int(wrong is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
