"""The probe's verdict, the users' file, and that neither probe nor reconciler loads Airflow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.shared.paths import REPOSITORY
from switchboard_airflow.migrate import User, read_users, surplus
from switchboard_airflow.probe import verdict

HEALTHY: dict[str, Any] = {"triggerer": {"status": "healthy"}}


@pytest.mark.parametrize(
    ("health", "strict", "expected"),
    [
        (HEALTHY, False, None),
        (HEALTHY, True, None),
        ({"triggerer": {"status": "unhealthy"}}, False, "triggerer is unhealthy"),
        ({"triggerer": {"status": None}}, False, "triggerer is None"),
        ({}, False, "triggerer is None"),
        (None, False, None),
        (None, True, "the API server doesn't answer"),
    ],
)
def test_a_component_is_judged_by_its_own_heart(health: Any, *, strict: bool, expected: str | None) -> None:
    assert verdict(health, "triggerer", strict=strict) == expected


def test_users_are_read_and_only_our_surplus_goes(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text(json.dumps({"admin": {"role": "Admin", "password": "p"}}))
    users = read_users(file)
    assert users == [User("admin", "Admin", "p")]
    existing = [("admin", users[0].email), ("old", User("old", "Op", "").email), ("ada", "ada@example.com")]
    assert surplus(existing, users) == ["old"]


@pytest.mark.parametrize("module", ["probe", "reconcile", "desired"])
def test_it_runs_without_airflow(module: str) -> None:
    code = f"import sys, switchboard_airflow.{module}; sys.exit('airflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY / "airflow", check=False)
    assert done.returncode == 0
