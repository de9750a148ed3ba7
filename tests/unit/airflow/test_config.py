"""Every option that we set is one that this Airflow and its providers know."""

import configparser
import importlib
import json
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

import airflow
from infra.platform.context import AirflowContext
from infra.platform.manifests import airflow_config
from infra.platform.placeholders import placeholder_cluster
from infra.platform.settings import Deployment
from infra.shared.paths import REPOSITORY

CONFIG = REPOSITORY / "airflow/config/airflow.cfg"


@pytest.fixture(scope="module")
def known() -> set[tuple[str, str]]:
    core = yaml.safe_load((Path(airflow.__file__).parent / "config_templates/config.yml").read_text())
    providers = (entry.load()() for entry in entry_points(group="apache_airflow_provider"))
    sections = [core, *(provider.get("config") or {} for provider in providers)]
    return {
        (name, option) for part in sections for name, section in part.items() for option in section["options"]
    }


@pytest.fixture(scope="module")
def parser() -> configparser.ConfigParser:
    made = configparser.ConfigParser()
    made.read(CONFIG)
    return made


def test_the_file_sets_known_options(known: set[tuple[str, str]], parser: configparser.ConfigParser) -> None:
    ours = {(section, option) for section in parser.sections() for option in parser.options(section)}
    assert ours - known == set()
    assert len(ours) > 30


def test_the_variables_set_known_options(known: set[tuple[str, str]]) -> None:
    context = AirflowContext("speech", Deployment(), placeholder_cluster(["airflow", "git"]), {})
    names = [*airflow_config.config(context)["data"], *(v["name"] for v in airflow_config.server_variables())]
    assert set(_options(names)) - known == set()


def test_the_bundle_is_ours_and_takes_its_arguments() -> None:
    context = AirflowContext("speech", Deployment(), placeholder_cluster(["airflow", "git"]), {})
    listed = airflow_config.config(context)["data"]["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]
    (bundle,) = json.loads(listed)
    module, _, name = bundle["classpath"].rpartition(".")
    made = getattr(importlib.import_module(module), name)(name=bundle["name"], **bundle["kwargs"])
    assert made.supports_versioning


def test_the_reconcilers_role_can_do_its_work_and_no_more(parser: configparser.ConfigParser) -> None:
    roles = json.loads(parser.get("fab", "custom_roles"))
    verbs = ("can_read", "can_create", "can_edit", "can_delete")
    expected = {(verb, resource) for verb in verbs for resource in ("Pools", "Connections")}
    assert {(item["action"], item["resource"]) for item in roles["Reconciler"]} == expected


def test_a_worker_outlasts_an_api_server_that_is_away_for_a_while(parser: configparser.ConfigParser) -> None:
    defaults = yaml.safe_load((Path(airflow.__file__).parent / "config_templates/config.yml").read_text())

    def option(section: str, name: str) -> float:
        default = defaults[section]["options"][name]["default"]
        return parser.getfloat(section, name, fallback=float(default))

    interval_s = option("workers", "min_heartbeat_interval")
    given_up_s = option("scheduler", "task_instance_heartbeat_timeout")
    given_up_s += option("scheduler", "task_instance_heartbeat_timeout_detection_interval")
    assert option("workers", "max_failed_heartbeats") * interval_s > given_up_s + 60


def test_the_image_pins_the_airflow_that_tests_run() -> None:
    pins = (REPOSITORY / "airflow/requirements.txt").read_text()
    assert f"\napache-airflow=={airflow.__version__} " in f"\n{pins}"
    assert re.search(r"\S+==", pins)
    assert "://" not in re.sub(r"#.*", "", pins)


def test_the_image_stands_on_one_that_has_git() -> None:
    described = tomllib.loads((REPOSITORY / "images/airflow/image.toml").read_text())
    assert described["parent"] == "git"


def _options(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        if not name.startswith("AIRFLOW__"):
            continue
        _, section, option = name.lower().split("__", 2)
        yield section, option
