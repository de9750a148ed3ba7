"""The cluster's stack files: the committed ones load; mistakes are named, each with its remedy."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cluster.settings import HERE, PROJECT, SCHEMA, Settings, load
from infra.shared.settings import SettingsError, load_settings, schema, stack_file

LOCAL = yaml.safe_load((HERE / "Pulumi.local.yaml").read_text())["config"][f"{PROJECT}:settings"]


@pytest.mark.parametrize("file", sorted(HERE.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_each_committed_stack_file_loads(file: Path) -> None:
    load(file.stem.removeprefix("Pulumi."))


@pytest.mark.parametrize("file", sorted(HERE.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_no_salt_of_a_passphrase_is_committed(file: Path) -> None:
    assert "encryptionsalt" not in yaml.safe_load(file.read_text())


def test_the_schema_for_editors_is_current() -> None:
    remedy = "run `python -m infra.cluster.settings`"
    assert SCHEMA.read_text() == schema(Settings, PROJECT), remedy


def changed(path: str, value: Any) -> dict[str, Any]:
    settings: dict[str, Any] = copy.deepcopy(LOCAL)
    *parents, last = path.split("/")
    place = settings
    for parent in parents:
        place = place[parent]
    place[last] = value
    return settings


MISTAKES = {
    "a misspelt key": (changed("s3_prot", 1), "s3_prot: 1: unknown key; did you mean s3_port?"),
    "a key that is like no other": (
        changed("zzz", 1),
        "zzz: 1: unknown key; remove it, or use one of: cluster_name",
    ),
    "a misspelt key deeper": (
        changed("entrances/airflow/host_prot", 1),
        "entrances.airflow.host_prot: 1: unknown key; did you mean host_port?",
    ),
    "a wrong type": (changed("s3_port", "many"), "s3_port: 'many': input should be a valid integer"),
    "a port that needs rights": (
        changed("s3_port", 80),
        "s3_port: 80: input should be greater than or equal to 1024",
    ),
    "two ports alike": (
        changed("s3_port", 5001),
        "registry_port and s3_port are both 5001; give each a port of its own",
    ),
    "a public network": (
        changed("network_cidr", "8.8.8.0/24"),
        "network_cidr: '8.8.8.0/24': must be a private network",
    ),
    "no network": (changed("network_cidr", "x"), "network_cidr: 'x': is no IPv4 network"),
    "a name that is no label": (
        changed("cluster_name", "My_Cluster"),
        "cluster_name: 'My_Cluster': must be a DNS label",
    ),
    "a bucket name": (changed("buckets/data", "Bad_Name"), "buckets.data: 'Bad_Name': is no S3 bucket name"),
    "a bucket too few": (
        changed("buckets", {"data": "abc"}),
        "buckets: has the keys data; needs data and logs",
    ),
    "taints where the system runs": (
        changed("node_pools/general/taints", [{"key": "a", "effect": "NoSchedule"}]),
        "node_pools.general.taints: the first pool runs the system's pods; give it no taints",
    ),
    "an effect that is none": (
        changed("node_pools/general/taints", [{"key": "a", "effect": "Never"}]),
        "node_pools.general.taints.0.effect: 'Never': input should be 'NoSchedule'",
    ),
    "no pool": (changed("node_pools", {}), "node_pools: {}: dictionary should have at least 1 item"),
}


@pytest.mark.parametrize(("settings", "line"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_file_key_value_and_remedy(
    tmp_path: Path, settings: dict[str, Any], line: str
) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump({"config": {f"{PROJECT}:settings": settings}}))
    with pytest.raises(SettingsError) as caught:
        load_settings(Settings, file, PROJECT)
    assert f"{file}: {line}" in str(caught.value) or f"{file}: (all): {line}" in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    settings = changed("s3_port", 80) | {"region": "here", "zzz": 1}
    file.write_text(yaml.safe_dump({"config": {f"{PROJECT}:settings": settings}}))
    with pytest.raises(SettingsError) as caught:
        load_settings(Settings, file, PROJECT)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["s3_port", "region", "zzz"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("config: [", "not YAML"),
        ("other: 1", "config: missing"),
        ("config: {a: 1}", f"a: 1: unknown key; all settings lie under {PROJECT}:settings"),
        ("config: {}", f"{PROJECT}:settings: missing"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=line):
        load_settings(Settings, file, PROJECT)


def test_an_environment_that_has_no_file_names_those_that_have() -> None:
    with pytest.raises(SettingsError, match=r"no such file; environments that have one: .*local"):
        load("nowhere")


def test_settings_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / f"{PROJECT}.trial.yaml"
    elsewhere.touch()
    monkeypatch.setenv("SWITCHBOARD_STACK_FILES", str(tmp_path))
    assert stack_file(HERE, PROJECT, "trial") == elsewhere
    assert stack_file(HERE, PROJECT, "local") == HERE / "Pulumi.local.yaml"


def test_fixed_addresses_are_never_given_to_nodes() -> None:
    settings = Settings.model_validate(changed("network_cidr", "192.168.7.0/27"))
    assert (settings.registry_address, settings.s3_address) == ("192.168.7.2", "192.168.7.3")
    assert settings.dynamic_cidr == "192.168.7.16/28"
