"""Builds what changed, in dependency order and in parallel, pushes it and pins it."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from infra.offline import debian
from infra.shared.command import CommandError
from infra.shared.paths import REPOSITORY
from ops.images.engine import Engine
from ops.images.registry import Registry
from ops.images.spec import BUILDER, ImageError, Recipe, read_specs, recipes, select

IMAGES = REPOSITORY / "images"
LOGS = REPOSITORY / ".build/logs/images"
BASE_VARIABLE = "SWITCHBOARD_BASE_IMAGE"
HEARTBEAT_S = 15.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """An image that is there, and what it took."""

    recipe: Recipe
    size_bytes: int
    seconds: float
    fresh: bool
    """Whether this call built it."""


@dataclass(frozen=True)
class Pushed:
    """An image that the registry has."""

    recipe: Recipe
    image: str
    """Its full name, by digest."""
    fresh: bool
    """Whether this call pushed it."""


class BuildError(ImageError):
    """Some images could not be built; `built` has those that could."""

    def __init__(self, failures: Mapping[str, str], built: Sequence[Built]) -> None:
        self.failures, self.built = dict(failures), list(built)
        super().__init__("\n".join(failures.values()))


def plan(only: Iterable[str] = (), root: Path = IMAGES) -> dict[str, Recipe]:
    """What the named images (or all) and those below them are, in build order. Raises ImageError."""
    base = os.environ.get(BASE_VARIABLE) or f"debian-{debian.key()}"
    return recipes(select(read_specs(root), only), base)


def build_all(
    only: Iterable[str] = (), report: Report = print, jobs: int | None = None, root: Path = IMAGES
) -> list[Built]:
    """Build the named images (or all) and those below them, as far as they changed.

    Args:
        only: names; none means all.
        report: hears a line of progress now and then.
        jobs: how many builds at once; two or three, by the number of cores, unless said.
        root: the folder of the image folders.

    Raises:
        ImageError: a folder is wrong, or Docker can't be used.
        BuildError: builds failed; all that don't stand on them were still built.
    """
    return _Run(plan(only, root), Engine(), report).run(jobs or max(2, min(3, os.cpu_count() or 1)))


class _Run:
    """One call of `build_all`."""

    def __init__(self, plan: Mapping[str, Recipe], engine: Engine, report: Report) -> None:
        self._plan, self._engine, self._report = plan, engine, report
        self._built: dict[str, Built] = {}
        self._failures: dict[str, str] = {}
        self._running: dict[str, tuple[float, str]] = {}
        self._debian = ""

    def run(self, jobs: int) -> list[Built]:
        graph = TopologicalSorter({name: recipe.spec.needs for name, recipe in self._plan.items()})
        graph.prepare()
        futures: dict[Future[Built], str] = {}
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            while graph.is_active():
                for name in graph.get_ready():
                    futures[pool.submit(self._one, self._plan[name])] = name
                done, _ = wait(futures, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
                for future in done:
                    name = futures.pop(future)
                    self._collect(name, future)
                    graph.done(name)
                if not done:
                    self._heartbeat()
        if self._failures:
            raise BuildError(self._failures, list(self._built.values()))
        return [self._built[name] for name in self._plan]

    def _one(self, recipe: Recipe) -> Built:
        started = time.monotonic()
        image = self._engine.find(recipe.tag)
        fresh = image is None
        if image is None:
            self._build(recipe, started)
            image = self._engine.client.images.get(recipe.tag)
        return Built(recipe, int(image.attrs["Size"]), time.monotonic() - started, fresh)

    def _build(self, recipe: Recipe, started: float) -> None:
        if failed := [name for name in recipe.spec.needs if name in self._failures]:
            raise ImageError(f"{recipe.name}: not built, since {' and '.join(failed)} failed")
        self._report(f"{recipe.name}: building")
        args = {**recipe.spec.settings.args, "PARENT": self._parent(recipe)}
        if recipe.spec.uses_builder:
            args["BUILDER"] = self._plan[BUILDER].tag
        for part in recipe.spec.settings.parts:
            args[recipe.spec.part_argument(part)] = self._plan[part].tag

        def on_step(step: str) -> None:
            self._running[recipe.name] = (started, step)

        on_step("starting")
        try:
            self._engine.build(recipe, args, LOGS / f"{recipe.name}.log", on_step)
        finally:
            self._running.pop(recipe.name, None)
        self._report(f"{recipe.name}: built in {time.monotonic() - started:.0f} s")

    def _parent(self, recipe: Recipe) -> str:
        parent = recipe.spec.settings.parent
        if parent:
            return self._plan[parent].tag
        if public := os.environ.get(BASE_VARIABLE):
            return public
        self._report("the Debian base comes from packages; the first time that takes a minute")
        try:
            return debian.ensure_image("docker")
        except CommandError as error:
            raise ImageError(f"{recipe.name}: no Debian to stand on: {error}") from error

    def _collect(self, name: str, future: Future[Built]) -> None:
        try:
            self._built[name] = future.result()
        except ImageError as error:
            self._failures[name] = str(error)
            self._report(f"{name}: failed")

    def _heartbeat(self) -> None:
        now = time.monotonic()
        running = [
            f"{name} {now - since:.0f} s: {step[:60]}" for name, (since, step) in self._running.copy().items()
        ]
        if running:
            self._report(f"{len(self._built)} of {len(self._plan)} done; " + "; ".join(running))


def push_all(built: Iterable[Built], registry: Registry, report: Report = print) -> list[Pushed]:
    """Push what the registry doesn't have yet, three at once. Raises ImageError."""
    registry.check()
    engine = Engine()

    def one(recipe: Recipe) -> Pushed:
        digest = registry.digest(recipe)
        fresh = digest is None
        if digest is None:
            digest = registry.push(engine, recipe)
            report(f"{recipe.name}: pushed")
        return Pushed(recipe, f"{registry.host}/{recipe.name}@{digest}", fresh)

    wanted = [image.recipe for image in built if image.recipe.spec.settings.push]
    with ThreadPoolExecutor(max_workers=3) as pool:
        return list(pool.map(one, wanted))
