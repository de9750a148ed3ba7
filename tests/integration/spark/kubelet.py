"""A cluster of one machine: a real Kubernetes API, whose kubelet is this process, with Docker.

    driver's container ──https──► Forward ──► API server ◄── Kubelet ──► Docker: executors' containers

What is played: a pod's one container with its variables, limits and read-only root, the pre-stop hook, the
status that a kubelet writes. What is not: the scheduler, probes, volumes but the one at /tmp.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

from docker.models.containers import Container
from kubernetes import client, config

from tests.integration.images.containers import Docker, log_of

Object = dict[str, Any]

TMP = {"/tmp": "mode=1777,exec"}
WITH_ADDRESS = 'export {names}; exec tini -- spark-entrypoint "$@"'
NODE = "here"
GRACE_S = 5


class Forward:
    """Carries connections to an address of containers' network to a port of this machine."""

    def __init__(self, host: str, port: int, target: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(asyncio.start_server(self._carry, host, port))
        self._target = target
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        """End connections that are still open."""
        open_ones = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


class Kubelet(threading.Thread):
    """Runs the executors of a namespace."""

    def __init__(self, kubeconfig: str, namespace: str, containers: Docker) -> None:
        super().__init__(name="kubelet", daemon=True)
        config.load_kube_config(kubeconfig)
        self._core, self._namespace, self._docker = client.CoreV1Api(), namespace, containers
        with suppress(client.ApiException):  # it is there already
            self._core.create_node({"metadata": {"name": NODE}})
        self.running: dict[str, Container] = {}
        self.logs: dict[str, str] = {}
        self._ended: set[str] = set()
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(0.2):
            for pod in self.pods():
                with suppress(client.ApiException):  # it is gone by now
                    self._sync(pod)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(30)

    def pods(self) -> list[Any]:
        selector = "app.kubernetes.io/component=spark-executor"
        return list(self._core.list_namespaced_pod(self._namespace, label_selector=selector).items)

    def _sync(self, pod: Any) -> None:
        name = pod.metadata.name
        container = self.running.get(name)
        if container is None and pod.metadata.deletion_timestamp is None:
            self._bind(name)
            container = self.running[name] = self._start(pod)
            container.reload()
            networks = container.attrs["NetworkSettings"]["Networks"]
            address = next(iter(networks.values()))["IPAddress"]
            self._write(name, "Running", {"running": {}}, podIP=address)
        elif container is not None and name not in self._ended:
            container.reload()
            if pod.metadata.deletion_timestamp and container.status == "running":
                self._end(container)
                container.reload()
            if container.status == "exited":
                self._bury(name, container)
        if pod.metadata.deletion_timestamp and (container is None or name in self._ended):
            self._core.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)

    def _bind(self, name: str) -> None:
        """A pod that has no node is deleted at once, without any grace."""
        target = client.V1ObjectReference(kind="Node", name=NODE)
        body = client.V1Binding(metadata=client.V1ObjectMeta(name=name), target=target)
        self._core.create_namespaced_pod_binding(name, self._namespace, body, _preload_content=False)

    def _start(self, pod: Any) -> Container:
        (spec,) = pod.spec.containers
        plain = {each.name: each.value or "" for each in spec.env if each.value_from is None}
        fields = {each.name: each.value_from.field_ref.field_path for each in spec.env if each.value_from}
        values = {"status.podIP": "$(hostname -i)", "metadata.name": pod.metadata.name}
        names = " ".join(f"{name}={values[path]}" for name, path in fields.items())
        return self._docker.start(
            spec.image,
            *("-c", WITH_ADDRESS.format(names=names), "sh", *spec.args),
            entrypoint="sh",
            environment=plain,
            mem_limit=int(spec.resources.limits["memory"].removesuffix("Mi")) * 2**20,
            read_only=spec.security_context.read_only_root_filesystem,
            tmpfs={mount.mount_path: "mode=1777,exec" for mount in spec.volume_mounts},
        )

    def _end(self, container: Container) -> None:
        hook = threading.Thread(target=container.exec_run, args=(["/bin/spark-decommission"],), daemon=True)
        hook.start()
        hook.join(GRACE_S)
        container.stop(timeout=1)

    def _bury(self, name: str, container: Container) -> None:
        self._ended.add(name)
        self.logs[name] = log_of(container)
        code = int(container.attrs["State"]["ExitCode"])
        reason = (
            "OOMKilled"
            if container.attrs["State"]["OOMKilled"] and code
            else "Error"
            if code
            else "Completed"
        )
        end = {"exitCode": code, "reason": reason, "message": self.logs[name][-2000:] if code else ""}
        self._write(name, "Failed" if code else "Succeeded", {"terminated": end})

    def _write(self, name: str, phase: str, state: Object, **status: Any) -> None:
        written = {"name": "spark-executor", "image": "i", "imageID": "i", "ready": phase == "Running"}
        body = {
            "phase": phase,
            "containerStatuses": [{**written, "restartCount": 0, "state": state}],
            **status,
        }
        self._core.patch_namespaced_pod_status(name, self._namespace, {"status": body})
