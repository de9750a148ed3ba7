"""The node image's parts: which images are preloaded, and how they are written."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from infra.offline.node import oci
from infra.offline.node.build import IMAGE_PROGRAMS, TOOLS, content_key, preloaded_images
from infra.shared.paths import REPOSITORY

KUBEADM = [
    "registry.example/kube-apiserver:v1.34.4",
    "registry.example/kube-controller-manager:v1.34.4",
    "registry.example/kube-scheduler:v1.34.4",
    "registry.example/kube-proxy:v1.34.4",
    "registry.example/coredns/coredns:v1.12.1",
    "registry.example/pause:3.10.1",
    "registry.example/etcd:3.6.5-0",
]


def test_every_image_that_kubeadm_asks_for_is_preloaded_under_its_name() -> None:
    images = preloaded_images(KUBEADM)
    assert set(KUBEADM) < {image.name for image in images}
    used = {program for image in images for program in image.programs}
    assert used == set(IMAGE_PROGRAMS)


def test_an_image_that_is_new_to_us_is_named() -> None:
    with pytest.raises(ValueError, match="registry.example/kube-new:v1"):
        preloaded_images([*KUBEADM, "registry.example/kube-new:v1"])


def test_the_tag_depends_on_versions_that_are_there() -> None:
    assert content_key() == content_key()
    assert all((REPOSITORY / f"tools/{tool}/go.mod").exists() for tool in TOOLS)


def test_an_archive_is_an_image_with_one_layer(tmp_path: Path) -> None:
    program, root, archive = tmp_path / "server", tmp_path / "root", tmp_path / "image.tar"
    program.write_text("binary")
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root")
    (root / "etc/link").symlink_to("passwd")
    oci.write_archive(
        archive, "a/b:1", {"/usr/bin/server": program}, root=root, entrypoint=("/usr/bin/server",)
    )
    blobs = read(archive)
    index = json.loads(blobs["index.json"])
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "a/b:1"}
    manifest = json.loads(blob(blobs, index["manifests"][0]))
    config = json.loads(blob(blobs, manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/usr/bin/server"]
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    layer = tmp_path / "layer.tar"
    layer.write_bytes(blob(blobs, manifest["layers"][0]))
    with tarfile.open(layer) as content:
        assert content.getnames() == ["etc", "etc/link", "etc/passwd", "usr/bin/server"]
        assert content.getmember("usr/bin/server").mode == 0o755
        assert {member.uid for member in content.getmembers()} == {0}


def test_equal_inputs_give_equal_archives(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("binary")
    for name in ("one.tar", "two.tar"):
        oci.write_archive(tmp_path / name, "a/b:1", {"/server": program})
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def read(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


def blob(blobs: dict[str, bytes], descriptor: dict) -> bytes:
    content = blobs[f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"]
    assert len(content) == descriptor["size"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return content
