"""Write an image as an OCI archive, without an engine: one layer from a folder tree and some programs."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Blob = dict[str, Any]
_TYPE = "application/vnd.oci.image"


def write_archive(
    target: Path,
    name: str,
    programs: Mapping[str, Path],
    *,
    root: Path | None = None,
    entrypoint: tuple[str, ...] = (),
) -> None:
    """Write the image `name`: the tree under `root`, and each of `programs` (path in the image -> file).

    The layer stays uncompressed: a node reads it from its own disk. Equal inputs give equal bytes.
    """
    layer = target.with_suffix(".layer")
    _write_layer(layer, programs, root)
    digest = _digest(layer)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": list(entrypoint),
        },
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }
    config_bytes = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.manifest.v1+json",
        "config": _descriptor(f"{_TYPE}.config.v1+json", config_bytes),
        "layers": [{"mediaType": f"{_TYPE}.layer.v1.tar", "digest": digest, "size": layer.stat().st_size}],
    }
    manifest_bytes = json.dumps(manifest).encode()
    listed = _descriptor(f"{_TYPE}.manifest.v1+json", manifest_bytes)
    # This is where containerd's import looks for the image's full name.
    listed["annotations"] = {"io.containerd.image.name": name}
    index = json.dumps({"schemaVersion": 2, "manifests": [listed]}).encode()
    with tarfile.open(target, "w") as archive:
        _add_bytes(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add_bytes(archive, "index.json", index)
        for content in (config_bytes, manifest_bytes):
            _add_bytes(archive, f"blobs/sha256/{hashlib.sha256(content).hexdigest()}", content)
        archive.add(layer, f"blobs/sha256/{digest.removeprefix('sha256:')}", filter=_plain)
    layer.unlink()


def _write_layer(target: Path, programs: Mapping[str, Path], root: Path | None) -> None:
    with tarfile.open(target, "w") as layer:
        for path in sorted(root.rglob("*")) if root else []:
            layer.add(path, str(path.relative_to(root or path)), recursive=False, filter=_plain)
        for inside, program in sorted(programs.items()):
            layer.add(program, inside.lstrip("/"), filter=_executable)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


def _executable(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode = 0o755
    return _plain(info)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def _descriptor(media_type: str, content: bytes) -> Blob:
    return {
        "mediaType": media_type,
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
