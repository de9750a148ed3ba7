"""`python -m ops.images`: build what changed, push it, pin it."""

import argparse
import os
import sys

from rich.table import Table

from infra.shared.command import CommandError
from infra.shared.paths import Paths
from ops import images
from ops.console import console, make
from ops.images.build import BASE_VARIABLE, BuildError, Built, Pushed, build_all, push_all

STEPS = ("build", "push", "lock")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    step, only, env = parse(arguments)
    try:
        built = build_all(only, _report)
        pushed = push_all(built, images.registry_of(env), _report) if step != "build" else []
    except BuildError as error:
        console.print(table(error.built, [], error.failures))
        console.print(f"✗ {error}", style="red", markup=False)
        return 1
    except (images.ImageError, CommandError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        return 1
    console.print(table(built, pushed))
    if step == "lock":
        images.lock(pushed, env)
        pins = Paths.of(env).images_lock
        push = make("dags", env)
        console.print(f"Pinned in {pins}. `{push}` pushes the pins with the DAGs.", markup=False)
    return 0


def parse(arguments: list[str] | None) -> tuple[str, list[str], str]:
    """How far to go, which images, and whose registry."""
    parser = argparse.ArgumentParser(prog="python -m ops.images", description=__doc__)
    parser.add_argument(
        "words", nargs="*", metavar="build|push|lock|NAME", help="how far to go (default: lock), and which"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these images, and what they stand on"
    )
    parser.add_argument("--env", default="local", help="whose registry (default: local)")
    parser.add_argument("--base-image", help=f"a public Debian bookworm to stand on [${BASE_VARIABLE}]")
    given = parser.parse_args(arguments)
    if given.base_image:
        os.environ[BASE_VARIABLE] = given.base_image
    step = next((word for word in given.words if word in STEPS), "lock")
    return step, [*(word for word in given.words if word not in STEPS), *given.only], given.env


def table(built: list[Built], pushed: list[Pushed], failures: dict[str, str] | None = None) -> Table:
    """What there is now: size, the time its build took here, and whether the registry got it."""
    in_registry = {image.recipe.name: "pushed" if image.fresh else "unchanged" for image in pushed}
    shown = Table("image", "hash", "registry", box=None, pad_edge=False)
    shown.add_column("size MB", justify="right")
    shown.add_column("build s", justify="right")
    for image in built:
        name, seconds = image.recipe.name, f"{image.seconds:.1f}" if image.fresh else "unchanged"
        shown.add_row(
            name, image.recipe.hash, in_registry.get(name, "-"), f"{image.size_bytes / 1e6:.0f}", seconds
        )
    for name in failures or {}:
        shown.add_row(name, "-", "-", "-", "failed", style="red")
    return shown


def _report(line: str) -> None:
    console.print(line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
