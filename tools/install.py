"""Carries the plan out: what waits on the network runs beside what waits on the CPU."""

import argparse
import fcntl
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from tools import debian, engine, golang, object_store, plan, venv
from tools.found import Stamps
from tools.gomod import Build, ToolError
from tools.layout import Layout
from tools.plan import Plan
from tools.report import Report, duration
from tools.shell import RefusedError, StepError, end_running

NEXT = """
Next:  make up         stand everything up on this machine, and transcribe a sample call
       make test-unit  the fast tests
       make            what else there is"""


@dataclass
class Installation:
    """One run of a plan. The two lanes are `system` (apt, Python, Docker) and `programs` (Go)."""

    layout: Layout
    plan: Plan
    report: Report
    _pullable: threading.Event = field(default_factory=threading.Event)
    """Set once it is known whether node images can be pulled."""
    _pulls: bool = False

    def run(self) -> None:
        """Do it all.

        Raises:
            StepError: a step failed; those that ran beside it were ended.
        """
        stamps = Stamps(self.layout)
        for build, own in self.plan.found.values():
            stamps.link(build, own)
        with self.report.heartbeat(), ThreadPoolExecutor(3) as lanes:
            futures = [lanes.submit(self._system), lanes.submit(self._programs, lanes)]
            try:
                self._finish(futures)
            except BaseException:
                self._pullable.set()
                end_running()
                raise

    def _finish(self, futures: list["Future[None]"]) -> None:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()

    def _system(self) -> None:
        logs = self.layout.logs
        if self.plan.packages:
            with self.report.step("Debian packages", "both") as step:
                step.detail = f"{len(self.plan.packages)} packages"
                debian.install(self.plan.packages, logs / "apt.log")
        if self.plan.docker != "running":
            with self.report.step("Docker", "CPU") as step:
                step.detail = engine.start(self.layout)
        if self.plan.probes:
            with self.report.step("can images be pulled?", "network") as step:
                self._pulls = engine.can_pull()
                step.detail = "yes" if self._pulls else "no: the node image is built from packages"
        self._pullable.set()
        if self.plan.environment:
            with self.report.step("Python packages", "both"):
                venv.create(self.layout, logs / "python.log")
        if self.plan.s3proxy:  # after the packages, which bring Java and Maven
            with self.report.step("S3Proxy", "network"):
                object_store.install(self.layout)

    def _programs(self, lanes: ThreadPoolExecutor) -> None:
        builds = [*self.plan.builds, *self.plan.offline]
        if not builds:
            return
        logs = self.layout.logs
        if self.plan.go:
            with self.report.step("Go", "network"):
                golang.install(self.layout, logs / "go.log")
        go = golang.find(self.layout, max(build.go for build in builds))
        if not go:
            wanted = ".".join(map(str, max(build.go for build in builds)))
            raise StepError(
                f"Go {wanted} or later is needed and requirements/go.in pins an older one: raise it"
            )
        builder = golang.Builder(self.layout, go)
        builder.expect(builds)
        sources = lanes.submit(self._fetch, builder)
        for build in builds:
            self._build(builder, build)
        sources.result()

    def _fetch(self, builder: golang.Builder) -> None:
        with self.report.step("sources of the Go programs", "network") as step:
            builder.download(step)

    def _build(self, builder: golang.Builder, build: Build) -> None:
        if build.needed == "no-pull":
            self._pullable.wait()
            if self._pulls:
                remember_pulls(self.layout)
                return
        with self.report.step(f"{build.name} {build.version}", "CPU") as step:
            try:
                builder.build(build, step)
            except RefusedError:
                if not build.without:
                    raise
                Stamps(self.layout).refused(build)
                step.detail = "not to be had"
                self.report.say(f"  {plan.without(build)}")
            else:
                Stamps(self.layout).built(build)


def remember_pulls(layout: Layout) -> None:
    """Note that images can be pulled here, so that the next run need not try."""
    layout.stamps.mkdir(parents=True, exist_ok=True)
    (layout.stamps / "images-can-be-pulled").touch()


@contextmanager
def alone(layout: Layout, say: Callable[[str], None]) -> Iterator[None]:
    """Let no second run work on the same cache meanwhile. The lock goes with the process."""
    layout.tools.mkdir(parents=True, exist_ok=True)
    with (layout.tools / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another `make tools` is at work: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(layout: Layout, report: Report, say_next: bool) -> None:
    """Plan, show the plan, carry it out; `say_next`: end with what to do next.

    Raises:
        StepError: as the steps do.
        ToolError: a tool module that is not as it must be.
    """
    todo = plan.make(layout)
    if not todo.environment:
        venv.write_source_roots(layout)
    if todo.complete:
        report.say("Tools: all there" + (" but these:" if todo.refused else ""))
        for build in todo.refused:
            report.say(f"  {plan.without(build)}")
        return
    report.say("Switchboard's tools. Missing here, and installed now:")
    for line in plan.describe(todo, layout):
        report.say(f"  {line}")
    report.total = todo.steps
    Installation(layout, todo, report).run()
    if len(report.steps) > 1:
        report.say(f"\nWhere the time went:\n{report.table()}")
    if say_next:
        report.say(NEXT)


def main(arguments: list[str] | None = None) -> int:
    """The command. Answers its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tools", description=__doc__)
    parser.add_argument("--next", action="store_true", help="end with what to do next")
    layout, report = Layout.here(), Report()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with alone(layout, report.say):
            install(layout, report, parser.parse_args(arguments).next)
    except (StepError, ToolError) as error:
        report.say(f"\nmake tools stopped: {error}")
        return 1
    except KeyboardInterrupt:
        spent = duration(time.monotonic() - report.began_s)
        report.say(f"\nCut off after {spent}. What was finished stays: `make tools` goes on from there")
        return 130
    return 0
