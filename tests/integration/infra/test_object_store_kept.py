"""What the local object store has on its disk: nothing half, nothing lost, and what another server left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.object_store import SERVER, ObjectStore, object_store

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(SERVER is None, reason="s3proxy is not there: make tools"),
]

BUCKET = "data"
MIB = 2**20
MD5_OF_PLAIN = '"ac7938d40cfc2307e2bf325d28e7884e"'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    (tmp_path / "s3").mkdir()
    with object_store(tmp_path / "s3", BUCKET) as running:
        yield running


def begin_upload(store: ObjectStore, key: str) -> HTTPConnection:
    """Send half of an object's bytes, and wait until they are on the disk."""
    signer = store.client(config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    url = urlsplit(signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": key}))
    connection = HTTPConnection(store.host, store.port)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.putheader("Content-Length", str(2 * MIB))
    connection.endheaders()
    connection.send(b"x" * MIB)
    deadline = time.monotonic() + 20
    while not list((store.root / BUCKET).glob(f"{key}-*")):
        assert time.monotonic() < deadline, "nothing is written"
        time.sleep(0.05)
    return connection


def listed(store: ObjectStore, prefix: str = "") -> dict[str, str]:
    """Keys, with the ETag of each: every object has one."""
    found = store.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {item["Key"]: item["ETag"] for item in found}


def files(store: ObjectStore) -> list[str]:
    return sorted(path.name for path in (store.root / BUCKET).rglob("*") if path.is_file())


def test_an_object_is_there_when_all_of_it_is(store: ObjectStore) -> None:
    connection = begin_upload(store, "slow")
    assert listed(store) == {}
    connection.send(b"x" * MIB)
    assert connection.getresponse().status == 200
    assert list(listed(store)) == ["slow"]
    assert files(store) == ["slow"]


def test_what_a_client_gave_up_leaves_nothing(store: ObjectStore) -> None:
    begin_upload(store, "given-up").close()
    deadline = time.monotonic() + 20
    while files(store):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert listed(store) == {}


def test_a_kill_loses_nothing_that_was_answered_and_keeps_nothing_half(store: ObjectStore) -> None:
    client = store.client()
    name = f"run-{uuid4()}"
    etags = {key: client.put_object(Bucket=BUCKET, Key=key, Body=b"kept")["ETag"] for key in ("kept", name)}
    target = {"Bucket": BUCKET, "Key": "parts"}
    upload = {**target, "UploadId": client.create_multipart_upload(**target)["UploadId"]}
    part = {"PartNumber": 1, "ETag": client.upload_part(**upload, PartNumber=1, Body=b"part")["ETag"]}
    begin_upload(store, "half")
    store.kill()
    assert any(name.startswith("half-") for name in files(store))
    store.start()
    assert not any(name.startswith("half") for name in files(store))
    assert listed(store) == etags
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    assert client.get_object(**target)["Body"].read() == b"part"
    for again in (store.kill, store.start):
        again()
    assert list(listed(store)) == ["kept", "parts", name]


def test_objects_of_the_server_before_it_are_read_with_what_they_had(tmp_path: Path) -> None:
    """versitygw kept objects as files, too, and what belongs to them in attributes of its own."""
    old = tmp_path / "s3" / BUCKET / "old"
    (old / "marker").mkdir(parents=True)
    md5, parts, named = (
        "c4ca4238a0b923820dcc509a6f75849b",
        "7727d692e67e8ec388b769d45a3ac566-3",
        f"x-{uuid4()}",
    )
    attributes: dict[str, dict[str, str]] = {
        "one.json": {"etag": f'"{md5}"', "content-type": "application/json", "X-Amz-Meta.who": "me"},
        "parts": {"etag": parts},
        named: {"etag": md5},
        "plain": {},
    }
    for name, given in attributes.items():
        (old / name).write_text("plain")
        set_attributes(old / name, given)
    set_attributes(old / "marker", {"etag": md5})
    unfinished = tmp_path / "s3" / BUCKET / ".sgwtmp/multipart/upload"
    unfinished.mkdir(parents=True)
    (unfinished / "1").write_text("part")
    with object_store(tmp_path / "s3") as store:
        assert listed(store, "old/") == {
            "old/marker/": f'"{md5}"',
            "old/one.json": f'"{md5}"',
            "old/parts": f'"{parts}"',
            "old/plain": MD5_OF_PLAIN,
            f"old/{named}": f'"{md5}"',
        }
        assert set(listed(store)) == set(listed(store, "old/")), "uploads that never ended are gone"
        head = store.client().head_object(Bucket=BUCKET, Key="old/one.json")
        assert (head["ContentType"], head["Metadata"]) == ("application/json", {"who": "me"})


def set_attributes(path: Path, attributes: dict[str, str]) -> None:
    for name, value in attributes.items():
        os.setxattr(path, f"user.{name}", value.encode())


def test_a_body_that_is_too_large_for_one_request_is_refused(store: ObjectStore) -> None:
    """A signed body is held in memory; clients send large ones in parts or in chunks."""
    body: Any = b"x" * (65 * MIB)
    with pytest.raises(ClientError, match="MaxMessageLengthExceeded"):
        store.client().put_object(Bucket=BUCKET, Key="large", Body=body)
    assert listed(store) == {}
