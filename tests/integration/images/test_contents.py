"""What is in the platform's images, and above all what isn't."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ops.images.engine import Engine, ca_bundle
from tests.integration.images.conftest import PLATFORM
from tests.integration.images.containers import Docker

pytestmark = pytest.mark.integration

# What each may weigh, in MB, with a tenth to spare: who adds more should notice.
SIZE_LIMIT_MB = {"base": 130, "git": 142, "git-server": 145, "git-sync": 145, "postgres": 197}
PROBE = """
for tool in gcc cc g++ make pip pip3 uv; do command -v $tool && echo "TOOL $tool"; done
python -c 'import importlib.util as u; print("MODULE pip") if u.find_spec("pip") else None'
find / -xdev -type f -perm /6000 2>/dev/null
find / -xdev -name .netrc -o -name pip.conf -o -path '*/.cache/*' -o -path '/run/secrets/*' 2>/dev/null
id -u
sort -u /etc/ssl/certs/ca-certificates.crt | sha256sum
find /usr/share/ca-certificates -name '*.crt' -exec sort -u {} + | sha256sum
"""


@pytest.mark.parametrize("name", PLATFORM)
def test_no_tools_no_secrets_and_not_root(name: str, built: dict[str, str], containers: Docker) -> None:
    status, output = containers.once(built[name], "-c", PROBE, entrypoint="sh")
    assert status == 0
    uid, bundle, certificates = output.splitlines()
    assert uid == "10001"
    # Debian's bundle is the sum of its certificates: nothing was put in.
    assert bundle == certificates


@pytest.mark.parametrize("name", PLATFORM)
def test_the_hosts_ca_is_in_no_layer(name: str, built: dict[str, str], containers: Docker) -> None:
    host = ca_bundle()
    assert host is not None
    digest = hashlib.sha256(host.read_bytes()).hexdigest()
    debian = containers.once(built[name], "/etc/ssl/certs/ca-certificates.crt", entrypoint="sha256sum")[1]
    if digest == debian.split()[0]:
        pytest.skip("this machine has no CA of its own")
    own = private_certificates(host)
    assert own, "the host's bundle differs from Debian's but has no certificate more"
    status, found = containers.once(
        built[name],
        "-rlF",
        own[0],
        "/etc",
        "/usr",
        "/opt",
        "/app",
        "/root",
        "/run",
        entrypoint="grep",
        user="0",
    )
    assert (status, found) != (0, found), f"the host's own CA is in {found}"


def private_certificates(bundle: Path) -> list[str]:
    """One distinctive line of each certificate of the host that didn't come with its package."""
    packaged = "".join(path.read_text() for path in Path("/usr/share/ca-certificates").rglob("*.crt"))
    blocks = bundle.read_text().split("-----BEGIN CERTIFICATE-----")[1:]
    lines = [block.split()[len(block.split()) // 2] for block in blocks]
    return [line for line in lines if line not in packaged]


@pytest.mark.parametrize("name", PLATFORM)
def test_size_and_user(name: str, built: dict[str, str]) -> None:
    image = Engine().client.images.get(built[name])
    assert image.attrs["Config"]["User"] == "10001:10001"
    assert image.attrs["Size"] < SIZE_LIMIT_MB[name] * 1e6


def test_python_runs_from_the_virtual_environment(built: dict[str, str], containers: Docker) -> None:
    code = (
        "import sys, ssl, sqlite3, zoneinfo; "
        "zoneinfo.ZoneInfo('Europe/Berlin'); print(sys.prefix, sys.version_info[:2])"
    )
    assert containers.once(built["base"], "python", "-c", code) == (0, "/opt/venv (3, 11)\n")
