"""`make lock`: pin every .in file's packages, with their hashes, in the .txt file beside it."""

import argparse
import os
import sys
from pathlib import Path

from tools import venv
from tools.layout import Layout
from tools.shell import StepError, run

OPTIONS = (
    "--python-version",
    venv.PYTHON,
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--quiet",
)
"""No index and no header: a lock file names packages and hashes, and no machine that they came from."""


def sources(root: Path) -> list[Path]:
    """Every .in file of the checkout."""
    folders = ("requirements", "images/*", "airflow", "spark")
    return sorted(path for folder in folders for path in root.glob(f"{folder}/*.in"))


def main(arguments: list[str]) -> int:
    """The command. Answers its exit status."""
    parser = argparse.ArgumentParser(prog="make lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument("files", nargs="*", type=Path, help="the .in files; all, if none is given")
    chosen = parser.parse_args(arguments)
    layout = Layout.here()
    log = layout.logs / "lock.log"
    os.chdir(layout.root)  # the files' names go into the comments of what is written
    try:
        program = venv.uv(layout, log)
        for file in [path.resolve() for path in chosen.files] or sources(layout.root):
            extra = ["--upgrade"] if chosen.upgrade else []
            command = [program, "pip", "compile", *OPTIONS, *extra, file.name, "-o", f"{file.stem}.txt"]
            run(command, log, file.parent, venv.index_settings())
            sys.stdout.write(f"{file.with_suffix('.txt').relative_to(layout.root)}\n")
    except StepError as error:
        sys.stderr.write(f"make lock stopped: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
