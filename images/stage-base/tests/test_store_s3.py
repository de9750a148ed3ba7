"""S3's store keeps the same promises as the directory's, against a real server."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from switchboard_stage.errors import ObjectNotFoundError, StoreError
from switchboard_stage.store import Store, download
from switchboard_stage.store_s3 import S3Store
from tests.support.object_store import SERVER, object_store

BASE = "s3://calls/folder"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(SERVER is None, reason="s3proxy is not there: make tools"),
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_store(tmp_path_factory.mktemp("s3"), "calls") as server:
        yield server.endpoint


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "very-secret",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }.items():
        monkeypatch.setenv(name, value)
    return S3Store.from_environment()


def test_put_get_head_delete(store: Store) -> None:
    uri = f"{BASE}/a b/c.json"
    assert store.head(uri) is None
    store.put(uri, b"one")
    first = store.head(uri)
    assert first
    assert first.size_bytes == 3
    store.put(uri, b"two")
    assert store.get(uri) == b"two"
    second = store.head(uri)
    assert second
    assert second.etag != first.etag
    store.delete(uri)
    store.delete(uri)
    assert store.head(uri) is None


def test_missing_objects_are_named(store: Store) -> None:
    with pytest.raises(ObjectNotFoundError, match=f"{BASE}/nothing"):
        store.get(f"{BASE}/nothing")


def test_large_files_go_in_parts_and_come_back(store: Store, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(os.urandom(20 << 20))
    store.upload(tmp_path / "up", f"{BASE}/up")
    download(store, f"{BASE}/up", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()


def test_list_pages_and_keeps_to_the_prefix(store: Store) -> None:
    client = boto3.Session().client(
        "s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], region_name="us-east-1"
    )
    for number in range(1005):
        client.put_object(Bucket="calls", Key=f"many/{number:05d}", Body=b"")
    store.put("s3://calls/many-others", b"")
    found = [o.uri for o in store.list("s3://calls/many/")]
    assert len(found) == 1005
    assert found == sorted(found)


def test_other_trouble_is_not_taken_for_absence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match="s3://no-such-bucket/x") as caught:
        store.put("s3://no-such-bucket/x", b"")
    assert not isinstance(caught.value, ObjectNotFoundError)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
        S3Store.from_environment().get(f"{BASE}/x")
