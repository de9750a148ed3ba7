"""The objects: compared with golden files, and held to rules that every pod keeps."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from infra.platform.context import AirflowContext, MissingEntranceError
from infra.platform.manifests import Object, access, airflow
from infra.platform.manifests.spark import spark_access
from infra.platform.manifests.spark_history import spark_history
from infra.platform.manifests.worker import TEMPLATE_FILE, worker_pod, worker_template
from infra.platform.settings import Deployment

GROUPS = [
    *("access", "configuration", "postgres", "migration", "git-server"),
    *("api-server", "scheduler", "dag-processor", "triggerer", "reconciler"),
    *("spark-access", "spark-history", "warehouse"),
]
RESERVED_ENVIRONMENT = re.compile(r"PASSWORD$|SECRET|FERNET|SQL_ALCHEMY")


@pytest.mark.parametrize("group", GROUPS)
def test_objects_are_as_recorded(
    group: str, groups: dict[str, list[Object]], compare: Callable[[str, Any], None]
) -> None:
    compare(group, groups[group])


def test_every_group_is_recorded(groups: dict[str, list[Object]]) -> None:
    assert set(GROUPS) == set(groups)


def test_pods_keep_to_the_restricted_standard(pods: dict[str, Object]) -> None:
    for name, spec in pods.items():
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] == 10001, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        assert all(not {"hostPath", "nfs"} & set(volume) for volume in spec["volumes"]), name
        for container in _containers(spec):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert own["readOnlyRootFilesystem"] is True, name


def test_pods_have_limits_digests_and_no_service_links(pods: dict[str, Object]) -> None:
    for name, spec in pods.items():
        assert spec["enableServiceLinks"] is False, name
        for container in _containers(spec):
            assert re.fullmatch(r"localhost:5001/[a-z-]+@sha256:[0-9a-f]{64}", container["image"]), name
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert {"cpu", "memory"} <= set(container["resources"]["limits"]), name


def test_long_lived_pods_are_probed(pods: dict[str, Object]) -> None:
    short_lived = {name for name in pods if name.startswith(("airflow-migration", "airflow-worker"))}
    for name in set(pods) - short_lived:
        assert {"startupProbe", "livenessProbe"} <= set(pods[name]["containers"][0]), name


def test_volumes_and_mounts_agree(pods: dict[str, Object]) -> None:
    claims = {"data"}
    for name, spec in pods.items():
        volumes = [volume["name"] for volume in spec["volumes"]]
        mounts = {mount["name"] for container in _containers(spec) for mount in container["volumeMounts"]}
        assert len(volumes) == len(set(volumes)), name
        assert mounts - claims == set(volumes), name


def test_secrets_reach_containers_only_by_reference(pods: dict[str, Object]) -> None:
    for name, spec in pods.items():
        for container in _containers(spec):
            for variable in container.get("env", []):
                if RESERVED_ENVIRONMENT.search(variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"], f"{name}: {variable['name']}"


def test_a_task_gets_no_key_of_the_platform(pods: dict[str, Object]) -> None:
    text = yaml.safe_dump(pods["airflow-worker"])
    assert not re.search(r"airflow-(database|keys|users|reconciler)|warehouse", text)


def test_configuration_that_pods_name_exists(objects: list[Object], pods: dict[str, Object]) -> None:
    known = {item["metadata"]["name"] for item in objects if item["kind"] in {"ConfigMap", "Secret"}}
    # Made by the components, because their content comes from Pulumi.
    known |= {
        *(
            "airflow-database",
            "airflow-keys",
            "airflow-git",
            "airflow-users",
            "airflow-reconciler",
            "git-users",
            "warehouse-database",
        )
    }
    for name, spec in pods.items():
        assert _references(spec) <= known, name


def test_roles_name_verbs_and_resources_one_by_one(objects: list[Object]) -> None:
    for role in (item for item in objects if item["kind"] == "Role"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            assert rule["resources"] != ["secrets"]
            assert "pods/exec" not in rule["resources"]


def test_only_accounts_with_a_role_get_a_token(objects: list[Object], pods: dict[str, Object]) -> None:
    with_role = {item["metadata"]["name"] for item in objects if item["kind"] == "RoleBinding"}
    for name, spec in pods.items():
        assert spec["automountServiceAccountToken"] is (spec["serviceAccountName"] in with_role), name
    accounts = [item for item in objects if item["kind"] == "ServiceAccount"]
    assert all(item["automountServiceAccountToken"] is False for item in accounts)
    used = {spec["serviceAccountName"] for spec in pods.values()}
    by_tasks = {"stage", "spark-driver", "spark-executor"}
    assert used | by_tasks == {item["metadata"]["name"] for item in accounts}


def test_cloud_identity_goes_to_who_uses_the_store(context: AirflowContext) -> None:
    identity = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/store"}
    cluster = context.cluster.model_copy(update={"service_account_annotations": identity})
    there = AirflowContext("speech", context.settings, cluster, context.images)
    objects = [*access.accounts(there), *spark_access(there), *spark_history(there)]
    accounts = [item for item in objects if item["kind"] == "ServiceAccount"]
    annotated = {item["metadata"]["name"] for item in accounts if "annotations" in item["metadata"]}
    users = {"airflow-api-server", "airflow-triggerer", "airflow-worker", "stage"}
    assert annotated == users | {"spark-driver", "spark-executor", "spark-history"}


def test_selectors_find_their_pods(objects: list[Object]) -> None:
    workloads = {i["metadata"]["name"]: i for i in objects if i["kind"] in {"Deployment", "StatefulSet"}}
    for item in workloads.values():
        found = item["spec"]["selector"]["matchLabels"].items()
        assert found <= item["spec"]["template"]["metadata"]["labels"].items()
    for service in (item for item in objects if item["kind"] == "Service"):
        pod = workloads[service["metadata"]["name"]]["spec"]["template"]
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ports = [port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]]
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ports


def test_the_database_is_open_to_its_clients_alone(objects: list[Object], pods: dict[str, Object]) -> None:
    connecting = {name for name, spec in pods.items() if "airflow-database" in _references(spec)}
    labelled = {
        item["metadata"]["name"]
        for item in objects
        if item["kind"] in {"Deployment", "Job"}
        and "switchboard.internal/database-client" in item["spec"]["template"]["metadata"]["labels"]
    }
    assert labelled == connecting - {"airflow-postgres"}


def test_another_image_or_user_is_another_migration(context: AirflowContext) -> None:
    def name(images: dict[str, str], users: str) -> str:
        made = airflow.migration(AirflowContext("speech", context.settings, context.cluster, images), users)
        return str(made["metadata"]["name"])

    newer = {**context.images, "airflow": f"airflow@sha256:{'f' * 64}"}
    names = [name(dict(context.images), "a"), name(newer, "a"), name(dict(context.images), "b")]
    assert len(set(names)) == 3
    assert names[0] == name(dict(context.images), "a")


def test_a_changed_pool_restarts_the_reconciler_alone(context: AirflowContext) -> None:
    settings = context.settings.model_copy(update={"pools": {}})
    other = AirflowContext("speech", settings, context.cluster, context.images)
    for make in (airflow.api_server, airflow.scheduler, airflow.dag_processor, airflow.triggerer):
        assert make(context) == make(other)
    assert airflow.reconciler(context) != airflow.reconciler(other)


def test_the_template_file_is_the_worker_pod(context: AirflowContext) -> None:
    text = worker_template(context)["data"][TEMPLATE_FILE]
    assert yaml.safe_load(text) == worker_pod(context)


def test_an_unknown_entrance_names_those_that_exist(context: AirflowContext) -> None:
    settings = Deployment(entrance="airflo")
    with pytest.raises(MissingEntranceError, match="'airflo'.*airflow, git, spark"):
        airflow.api_server(AirflowContext("speech", settings, context.cluster, context.images))


def _containers(spec: Object) -> list[Object]:
    return [*spec["containers"], *spec.get("initContainers", [])]


def _references(spec: Object) -> set[str]:
    """ConfigMaps and Secrets that a pod names."""
    found: set[str] = set()
    for container in _containers(spec):
        found |= {reference["name"] for entry in container.get("envFrom", []) for reference in entry.values()}
        for variable in container.get("env", []):
            found |= {reference["name"] for reference in variable.get("valueFrom", {}).values()}
    for volume in spec["volumes"]:
        found |= {volume["configMap"]["name"]} if "configMap" in volume else set()
        found |= {volume["secret"]["secretName"]} if "secret" in volume else set()
        for source in volume.get("projected", {}).get("sources", []):
            found |= {reference["name"] for reference in source.values()}
    return found
