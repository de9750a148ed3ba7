"""One run of the engine: services, plugins, the program, signals, and the way to the end."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import grpc
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from infra.offline.pulumi_engine.backend import Backend, State
from infra.offline.pulumi_engine.deployment import Deployment
from infra.offline.pulumi_engine.display import Display
from infra.offline.pulumi_engine.plugin import OPTIONS, Host
from infra.offline.pulumi_engine.program import Program, folder_of, plugin_environment
from infra.offline.pulumi_engine.project import Project
from infra.offline.pulumi_engine.providers import Providers
from infra.offline.pulumi_engine.refresh import refresh
from infra.offline.pulumi_engine.services import Engine, Monitor
from infra.offline.pulumi_engine.values import EngineError, Props, StoppedError, has_secret

_WORKERS = 256
"""A registration holds a thread until it is through; a program has a few dozen under way."""


@dataclass
class Session:
    """All that works together in one run."""

    deployment: Deployment
    program: Program

    @classmethod
    @contextmanager
    def started(
        cls, backend: Backend, project: Project, stack: str, state: State, display: Display, *, preview: bool
    ) -> Iterator[Self]:
        """Services that answer, and no process yet. All that was started is ended with it."""
        logging.getLogger("grpc").setLevel(logging.CRITICAL)
        config, secret_keys = project.stack_settings(stack).config(state.crypter)
        server = grpc.server(ThreadPoolExecutor(_WORKERS), options=OPTIONS)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"

        def say(line: str) -> None:
            display.message("", line)

        host = Host(address, folder_of(project), plugin_environment(project), say)
        providers = Providers(host, config, secret_keys, _stack_reader(backend, project))
        deployment = Deployment(project.name, state, providers, display, preview=preview)
        program = Program(project, stack, address, config, secret_keys, preview, say)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(Monitor(deployment), server)
        engine_pb2_grpc.add_EngineServicer_to_server(Engine(display), server)
        server.start()
        session = cls(deployment, program)
        try:
            with session._signals():
                yield session
        finally:
            providers.close()
            server.stop(0)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and `kill` end the run after what is under way; the second time that is cut off too."""
        asked = threading.Event()

        def end() -> None:
            if asked.is_set():
                self.deployment.providers.close()
                return
            asked.set()
            self.deployment.fail("", "the run was cancelled: waiting for what is under way")
            self.program.end()
            self.deployment.providers.cancel()

        def handle(*_: Any) -> None:  # the main thread may hold any lock just now
            threading.Thread(target=end, daemon=True).start()

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def refresh(self, *, count: bool) -> None:
        """Look at what is there."""
        refresh(self.deployment, count=count)
        self.deployment.wait_until_idle()

    def update(self) -> None:
        """Bring about what the program says."""
        deployment = self.deployment
        deployment.begin()
        status = self.program.run()
        if status:
            deployment.stopped.set()  # nothing is begun for a program that is no more
        deployment.wait_until_idle()
        if status and not deployment.display.errors:
            raise EngineError(
                f"an unhandled error occurred: Program exited with non-zero exit code: {status}"
            )
        if status or deployment.display.errors:
            deployment.failed = True
        if not deployment.failed:
            deployment.finish()

    def destroy(self) -> None:
        """Remove everything."""
        self.deployment.begin()
        self.deployment.finish()

    def attempt(self, *parts: Callable[[], None]) -> bool:
        """Do one part after the other; say what goes wrong. Whether all went well."""
        try:
            for part in parts:
                part()
                if self.deployment.failed:
                    return False
        except StoppedError:
            return False
        except EngineError as error:
            self.deployment.fail("", str(error))
        return not self.deployment.failed


def _stack_reader(backend: Backend, project: Project) -> Callable[[str], tuple[Props, list[str]]]:
    def read(name: str) -> tuple[Props, list[str]]:
        """Another stack's outputs, and which of them are secret."""
        *owner, stack = name.split("/")
        file = backend.file(owner[-1] if owner else project.name, stack)
        if not file.exists():
            raise EngineError(f"unknown stack '{name}'")
        outputs = State.load(file).outputs()
        return outputs, [key for key, value in outputs.items() if has_secret(value)]

    return read
