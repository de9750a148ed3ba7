"""Both stores keep the same promises; S3's is tried against a server in the integration tests."""

from pathlib import Path

import pytest

from switchboard_stage.errors import ObjectNotFoundError, UsageError
from switchboard_stage.store import Store, download
from switchboard_stage.store_s3 import split_uri
from switchboard_stage.stores import Stores, open_store


@pytest.fixture
def base(tmp_path: Path) -> str:
    return tmp_path.as_uri() + "/folder"


@pytest.fixture
def store(base: str) -> Store:
    return open_store(base)


def test_put_get_head_delete(store: Store, base: str) -> None:
    uri = f"{base}/a b/c.json"
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


def test_missing_objects_are_named(store: Store, base: str) -> None:
    with pytest.raises(ObjectNotFoundError, match=f"{base}/nothing"):
        store.get(f"{base}/nothing")


def test_list_is_by_prefix_and_in_order(store: Store, base: str) -> None:
    for name in ("b/2", "b/1", "a", "bb"):
        store.put(f"{base}/{name}", b"x")
    assert [o.uri for o in store.list(f"{base}/b")] == [f"{base}/b/1", f"{base}/b/2", f"{base}/bb"]
    assert [o.uri for o in store.list(f"{base}/b/")] == [f"{base}/b/1", f"{base}/b/2"]
    assert list(store.list(f"{base}/none/")) == []


def test_upload_and_download_files(store: Store, base: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"x" * 3_000_000)
    store.upload(tmp_path / "up", f"{base}/up")
    download(store, f"{base}/up", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()


def test_a_failed_write_leaves_the_old_object(store: Store, base: str, tmp_path: Path) -> None:
    store.put(f"{base}/x", b"old")
    with pytest.raises(FileNotFoundError):
        store.upload(tmp_path / "absent", f"{base}/x")
    assert store.get(f"{base}/x") == b"old"
    assert [o.uri for o in store.list(f"{base}/")] == [f"{base}/x"]


def test_schemes() -> None:
    assert split_uri("s3://bucket/a/b") == ("bucket", "a/b")
    stores = Stores()
    assert stores("file:///a") is stores("file:///b")
    with pytest.raises(UsageError, match="use s3://bucket/key or file:///folder/key"):
        stores("gs://bucket/key")
