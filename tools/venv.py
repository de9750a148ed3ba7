"""The Python environment: uv fills .venv with what requirements/dev.txt names, and nothing else."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from tools.layout import Layout, source_roots, target
from tools.shell import StepError, base_python, output, run

PYTHON = "3.11"
"""The version that Airflow's image and every stage run too."""


def key(layout: Layout) -> str:
    """Changes whenever the environment should."""
    text = layout.requirements("dev").read_text() + PYTHON + target()
    return hashlib.sha256(text.encode()).hexdigest()


def is_current(layout: Layout) -> bool:
    """Whether the environment is there and holds what the requirements name."""
    stamp = layout.venv / "switchboard.stamp"
    return stamp.exists() and stamp.read_text() == key(layout) and (layout.venv / "bin/python").exists()


def write_source_roots(layout: Layout) -> None:
    """Put the checkout's source folders on the environment's sys.path."""
    packages = layout.venv / f"lib/python{PYTHON}/site-packages"
    text = "".join(f"{path}\n" for path in source_roots(layout.root))
    file = packages / "switchboard.pth"
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def pip_install(layout: Layout, requirements: str, folder: Path, log: Path) -> None:
    """Install a hashed requirements file into a folder of its own, with the Python that runs this.

    Raises:
        StepError: pip failed.
    """
    file = layout.requirements(requirements)
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(half)]
    run(
        [base_python(), "-m", "pip", "install", *options, "-r", file],
        log,
        env={"PIP_ROOT_USER_ACTION": "ignore"},
    )
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)


def uv(layout: Layout, log: Path) -> Path:
    """The pinned uv, installed at the first use.

    Raises:
        StepError: pip failed.
    """
    pin = hashlib.sha256(layout.requirements("bootstrap").read_bytes()).hexdigest()[:12]
    folder = layout.tools / f"uv-{pin}"
    if not (folder / "bin/uv").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        pip_install(layout, "bootstrap", folder, log)
    return folder / "bin/uv"


def index_settings() -> dict[str, str]:
    """Pip's package index and CA, for uv: who has told the one need not tell the other."""
    told = {}
    for ours, setting, variable in (
        ("UV_DEFAULT_INDEX", "index-url", "PIP_INDEX_URL"),
        ("UV_INDEX", "extra-index-url", "PIP_EXTRA_INDEX_URL"),
        ("SSL_CERT_FILE", "cert", "PIP_CERT"),
    ):
        value = os.environ.get(variable) or output(
            [base_python(), "-m", "pip", "config", "get", f"global.{setting}"]
        )
        if value and value.strip() and ours not in os.environ:
            told[ours] = value.strip()
    return told


def create(layout: Layout, log: Path) -> None:
    """Make the environment, or bring it to what the requirements name.

    Raises:
        StepError: uv or a package could not be had, or a hash did not fit.
    """
    program = uv(layout, log)
    env = {"VIRTUAL_ENV": str(layout.venv), "UV_LINK_MODE": "hardlink", **index_settings()}
    python = layout.venv / "bin/python"
    if output([python, "-c", "import sys"]) is None:
        same = f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON
        wanted = base_python() if same else shutil.which(f"python{PYTHON}") or PYTHON
        run([program, "venv", "--quiet", "--clear", "--python", wanted, layout.venv], log, env=env)
    requirements = layout.requirements("dev")
    run([program, "pip", "sync", "--require-hashes", "--python", python, requirements], log, env=env)
    write_source_roots(layout)
    if output([python, "-c", "import airflow, pulumi, pytest"], timeout_s=120) is None:
        raise StepError(
            f"{python} cannot import what was installed: delete {layout.venv} and run `make tools` again"
        )
    (layout.venv / "switchboard.stamp").write_text(key(layout))
