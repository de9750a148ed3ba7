"""mypy over everything: the repository at once, then each image's main.py and tests, whose names repeat."""

import os
import subprocess
import sys
from pathlib import Path

from tools.layout import source_roots

TOGETHER = ("airflow/switchboard_airflow", "dags", "infra", "ops", "samples", "spark", "tests", "tools")
"""Checked in one go, with the packages that stages bring."""


def python_files(folder: Path) -> bool:
    """Whether there is anything to check."""
    return next(folder.rglob("*.py"), None) is not None


def stage_packages(image: Path) -> list[Path]:
    """The packages that an image brings to sys.path."""
    return sorted(init.parent for init in image.glob("*/__init__.py") if init.parent.name != "tests")


def groups(root: Path) -> list[list[Path]]:
    """What to check together: module names must be unique within a group."""
    images = sorted(folder for folder in (root / "images").glob("*") if python_files(folder))
    packages = [package for image in images for package in stage_packages(image)]
    together = [root / name for name in TOGETHER if python_files(root / name)]
    alone = []
    for image in images:
        own = [*image.glob("*.py"), *(folder for folder in (image / "tests",) if python_files(folder))]
        alone.append(sorted(own))
    return [[*together, *packages], *(group for group in alone if group)]


def main(root: Path) -> int:
    """Check every group, and answer the worst exit status."""
    base = [str(path) for path in source_roots(root) if path.exists()]
    worst = 0
    for group in groups(root):
        image = [str(group[0].parent)] if group[0].parent.parent.name == "images" else []
        env = {**os.environ, "MYPYPATH": os.pathsep.join([*image, *base])}
        names = [str(path.relative_to(root)) for path in group]
        # Without workers: mypy gives one 3 s to start, which a busy machine does not have
        done = subprocess.run([sys.executable, "-m", "mypy", *names], cwd=root, env=env, check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1]))
