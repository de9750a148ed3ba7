"""The Debian packages: which are missing, and their installation."""

import os
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tools.shell import StepError, base_python, output, run

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Searched besides the user's own PATH, which often lacks the sbin folders."""


@dataclass(frozen=True)
class Package:
    """A package, why it is wanted, and what shows that it (or the same from elsewhere) is there."""

    name: str
    reason: str
    command: str = ""
    path: str = ""
    python: str = ""
    unwanted_service: str = ""
    """A service that the package starts on machines with systemd, and that nobody asked for."""


def load(file: Path) -> list[Package]:
    """The packages that a file names."""
    return [Package(**entry) for entry in tomllib.loads(file.read_text())["package"]]


def is_there(package: Package) -> bool:
    """Whether what the package is wanted for is there, whoever put it there."""
    if package.command:
        search = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
        return shutil.which(package.command, path=search) is not None
    if package.python == "pip":
        return has_pip()
    if package.python == "headers":  # both come from the interpreter that .venv is made of, too
        return (Path(sysconfig.get_path("include")) / "Python.h").exists()
    return Path(package.path.format(multiarch=sysconfig.get_config_var("MULTIARCH"))).exists()


def has_pip() -> bool:
    """Whether the interpreter that would install uv has pip; run from .venv, it is another than this."""
    if sys.prefix == sys.base_prefix:
        return find_spec("pip") is not None
    return output([base_python(), "-m", "pip", "--version"]) is not None


def missing(packages: list[Package], there: Callable[[Package], bool] = is_there) -> list[Package]:
    """The packages to install."""
    return [package for package in packages if not there(package)]


def become_root() -> list[str]:
    """What to put before a command that only root may run.

    Raises:
        StepError: this user is not root and has no sudo.
    """
    if os.geteuid() == 0:
        return []
    if output(["sudo", "-n", "true"]) is not None:
        return ["sudo", "-n"]
    raise StepError(
        "Debian packages are missing, and this user is not root and has no sudo without a password"
    )


def install(packages: list[Package], log: Path) -> None:
    """Install packages with apt, and remove none: what the user has in their place stays.

    Raises:
        StepError: apt is missing or failed; says what to run by hand.
    """
    names = [package.name for package in packages]
    by_hand = f"apt-get install --no-install-recommends {' '.join(names)}"
    if not shutil.which("apt-get"):
        raise StepError(
            f"No apt-get here. Install with this system's own means what Debian calls: {' '.join(names)}"
        )
    try:
        root = become_root()
    except StepError as error:
        raise StepError(f"{error}. As root: {by_hand}") from error
    quiet = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "RUNLEVEL=1",
    ]  # no service starts where there is no systemd
    apt = [*root, *quiet, "apt-get", "-y", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"]
    command = [*apt, "install", "--no-install-recommends", "--no-remove", *names]
    try:
        run(command, log)
    except StepError:  # no package lists yet, or old ones that name files that are gone
        run([*apt, "update"], log)
        run(command, log)
    for package in packages:
        if package.unwanted_service and Path("/run/systemd/system").exists():
            run([*root, "systemctl", "disable", "--now", package.unwanted_service], log)
