"""One driver for a task instance: how a try finds or makes its pod, and leaves it.

Why so, see docs/adr/0013-one-driver-for-a-task-instance.md.
"""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from switchboard.stage import POLL_S, StageOperator
from switchboard_spark import driver, endings, followed
from switchboard_spark.killed import leave_record
from switchboard_spark.sizes import read_platform

GONE_TIMEOUT_S = 120
"""How long the last try's driver may take to go; longer means that its node does not answer."""


class OneDriverOperator(StageOperator):
    """A stage whose pod is named after its task instance, so that Kubernetes itself refuses a second one."""

    def get_or_create_pod(self, pod_request_obj: k8s.V1Pod, context: Any) -> k8s.V1Pod:  # noqa: ARG002
        """The pod of this task instance: the one that is there, if it can still bring the result, else a new
        one.

        Raises:
            AirflowException: Kubernetes refuses it, or an earlier one does not go.
        """
        deadline = time.monotonic() + GONE_TIMEOUT_S
        while (pod := self._take_or_create(pod_request_obj)) is None:
            if time.monotonic() > deadline:
                there = self._there(pod_request_obj) or pod_request_obj
                raise as_error(driver.does_not_go(there, GONE_TIMEOUT_S))
            time.sleep(POLL_S)
        self.pod = pod  # from here on, whatever goes wrong, `on_kill` and `cleanup` know it
        return pod

    def _take_or_create(self, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
        """The pod to follow; None while one is in the way."""
        if self._killed:
            raise AirflowException("the task was ended from outside before it had a pod")
        there = self._there(wanted)
        if there is None:
            return self._create(wanted)
        if driver.can_go_on(there, wanted):
            return self._take_over(there, wanted)
        if there.metadata.deletion_timestamp is None:
            if found := self.ending_of(there):  # its worker died too
                leave_record(there, self.base_container_name, found.verdict)
            self.log.info("Removing pod %s, which is %s", there.metadata.name, there.status.phase)
            self.pod_manager.delete_pod(there)
        return None

    def ending_of(self, pod: k8s.V1Pod) -> endings.Failure | None:
        """Why a driver ended badly, as its pod tells it; None where it tells of no such end."""
        larger = read_platform().larger_driver(self.size)
        return followed.overran(pod) or endings.driver_failure(pod, self.base_container_name, larger)

    def _take_over(self, there: k8s.V1Pod, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
        """The pod, marked as this try's; None where it cannot be gone on with after all."""
        mark = {followed.FOLLOWED_BY: wanted.metadata.annotations[followed.FOLLOWED_BY]}
        try:
            taken = self.pod_manager.annotate(there, mark)
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        if not driver.can_go_on(taken, wanted):
            return None
        self.log.info("Going on with pod %s, which is %s", taken.metadata.name, taken.status.phase)
        return taken

    def _there(self, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
        try:
            return self.pod_manager.read_pod(wanted)
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    def _create(self, wanted: k8s.V1Pod) -> k8s.V1Pod | None:
        """The new pod; None where there is one of the name after all."""
        try:
            made = self.pod_manager.create_pod(wanted)
        except ApiException as error:
            if error.status == 409:
                return None
            raise as_error(endings.refusal(error)) from None
        if self._killed:  # while Kubernetes made it, so `on_kill` found nothing to remove
            self.pod_manager.delete_pod(made)
            return None
        return made

    def on_kill(self) -> None:
        """Remove the pod, also one that Kubernetes is just making; its executors go with it. A pod that a
        later try follows stays: Airflow ends workers too whose try it gave up while they were out of reach.
        """
        self._killed = True
        wanted = self.pod_request_obj
        if wanted is None:
            return
        try:
            there = self._there(wanted)
        except ApiException:
            self.log.exception("Pod %s could not be read, so it stays", wanted.metadata.name)
            return
        if later := followed.later_try(there, wanted):
            self.log.warning("Left pod %s to try %d, which follows it", wanted.metadata.name, later)
        elif there:
            self._remove(there)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """As a stage's, but a pod that a later try follows is left to it. One that could not be looked at
        even once is left to the next try, and removed if there is none.
        """
        if self.pod and not self._killed:
            if later := self._followed_by_a_later_try():
                raise AirflowException(
                    f"try {later} follows pod {self.pod.metadata.name}, so this one does not"
                )
            if remote_pod is None and context["ti"].try_number > context["ti"].max_tries:
                self._remove(self.pod)
        super().cleanup(pod, remote_pod, xcom_result, context)

    def _remove(self, pod: k8s.V1Pod) -> None:
        try:
            self.pod_manager.delete_pod(pod)
        except ApiException:
            self.log.exception("Pod %s could not be removed", pod.metadata.name)

    def _followed_by_a_later_try(self) -> int | None:
        """Its number, as far as can be seen."""
        try:
            return followed.later_try(self._there(self.pod), self.pod_request_obj)
        except (ApiException, AirflowException):
            return None


def as_error(found: endings.Failure) -> AirflowException:
    """What a try fails with: for good, where another would end the same way."""
    return (AirflowFailException if found.final else AirflowException)(str(found))
