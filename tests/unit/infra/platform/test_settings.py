"""A wrong stack file is refused, and says what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.platform.images import REQUIRED, ImagesError, read_images
from infra.platform.settings import HERE, PROJECT, SCHEMA, PlatformSettings, load
from infra.shared.settings import SettingsError, load_settings, schema


def settings_with(**deployment: Any) -> dict[str, Any]:
    return {"deployments": {"speech": deployment}}


SIZE = {
    "executors_min": 2,
    "executors_max": 8,
    "executor_cores": 4,
    "executor_memory_mib": 8192,
    "executor_cpu_request_millicores": 4000,
    "driver_cpu_request_millicores": 1000,
    "driver_memory_mib": 2048,
}

WRONG: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    (
        "an unknown key",
        settings_with(pool={"a": {"slots": 1}}),
        ("deployments.speech.pool", "unknown key", "pools?"),
    ),
    (
        "an unknown key at the top",
        {"deployments": {"speech": {}}, "gitt": {}},
        ("gitt", "unknown key", "did you mean git?"),
    ),
    (
        "a wrong type",
        settings_with(pools={"a": {"slots": "many"}}),
        ("deployments.speech.pools.a.slots", "'many'", "integer"),
    ),
    (
        "negative slots",
        settings_with(pools={"a": {"slots": -1}}),
        ("deployments.speech.pools.a.slots", "-1", "greater than or equal to 0"),
    ),
    ("slots left out", settings_with(pools={"a": {}}), ("deployments.speech.pools.a.slots", "missing")),
    (
        "a memory limit under the request",
        settings_with(
            resources={
                "worker": {
                    "cpu_request_millicores": 100,
                    "cpu_limit_millicores": 100,
                    "memory_request_mib": 512,
                    "memory_limit_mib": 256,
                }
            }
        ),
        ("deployments.speech.resources.worker", "memory_limit_mib is 256", "512", "raise memory_limit_mib"),
    ),
    ("a team that is no DNS label", {"deployments": {"Speech_1": {}}}, ("Speech_1", "no DNS label", "a-z")),
    ("a team too long", {"deployments": {"s" * 41: {}}}, ("s" * 41, "at most 40")),
    ("no deployment", {"deployments": {}}, ("deployments", "at least 1")),
    (
        "a pool that Airflow can't name",
        settings_with(pools={"a/b": {"slots": 1}}),
        ("a/b", "letters, digits"),
    ),
    (
        "a role that doesn't exist",
        settings_with(users={"admin": {"role": "Root"}}),
        ("users.admin.role", "'Root'", "Admin"),
    ),
    ("nobody to administrate", settings_with(users={"v": {"role": "Viewer"}}), ("nobody is Admin",)),
    (
        "the platform's own user",
        settings_with(users={"reconciler": {"role": "Admin"}}),
        ("users.reconciler", "choose another"),
    ),
    (
        "the platform's own connection",
        settings_with(connections={"aws_default": {"conn_type": "aws"}}),
        ("connections.aws_default", "remove it"),
    ),
    (
        "buffers that don't fit",
        settings_with(postgres={"shared_buffers_mib": 400}),
        ("shared_buffers_mib is 400", "memory_limit_mib"),
    ),
    (
        "a warehouse that nothing reaches",
        settings_with(warehouse={}, spark=None),
        ("deployments.speech", "warehouse: only Spark tasks reach it", "remove the first"),
    ),
    (
        "one entrance for two",
        {"deployments": {"a": {}, "b": {}}},
        ("deployments.b.entrance", "'airflow'", "already that of 'a'"),
    ),
    (
        "an entrance that leads to two pages",
        settings_with(spark={"history_entrance": "airflow"}),
        ("deployments.speech.spark.history_entrance", "'airflow'", "already that of 'speech'"),
    ),
    (
        "an unknown key of a size",
        settings_with(spark={"sizes": {"huge": {**SIZE, "executor_memory_mb": 1}}}),
        ("spark.sizes.huge.executor_memory_mb", "unknown key", "executor_memory_mib?"),
    ),
    (
        "fewer executors at most than at least",
        settings_with(spark={"sizes": {"huge": {**SIZE, "executors_min": 9}}}),
        ("spark.sizes.huge", "executors_max is 8, under executors_min, which is 9", "raise executors_max"),
    ),
    (
        "less memory than Spark starts in",
        settings_with(spark={"sizes": {"huge": {**SIZE, "executor_memory_mib": 512}}}),
        ("spark.sizes.huge.executor_memory_mib", "512", "greater than or equal to 896"),
    ),
    (
        "a size whose name is no label",
        settings_with(spark={"sizes": {"Huge One": SIZE}}),
        ("spark.sizes.Huge One", "no name of a size", "a-z"),
    ),
    (
        "a way to no history server",
        settings_with(spark={"history_server": False, "history_entrance": "spark"}),
        ("deployments.speech.spark", "history_entrance is 'spark'", "history_server is false", "remove"),
    ),
    (
        "an executor that asks for more than its limit",
        settings_with(spark={"sizes": {"huge": {**SIZE, "executor_cpu_request_millicores": 9000}}}),
        ("spark.sizes.huge", "_millicores is 9000", "limit of 5000", "1000 * (executor_cores + 1)", "lower"),
    ),
    (
        "a namespace that cannot be",
        settings_with(spark={"scraped_from": "Monitoring"}),
        ("spark.scraped_from", "Monitoring", "no name of a namespace"),
    ),
    (
        "a default over the most",
        settings_with(spark={"limit_range": {"memory_max_mib": 512}}),
        ("spark.limit_range", "memory_max_mib is 512, under memory_limit_mib, which is 1024", "raise"),
    ),
    (
        "a port out of range",
        settings_with(connections={"x": {"conn_type": "http", "port": 0}}),
        ("port", "0"),
    ),
]


@pytest.mark.parametrize(("wrong", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_mistake_is_named_with_its_remedy(
    wrong: dict[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.trial.yaml"
    file.write_text(yaml.safe_dump({"config": {f"{PROJECT}:settings": wrong}}))
    with pytest.raises(SettingsError) as caught:
        load_settings(PlatformSettings, file, PROJECT)
    for word in ("Pulumi.trial.yaml", *words):
        assert word in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.trial.yaml"
    wrong = settings_with(pools={"a": {"slots": -1}, "b": {"slots": "x"}})
    file.write_text(yaml.safe_dump({"config": {f"{PROJECT}:settings": wrong}}))
    with pytest.raises(SettingsError) as caught:
        load_settings(PlatformSettings, file, PROJECT)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("file", sorted(HERE.glob("Pulumi.*.yaml")), ids=lambda file: str(file.name))
def test_committed_stack_files_load(file: Path) -> None:
    assert load(file.stem.removeprefix("Pulumi.")).deployments


def test_the_local_stack_has_the_pool_of_the_pipelines() -> None:
    assert load("local").deployments["speech"].pools["speech-cpu"].slots > 0


def test_own_sizes_stand_beside_the_default_ones_and_null_takes_one_away() -> None:
    spark = {"sizes": {"huge": SIZE, "small": {**SIZE, "executors_max": 2}, "large": None}}
    made = PlatformSettings.model_validate(settings_with(spark=spark)).deployments["speech"].spark
    assert made
    assert list(made.sizes) == ["small", "medium", "huge"]
    assert made.sizes["small"].executors_max == 2


def test_spark_is_there_unless_it_is_taken_away() -> None:
    assert PlatformSettings.model_validate(settings_with()).deployments["speech"].spark
    assert PlatformSettings.model_validate(settings_with(spark=None)).deployments["speech"].spark is None


def test_a_warehouse_is_there_if_it_is_asked_for() -> None:
    assert PlatformSettings.model_validate(settings_with()).deployments["speech"].warehouse is None
    assert PlatformSettings.model_validate(settings_with(warehouse={})).deployments["speech"].warehouse


def test_the_schema_for_editors_is_current() -> None:
    assert SCHEMA.read_text() == schema(PlatformSettings, PROJECT), "run `python -m infra.platform.settings`"


def test_an_encrypted_secret_passes_the_check_and_shows_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.trial.yaml"
    crm = {"conn_type": "http", "password": {"secure": "v1:abc:def"}}
    file.write_text(
        yaml.safe_dump({"config": {f"{PROJECT}:settings": settings_with(connections={"crm": crm})}})
    )
    assert load_settings(PlatformSettings, file, PROJECT).deployments["speech"].connections["crm"].password
    plain = PlatformSettings.model_validate(settings_with(connections={"crm": {**crm, "password": "hush"}}))
    assert "hush" not in repr(plain)


def test_the_lock_file_of_images_is_checked(tmp_path: Path) -> None:
    lock = tmp_path / "images.lock.json"
    with pytest.raises(ImagesError, match="make images"):
        read_images(lock, spark=False)
    lock.write_text('{"airflow": "localhost:5001/airflow:latest"}')
    with pytest.raises(ImagesError, match="'localhost:5001/airflow:latest' is no image by digest"):
        read_images(lock, spark=False)
    pinned = {name: f"localhost:5001/{name}@sha256:{'a' * 64}" for name in (*REQUIRED, "asr")}
    lock.write_text(str(pinned).replace("'", '"'))
    assert set(read_images(lock, spark=False)) == set(REQUIRED)
