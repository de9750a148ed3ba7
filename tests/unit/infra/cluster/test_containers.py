"""Containers beside the cluster."""

from infra.cluster import services
from infra.cluster.containers import Service, mac_address, spec_hash

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
    environment={"ROOT_SECRET_KEY": "very secret"},
)


def test_an_address_has_one_hardware_address() -> None:
    assert mac_address("10.111.0.3") == "02:42:0a:6f:00:03"


def test_any_change_gives_another_hash_and_shows_no_secret() -> None:
    other = Service(**{**SERVICE.__dict__, "environment": {"ROOT_SECRET_KEY": "another"}})
    assert spec_hash(SERVICE) != spec_hash(other)
    assert spec_hash(SERVICE) == spec_hash(Service(**SERVICE.__dict__))
    assert "secret" not in spec_hash(SERVICE)


def test_images_of_services_are_named_by_what_they_are_made_of() -> None:
    names = {service: services.image_name(service) for service in services.PROGRAMS}
    assert len(set(names.values())) == len(names)
    assert all(name.startswith(f"localhost/switchboard/{service}:") for service, name in names.items())
    assert names == {service: services.image_name(service) for service in services.PROGRAMS}
