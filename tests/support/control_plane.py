"""A real Kubernetes API without nodes: etcd, API server and controllers as processes of this machine."""

import base64
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.shared.paths import Paths
from tests.support.ports import free_ports

BINARIES = Paths.of().tools_bin
_NEEDED = ("etcd", "kube-apiserver", "kube-controller-manager")
_TOKEN = "token-of-this-test-run"


@dataclass(frozen=True)
class ControlPlane:
    """A running API and how to reach it."""

    url: str
    kubeconfig: str

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl as an administrator."""
        path = Path(self.kubeconfig)
        done = subprocess.run(
            [BINARIES / "kubectl", "--kubeconfig", path, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Start it, and end it again. Skips the test where the binaries are not built (`make tools`)."""
    missing = [name for name in _NEEDED if not (BINARIES / name).exists()]
    if missing:
        pytest.skip(f"not built: {', '.join(missing)} (`make tools`)")
    etcd, peer, api, unused = free_ports(4)
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    (folder / "tokens.csv").write_text(f"{_TOKEN},admin,admin,system:masters\n")
    with ExitStack() as stack:
        stack.enter_context(_process(folder, _etcd(folder, etcd, peer)))
        stack.enter_context(_process(folder, _api_server(folder, api, etcd, key)))
        kubeconfig = _await_kubeconfig(folder, api)
        stack.enter_context(_process(folder, _controllers(unused, kubeconfig, key)))
        yield ControlPlane(f"https://127.0.0.1:{api}", str(kubeconfig))


@contextmanager
def _process(folder: Path, command: list[Any]) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _etcd(folder: Path, port: int, peer: int) -> list[Any]:
    client, other = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    return [
        BINARIES / "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={other}",
        f"--initial-advertise-peer-urls={other}",
        f"--initial-cluster=default={other}",
        "--unsafe-no-fsync",
    ]


def _api_server(folder: Path, port: int, etcd: int, key: Path) -> list[Any]:
    return [
        BINARIES / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
    ]


def _controllers(port: int, kubeconfig: Path, key: Path) -> list[Any]:
    return [
        BINARIES / "kube-controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={key}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    ]


def _await_kubeconfig(folder: Path, port: int) -> Path:
    certificate, url = folder / "certificates/apiserver.crt", f"https://127.0.0.1:{port}"
    deadline = time.monotonic() + 90
    while not _ready(url, certificate):
        assert time.monotonic() < deadline, (folder / "kube-apiserver.log").read_text()[-3000:]
        time.sleep(0.3)
    cluster = {
        "server": url,
        "certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode(),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def _ready(url: str, certificate: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        request = urllib.request.Request(f"{url}/readyz", headers={"Authorization": f"Bearer {_TOKEN}"})
        with urllib.request.urlopen(request, context=context, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
