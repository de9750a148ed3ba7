"""Pools and connections are what the settings say, whatever anyone does by hand."""

from __future__ import annotations

import pytest

from ops.environment import Environment
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


def slots(stack: Environment) -> dict[str, int]:
    with stack.airflow() as airflow:
        return {pool["name"]: pool["slots"] for pool in airflow.get("/pools")["pools"]}


def test_drift_of_a_declared_pool_is_put_back(stack: Environment) -> None:
    declared = slots(stack)["speech-cpu"]
    with stack.airflow() as airflow:
        airflow.request(
            "PATCH",
            "/pools/speech-cpu",
            params={"update_mask": "slots"},
            json={"name": "speech-cpu", "slots": 99, "include_deferred": False},
        )
        assert slots(stack)["speech-cpu"] == 99
        until("the pool has its declared slots again", lambda: slots(stack)["speech-cpu"] == declared)
        airflow.request("DELETE", "/pools/speech-cpu")
        until("the deleted pool is back", lambda: slots(stack).get("speech-cpu") == declared)


def test_a_pool_made_by_hand_stays(stack: Environment) -> None:
    with stack.airflow() as airflow:
        airflow.request("POST", "/pools", json={"name": "by-hand", "slots": 3, "include_deferred": False})
        try:
            airflow.request("DELETE", "/pools/speech-cpu")
            until("the reconciler has passed by", lambda: "speech-cpu" in slots(stack))
            assert slots(stack)["by-hand"] == 3
        finally:
            airflow.request("DELETE", "/pools/by-hand")
