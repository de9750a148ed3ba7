"""A Debian base image from packages alone, for machines that can pull no image.

`python -m infra.offline.debian --engine docker|podman` makes the root file system once (debootstrap, about
60 s), keeps it in the cache, and imports it as `switchboard/debian:bookworm`. Further calls take no time.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from infra.shared.command import CommandError, run
from infra.shared.paths import Paths

Engine = Literal["docker", "podman"]
SUITE = "bookworm"
IMAGE = f"switchboard/debian:{SUITE}"
KEY_LABEL = "switchboard.debian.key"
PACKAGES = ("ca-certificates",)

_SLIM = """\
# Documents and translations are no use in a container; licences stay.
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
"""
_NO_SERVICES = "#!/bin/sh\n# No service starts while packages are installed into an image.\nexit 101\n"
_APT = 'Acquire::Languages "none";\nAPT::AutoRemove::SuggestsImportant "false";\n'
_REMOVED = (
    "var/cache/apt/archives/*.deb",
    "var/cache/apt/*.bin",
    "var/lib/apt/lists/*",
    "var/log/*.log",
    "var/log/apt/*",
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*/",
    "var/cache/debconf/*-old",
    "var/lib/dpkg/*-old",
)


def key() -> str:
    """What the root file system depends on, as a short hash: another recipe gives another cache entry."""
    recipe = "\0".join((SUITE, *PACKAGES, _SLIM, _NO_SERVICES, _APT, *_REMOVED))
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def rootfs() -> Path:
    """The root file system as a cached tarball. Making it needs root. Raises CommandError."""
    cached = Paths.of().cache / f"debian/{SUITE}-{key()}.tar"
    if cached.exists():
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="rootfs-", dir=cached.parent))
    try:
        root = work / "root"
        _debootstrap(root)
        _tidy(root)
        # Written beside it and renamed: a build that is cut off leaves no half tarball under the final name.
        run(["tar", "--numeric-owner", "--sort=name", "-C", root, "-cf", work / "rootfs.tar", "."])
        (work / "rootfs.tar").rename(cached)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return cached


def _debootstrap(root: Path) -> None:
    mirror = os.environ.get("SWITCHBOARD_DEBIAN_MIRROR")
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
    run([*command, mirror] if mirror else command, timeout_s=1800)


def _tidy(root: Path) -> None:
    """Drop what belongs to this machine or to nobody, and add the settings that derived images want."""
    for pattern in _REMOVED:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for doc in root.glob("usr/share/doc/*/*"):
        if doc.name != "copyright":
            shutil.rmtree(doc) if doc.is_dir() and not doc.is_symlink() else doc.unlink()
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(_SLIM)
    (root / "etc/apt/apt.conf.d/slim").write_text(_APT)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(_NO_SERVICES)
    policy.chmod(0o755)
    _security_updates(root)
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).write_text("")


def _security_updates(root: Path) -> None:
    """Let derived images install security fixes, from where the base came from."""
    sources = root / "etc/apt/sources.list"
    _, mirror, suite, *components = sources.read_text().split("\n")[0].split()
    where = mirror.rstrip("/")
    parts = " ".join(components)
    lines = [f"deb {where} {suite} {parts}", f"deb {where} {suite}-updates {parts}"]
    lines.append(f"deb {where.removesuffix('/debian')}/debian-security {suite}-security {parts}")
    sources.write_text("\n".join(lines) + "\n")


def ensure_image(engine: Engine) -> str:
    """Import the base image into an engine unless it is there; gives its name. Raises CommandError."""
    name = IMAGE if engine == "docker" else f"localhost/{IMAGE}"
    if _imported_key(engine, name) != key():
        changes = ["--change", f"LABEL {KEY_LABEL}={key()}", "--change", 'CMD ["bash"]']
        run([engine, "import", *changes, rootfs(), name])
    return name


def _imported_key(engine: Engine, name: str) -> str | None:
    label = f'{{{{index .Config.Labels "{KEY_LABEL}"}}}}'
    try:
        return run([engine, "image", "inspect", "--format", label, name]).strip()
    except CommandError:
        return None


def main() -> None:
    """Make the root file system and import it where asked."""
    parser = argparse.ArgumentParser(prog="python -m infra.offline.debian", description=__doc__)
    parser.add_argument(
        "--engine", choices=("docker", "podman"), help="import it there; without, only the tarball"
    )
    engine = parser.parse_args().engine
    print(ensure_image(engine) if engine else rootfs())


if __name__ == "__main__":
    main()
