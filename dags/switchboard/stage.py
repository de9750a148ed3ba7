"""`StageOperator`: a stage's image as a task."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import generic_api_retry
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import (
    PodManager,
    PodPhase,
    detect_pod_terminate_early_issues,
)
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from switchboard import pods
from switchboard.commit import dag_commit
from switchboard.defaults import RETRIES, STAGE_POOL
from switchboard.images import pinned_image
from switchboard.names import label_value, pod_name
from switchboard.placement import node_pools, placement
from switchboard.sizes import Size, size_of

STARTUP_TIMEOUT_S = 300
"""A first pull of a large image on a slow network still fits. A pull that is refused fails at once, whatever
this says.
"""

SCHEDULE_TIMEOUT_S = 900
"""Room for the cluster to add a node, and for other pods to finish."""

GRACE_S = 30
"""Time for a stage to end its S3 requests after SIGTERM; results are written whole or not at all, so more
buys nothing.
"""

POLL_S = 0.5
"""The operator's own polling (5 s at the start, 2 s at the end) would take longer than a short stage does."""

FINAL_EXIT_CODES = frozenset({2, 65})
"""Where another try would end the same way: the stage was started wrongly, or its data will not do."""

STATUS_LAG_S = 3.0
"""How much later than its log a container's status can end."""


class PromptPodManager(PodManager):
    """Notices the end of a pod within `POLL_S`, and removes no other than the one it is asked to."""

    seen: k8s.V1Pod | None = None
    """The pod that was read last, as it was then."""

    def read_pod(self, pod: k8s.V1Pod) -> k8s.V1Pod:
        """The pod as it is now."""
        self.seen = super().read_pod(pod)
        return self.seen

    @generic_api_retry  # type: ignore[untyped-decorator]
    def delete_pod(self, pod: k8s.V1Pod) -> None:
        """Remove this very pod, if it is still there; one of the same name may be another try's by now."""
        options = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid=pod.metadata.uid))
        try:
            self._client.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body=options)
        except ApiException as error:
            if error.status not in {404, 409}:
                raise

    @generic_api_retry  # type: ignore[untyped-decorator]
    def annotate(self, pod: k8s.V1Pod, annotations: dict[str, str]) -> k8s.V1Pod:
        """The pod as it is once it has these annotations."""
        body = {"metadata": {"annotations": annotations}}
        return self._client.patch_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body=body)

    def container_is_running(self, pod: k8s.V1Pod, container_name: str) -> bool:
        """Whether it still runs once its log has ended; asked again for `STATUS_LAG_S`.

        The operator takes a log that ended before the status did for an interruption, and prints its last
        second again.
        """
        for _ in range(int(STATUS_LAG_S / POLL_S)):
            if not super().container_is_running(pod, container_name):
                return False
            time.sleep(POLL_S)
        return True

    def await_pod_completion(
        self,
        pod: k8s.V1Pod,
        istio_enabled: bool = False,  # noqa: ARG002  a stage pod has one container, so the flags play no part
        container_name: str = "base",  # noqa: ARG002
        do_xcom_push: bool = False,  # noqa: ARG002
    ) -> k8s.V1Pod:
        """The pod once it ended, or cannot start any more."""
        while True:
            remote = self.read_pod(pod)
            if remote.status.phase in PodPhase.terminal_states or detect_pod_terminate_early_issues(remote):
                return remote
            time.sleep(POLL_S)


class StageOperator(KubernetesPodOperator):
    """Run a stage in a pod of its own.

        StageOperator(task_id="loudness", image="loudness", size="small", arguments=["--batch", batch])

    Everything else follows from the platform: the digest of the image, its resources, the object store's
    address and keys, a service account without rights, the `restricted` security profile, the deployment's
    namespace. The pod goes when the task ends; when only the worker dies, the next try goes on with the pod
    that is there. What exits with one of `FINAL_EXIT_CODES` is not tried again.

    It is not deferrable: handing over to the triggerer and back starts a second worker pod (3.5 s), and the
    log would not follow the stage while it runs.

    Parameters
    ----------
    image
        Name of an image in `images/`, as the lock file pins it.
    size
        One of `switchboard.sizes.SIZES`.
    pool
        Airflow pool whose slots it takes.
    retries
        Tries after the first.
    kwargs
        What KubernetesPodOperator takes.

    Raises
    ------
    ImageNotPinnedError, LockFileError, UnknownSizeError
        While the DAG is parsed, so that they show as its import error.
    """

    def __init__(
        self,
        *,
        image: str,
        size: str = "small",
        pool: str = STAGE_POOL,
        retries: int = RETRIES,
        **kwargs: Any,
    ) -> None:
        reference, resources = pinned_image(image), self.size_named(size)
        volume, mount = pods.scratch(resources)
        given = {
            "image": reference,
            "image_pull_policy": "IfNotPresent",
            "env_vars": {"SWITCHBOARD_IMAGE": reference},
            "env_from": pods.object_store(),
            "container_resources": pods.resources(resources),
            "volumes": [volume],
            "volume_mounts": [mount],
            "labels": {
                "app.kubernetes.io/part-of": "switchboard",
                "app.kubernetes.io/component": "stage",
                "switchboard/image": label_value(image),
            },
            "service_account_name": pods.SERVICE_ACCOUNT,
            "automount_service_account_token": False,
            "security_context": pods.pod_security(),
            "container_security_context": pods.container_security(),
            "full_pod_spec": k8s.V1Pod(spec=k8s.V1PodSpec(containers=[], enable_service_links=False)),
        }
        super().__init__(pool=pool, retries=retries, **{**BEHAVIOUR, **given, **kwargs})
        self.size = size
        self.stage_image = image
        if self.name is None:
            self.name = pod_name(self.dag_id, self.task_id.rsplit(".", 1)[-1])

    @staticmethod
    def size_named(name: str) -> Size:
        """What the pod of a size asks for. Raises LookupError for a name that there is not."""
        return size_of(name)

    @cached_property
    def pod_manager(self) -> PromptPodManager:
        """The operator's view of its pod."""
        return PromptPodManager(kube_client=self.client, callbacks=self.callbacks)

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> k8s.V1Pod:
        """The pod. Commit and placement are known only where the task runs, so they are added here."""
        selector, tolerations = placement(self.size_named(self.size).node_pool, node_pools())
        self.node_selector = {**selector, **(self.node_selector or {})}
        self.tolerations = [*self.tolerations, *(t for t in tolerations if t not in self.tolerations)]
        pod = super().build_pod_request_obj(context, dry_run=dry_run)
        commit = dag_commit(context)
        if commit:
            pod.metadata.labels["switchboard/dag-commit"] = label_value(commit)
        return pod

    def execute(self, context: Any) -> Any:
        """Run the pod to its end. A task that was ended from outside meanwhile never counts as a success."""
        result = super().execute(context)
        if self._killed:
            raise AirflowException("the task was ended from outside; its pod is deleted")
        return result

    def cleanup(
        self,
        pod: k8s.V1Pod,
        remote_pod: k8s.V1Pod,
        xcom_result: dict[str, Any] | None = None,
        context: Any = None,
    ) -> None:
        """Remove the pod, and fail the task if the pod did: for good where another try is of no use."""
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowSkipException:
            raise
        except AirflowException as error:
            if isinstance(error.__context__, AirflowTaskTimeout):
                raise error.__context__ from None  # that is what happened: the pod itself did nothing wrong
            failure = self.failure(error, remote_pod, context)
            if failure is error:
                raise
            raise failure from None

    def failure(
        self,
        error: AirflowException,
        remote_pod: k8s.V1Pod,
        context: Any,  # noqa: ARG002  for operators that keep books of their tries
    ) -> AirflowException:
        """What the task fails with, given what KubernetesPodOperator makes of its pod."""
        code = exit_code(remote_pod, self.base_container_name)
        if code in FINAL_EXIT_CODES:
            return AirflowFailException(
                f"{error} It ended with exit code {code}: another try would end the same way."
            )
        return error


def exit_code(pod: k8s.V1Pod, container: str) -> int | None:
    """What a container of a pod ended with; None where it has not ended."""
    for status in (pod.status and pod.status.container_statuses) or []:
        if status.name == container and status.state and status.state.terminated:
            return int(status.state.terminated.exit_code)
    return None


BEHAVIOUR: dict[str, Any] = {
    "kubernetes_conn_id": None,  # the worker's own service account and namespace
    "do_xcom_push": False,  # stages hand over keys both sides can derive: no sidecar, no `pods/exec`
    "get_logs": True,
    "container_name_log_prefix_enabled": False,
    "log_events_on_failure": True,
    "log_pod_spec_on_failure": False,
    "startup_timeout_seconds": STARTUP_TIMEOUT_S,
    "schedule_timeout_seconds": SCHEDULE_TIMEOUT_S,
    "startup_check_interval_seconds": 1,
    "termination_grace_period": GRACE_S,
    "on_finish_action": "delete_pod",
    "durable": True,
    "deferrable": False,
}
"""What each of these means stands in KubernetesPodOperator's documentation."""
