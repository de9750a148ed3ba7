"""What the drivers of spark-on-k8s get, without that package."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest


def test_its_drivers_have_what_those_of_spark_submit_have(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("spark_on_k8s", "spark_on_k8s.k8s", "spark_on_k8s.k8s.sync_client", "spark_on_k8s.utils")
    for name in (*names, "spark_on_k8s.utils.app_manager"):
        module = ModuleType(name)
        vars(module).update(client=None, KubernetesClientManager=None, SparkAppManager=object)
        monkeypatch.setitem(sys.modules, name, module)
    from submit_on_k8s import resources

    settings = {
        "spark.driver.memory": "640m",
        "spark.driver.memoryOverhead": "384m",
        "spark.kubernetes.driver.request.cores": "100m",
    }
    assert resources(settings) == {
        "requests": {"cpu": "100m", "memory": "1024Mi"},
        "limits": {"memory": "1024Mi"},
    }
