"""Containers beside the cluster."""

import pytest

from infra.cluster import services
from infra.cluster.containers import Service, mac_address, spec_hash, start

SERVICE = Service(
    engine="podman",
    name="switchboard-s3",
    service="s3",
    image="localhost/s3:1",
    network="switchboard",
    address="10.111.0.3",
    port=7070,
    host_port=7070,
    data="/data",
    environment={"S3_SECRET_ACCESS_KEY": "very secret"},
)


def test_an_address_has_one_hardware_address() -> None:
    assert mac_address("10.111.0.3") == "02:42:0a:6f:00:03"


def test_any_change_gives_another_hash_and_shows_no_secret() -> None:
    other = Service(**{**SERVICE.__dict__, "environment": {"S3_SECRET_ACCESS_KEY": "another"}})
    assert spec_hash(SERVICE) != spec_hash(other)
    assert spec_hash(SERVICE) == spec_hash(Service(**SERVICE.__dict__))
    assert "secret" not in spec_hash(SERVICE)


def test_secrets_are_no_words_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone on the machine can read the words of a running command."""
    words: list[str] = []
    given: dict[str, str] = {}

    def call(_: str, *command: str, env: dict[str, str] | None = None) -> str:
        words.extend(map(str, command))
        given.update(env or {})
        return ""

    for name in ("services.ensure_image", "remove_containers", "_wait_until_it_answers"):
        monkeypatch.setattr(f"infra.cluster.containers.{name}", lambda *_: None)
    monkeypatch.setattr("infra.cluster.containers.call", call)
    start(SERVICE)
    assert given == SERVICE.environment
    for name, value in SERVICE.environment.items():
        assert f"--env={name}" in words
        assert not any(value in word for word in words)


def test_images_of_services_are_named_by_what_they_are_made_of() -> None:
    names = {service: services.image_name(service) for service in services.PROGRAMS}
    assert len(set(names.values())) == len(names)
    assert all(name.startswith(f"localhost/switchboard/{service}:") for service, name in names.items())
    assert names == {service: services.image_name(service) for service in services.PROGRAMS}
