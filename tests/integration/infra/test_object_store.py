"""The local object store keeps S3's promises: those that this project's clients rely on."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.object_store import SERVER, ObjectStore, object_store

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(SERVER is None, reason="s3proxy is not there: make tools"),
]

BUCKET = "data"
MIB = 2**20
EMPTY = '"d41d8cd98f00b204e9800998ecf8427e"'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_store(tmp_path_factory.mktemp("s3"), BUCKET) as running:
        yield running


@pytest.fixture(scope="module")
def s3(store: ObjectStore) -> Any:
    return store.client()


def code(request: Callable[[], Any]) -> str:
    """What S3 says is wrong with a request."""
    with pytest.raises(ClientError) as caught:
        request()
    return str(caught.value.response["Error"]["Code"])


def keys(s3: Any, prefix: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def test_only_the_one_pair_of_keys_opens_it(store: ObjectStore, s3: Any) -> None:
    def listed_by(**changes: Any) -> Callable[[], Any]:
        return lambda: store.client(**changes).list_objects_v2(Bucket=BUCKET)

    assert code(listed_by(aws_secret_access_key="wrong")) == "SignatureDoesNotMatch"
    assert code(listed_by(aws_access_key_id="another")) == "InvalidAccessKeyId"
    nobody = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
    assert code(listed_by(config=nobody)) == "AccessDenied"
    old = Config(signature_version="s3", s3={"addressing_style": "path"})
    assert code(listed_by(config=old)) in {"AccessDenied", "InvalidArgument", "InvalidRequest"}
    assert s3.put_object(Bucket=BUCKET, Key="allowed", Body=b"")


def test_a_files_mode_opens_it_to_nobody(store: ObjectStore, s3: Any) -> None:
    """As another server, or somebody by hand, would have left it."""
    s3.put_object(Bucket=BUCKET, Key="open", Body=b"to all?", ACL="public-read")
    (store.root / BUCKET).chmod(0o755)
    (store.root / BUCKET / "open").chmod(0o644)
    nobody = store.client(config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}))
    assert code(lambda: nobody.list_objects_v2(Bucket=BUCKET)) == "AccessDenied"
    assert code(lambda: nobody.get_object(Bucket=BUCKET, Key="open")) == "AccessDenied"
    assert s3.get_object(Bucket=BUCKET, Key="open")["Body"].read() == b"to all?"


def test_it_does_not_start_without_keys(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("S3_")}
    command = [str(SERVER), "127.0.0.1:1", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "S3_ACCESS_KEY_ID is not set" in done.stderr


def test_the_keys_are_no_words_of_its_command(store: ObjectStore) -> None:
    assert store.process
    words = psutil.Process(store.process.pid).cmdline()
    assert words
    assert not any(store.secret_access_key in word for word in words)


def test_buckets(s3: Any) -> None:
    assert code(lambda: s3.head_bucket(Bucket="another")) == "404"
    s3.create_bucket(Bucket="another")
    s3.head_bucket(Bucket="another")
    assert code(lambda: s3.create_bucket(Bucket="another")) == "BucketAlreadyOwnedByYou"
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {BUCKET, "another"}
    assert code(lambda: s3.put_object(Bucket="missing", Key="x", Body=b"")) == "NoSuchBucket"


def test_an_object_comes_back_with_what_is_known_of_it(s3: Any) -> None:
    kind = "application/json"
    put = s3.put_object(Bucket=BUCKET, Key="whole", Body=b"{}", ContentType=kind, Metadata={"who": "me"})
    got = s3.get_object(Bucket=BUCKET, Key="whole")
    head = s3.head_object(Bucket=BUCKET, Key="whole")
    assert got["Body"].read() == b"{}"
    for answer in (got, head):
        assert (answer["ContentType"], answer["Metadata"]) == (kind, {"who": "me"})
        assert (answer["ETag"], answer["ContentLength"]) == (put["ETag"], 2)
    copied = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "whole"})
    assert copied["CopyObjectResult"]["ETag"] == put["ETag"]
    assert s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"] == {"who": "me"}
    assert s3.put_object(Bucket=BUCKET, Key="whole", Body=b"[]")["ETag"] != put["ETag"]


def test_ranges(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="digits", Body=b"0123456789")

    def part(wanted: str) -> bytes:
        return bytes(s3.get_object(Bucket=BUCKET, Key="digits", Range=f"bytes={wanted}")["Body"].read())

    assert [part("2-4"), part("7-"), part("-3"), part("8-99")] == [b"234", b"789", b"789", b"89"]
    assert code(lambda: part("20-30")) == "InvalidRange"


def test_what_is_not_there(s3: Any) -> None:
    assert code(lambda: s3.get_object(Bucket=BUCKET, Key="nothing")) == "NoSuchKey"
    assert code(lambda: s3.head_object(Bucket=BUCKET, Key="nothing")) == "404"
    s3.delete_object(Bucket=BUCKET, Key="nothing")


def test_one_of_many_makes_an_object_that_must_not_be_there(store: ObjectStore) -> None:
    won: list[int] = []
    refused: list[str] = []

    def make(number: int) -> None:
        try:
            store.client().put_object(Bucket=BUCKET, Key="once", Body=b"%d" % number, IfNoneMatch="*")
            won.append(number)
        except ClientError as error:
            refused.append(f"{error.response['ResponseMetadata']['HTTPStatusCode']}")
            refused.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert refused == ["412", "PreconditionFailed"] * 7
    body = store.client().get_object(Bucket=BUCKET, Key="once")["Body"].read()
    assert body == b"%d" % won[0], "the loser left nothing"


def test_lists_come_in_pages_and_folders(s3: Any) -> None:
    names = [f"list/{number:03}" for number in range(25)]
    for name in (*names, "list/sub/a", "list/sub/b", "list-beside"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"")
    more: dict[str, str] = {}
    found, pages = [], 0
    while True:
        page = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", Delimiter="/", MaxKeys=10, **more)
        found += [item["Key"] for item in page.get("Contents", [])]
        found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        pages += 1
        if not page["IsTruncated"]:
            break
        more = {"ContinuationToken": page["NextContinuationToken"]}
    assert (found, pages) == ([*names, "list/sub/"], 3)
    after = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", StartAfter="list/022")["Contents"]
    assert [item["Key"] for item in after] == ["list/023", "list/024", "list/sub/a", "list/sub/b"]
    assert {(item["Size"], item["ETag"]) for item in after} == {(0, EMPTY)}
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": name} for name in (*names, "not-there")]})
    assert keys(s3, "list/") == ["list/sub/a", "list/sub/b"]


def test_an_upload_in_parts_is_there_when_it_is_complete(s3: Any) -> None:
    target = {"Bucket": BUCKET, "Key": "parts/big"}
    upload = {**target, "UploadId": s3.create_multipart_upload(**target, Metadata={"k": "v"})["UploadId"]}
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"end"]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    assert keys(s3, "") == [key for key in keys(s3, "") if "parts/" not in key and "mpu" not in key]
    assert len(s3.list_parts(**upload)["Parts"]) == 3
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]] == ["parts/big"]
    etag = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
    head = s3.head_object(**target)
    assert (head["ETag"], head["Metadata"]) == (etag, {"k": "v"})
    assert s3.get_object(**target)["Body"].read() == b"".join(bodies)

    other = {**target, "UploadId": s3.create_multipart_upload(**target)["UploadId"]}
    s3.upload_part(**other, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**other)
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    assert keys(s3, "parts/") == ["parts/big"]


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "a+b",
        "day=1/x=y",
        "10:30",
        "é/日本/😀",
        "%41",
        "a&b?c#d",
        "quo'te\"s",
        "folder/",
        ".hidden",
        "nl\nx",
    ],
)
def test_unusual_keys(s3: Any, key: str) -> None:
    body = b"" if key.endswith("/") else key.encode()
    s3.put_object(Bucket=BUCKET, Key=f"keys/{key}", Body=body)
    assert s3.get_object(Bucket=BUCKET, Key=f"keys/{key}")["Body"].read() == body
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"keys/{key}")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [(f"keys/{key}", len(body))]
    assert listed[0]["ETag"]
    s3.copy_object(Bucket=BUCKET, Key="copied", CopySource={"Bucket": BUCKET, "Key": f"keys/{key}"})
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": f"keys/{key}"}]})
    assert keys(s3, f"keys/{key}") == []


def test_a_folders_marker_comes_and_goes_apart_from_what_is_in_it(s3: Any) -> None:
    for key in ("marker/", "marker/x"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert keys(s3, "marker/") == ["marker/", "marker/x"]
    s3.delete_object(Bucket=BUCKET, Key="marker/x")
    assert keys(s3, "marker/") == ["marker/"]
    s3.put_object(Bucket=BUCKET, Key="marker/x", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="marker/")
    assert keys(s3, "marker/") == ["marker/x"]
    assert code(lambda: s3.head_object(Bucket=BUCKET, Key="marker")) == "404"


def test_what_a_folder_can_not_hold_is_refused_at_once(s3: Any) -> None:
    """An object beside others below it, as S3 has them: no client tries a 409 again."""
    s3.put_object(Bucket=BUCKET, Key="both/below", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="alone", Body=b"")

    def refusal(key: str) -> str:
        return code(lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b""))

    assert {refusal(key) for key in ("both", "alone/below", "long" * 100)} == {"OperationAborted"}
    assert all(refusal(key).startswith("Invalid") for key in ("../outside", "x/../../outside", "/first"))


def test_many_write_and_delete_in_one_folder(store: ObjectStore) -> None:
    """An empty folder goes with its last object, also while another is about to be written into it."""
    wrong: list[str] = []

    def churn(number: int) -> None:
        client = store.client()
        for turn in range(60):
            target = {"Bucket": BUCKET, "Key": f"churn/deep/{number}-{turn}"}
            try:
                client.put_object(**target, Body=b"x")
                client.delete_object(**target)
            except ClientError as error:
                wrong.append(str(error))

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
