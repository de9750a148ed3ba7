"""The warehouse: who reaches it, as whom, and who does not."""

import json

from infra.platform.context import AirflowContext
from infra.platform.manifests import Object
from infra.platform.manifests.airflow_config import config
from infra.platform.manifests.postgres import database_url
from infra.platform.manifests.warehouse import WAREHOUSE, warehouse, warehouse_uri


def find(objects: list[Object], kind: str) -> Object:
    (found,) = (item for item in objects if item["kind"] == kind)
    return found


def without(context: AirflowContext) -> AirflowContext:
    settings = context.settings.model_copy(update={"warehouse": None})
    return AirflowContext(context.team, settings, context.cluster, context.images)


def test_only_drivers_that_asked_for_it_reach_it(context: AirflowContext) -> None:
    policy = find(warehouse(context), "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "warehouse"
    ((source,),) = [way["from"] for way in policy["ingress"]]
    assert source["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/component": "spark-driver",
        "switchboard/connection-warehouse": "true",
    }
    assert policy["egress"] == []


def test_tasks_are_not_who_may_do_everything(context: AirflowContext) -> None:
    assert WAREHOUSE.owner != WAREHOUSE.user
    assert warehouse_uri("x").startswith(f"postgresql://{WAREHOUSE.owner}:x@")
    assert WAREHOUSE.name not in database_url("x")


def test_its_passwords_are_in_files_of_its_own(context: AirflowContext) -> None:
    pod = find(warehouse(context), "StatefulSet")["spec"]["template"]["spec"]
    environment = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    assert environment["POSTGRES_OWNER"] == "warehouse"
    assert environment["POSTGRES_OWNER_PASSWORD_FILE"] == "/etc/postgres/owner-password"
    (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    assert secret["secretName"] == "warehouse-database"
    assert [item["key"] for item in secret["items"]] == ["password", "owner-password"]


def test_without_it_there_is_nothing_of_it_and_tasks_are_told(context: AirflowContext) -> None:
    assert json.loads(config(context)["data"]["SWITCHBOARD_SPARK"])["connections"] == ["warehouse"]
    assert warehouse(without(context)) == []
    assert json.loads(config(without(context))["data"]["SWITCHBOARD_SPARK"])["connections"] == []
