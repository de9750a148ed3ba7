"""`SparkTaskOperator`: a task that is a Spark driver, with executors of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from switchboard.defaults import RETRIES, SPARK_POOL
from switchboard.images import pinned_image
from switchboard.sizes import Size
from switchboard_spark import checks, driver, endings, followed
from switchboard_spark.killed import leave_record
from switchboard_spark.links import SparkHistoryLink, SparkUILink, application_id, history_url, ui_url
from switchboard_spark.model import Success
from switchboard_spark.one_driver import OneDriverOperator, as_error
from switchboard_spark.sizes import read_platform

GRACE_S = 10
"""From SIGTERM to SIGKILL. The driver removes its executors at once; where it hangs, they go by their owner
reference as soon as its pod has gone, so this and their own end must fit well into 30 s.
"""

SCHEDULE_TIMEOUT_S = 300
"""Room for the cluster to add a node. Waiting for other tasks is the business of the Airflow pool."""

STARTUP_TIMEOUT_S = 900
"""From the node to a running driver. Spark's images are large, and on a new node each of many drivers and
executors pulls one: a registry that limits its rate serves them, but late. A refused pull fails at once.
"""

APPLICATION_FAILURES = "application_failures"
"""Key of the task's state store."""


class SparkTaskOperator(OneDriverOperator):
    """Run a Python function as a Spark driver with executors of its own.

        SparkTaskOperator(
            task_id="count",
            application="wordcount:count",
            arguments={"prefix": "s3a://bucket/{{ params.prefix }}"},
            image="wordcount",
            size="medium",
        )

    The function is called with `arguments` in the task's pod, where
    `switchboard_spark.session.spark_session()` is its session. What it returns (JSON of 3,500 bytes at most)
    is the task's XCom. Sizes, and all that follows from them, are settings of the platform: there is no way
    to give a pod spec or Spark configuration.

    **Two budgets.** `retries` are for failures of any kind: an eviction, a registry that is away. Failures of
    the application itself are tried again `application_retries` times within them, since most would end the
    same way. What can never go well (wrong arguments, a quota that is too small, an image that is not there)
    is tried once.

    **Never two live drivers.** The pod's name follows from the task instance, so Kubernetes itself refuses a
    second one. Each try looks for that pod first. If only the worker died, it goes on with the pod as it is,
    also when that has ended well meanwhile. A pod that failed, is about to go, or was started with something
    else (image, arguments, before the task was cleared) is removed, and its end waited for, before a new one
    is made. The pod says which try follows it, so a worker that comes back after its try was given up leaves
    it to the later one.

    **No driver for ever.** Where no try follows, Airflow's scheduler removes the pod; Kubernetes ends it a
    minute after `execution_timeout` (a task without one: after a day), whoever is there to see.

    There is no decorator: a decorated function would live in the DAG's file, which the task's pod does not
    have, and shipping its source would take the application out of its image and its tests.

    Parameters
    ----------
    application
        `package.module:function` in the image.
    arguments
        Keyword arguments of the function: JSON, templated, XComs of other tasks.
    image
        Name of an image in `images/`, as the lock file pins it.
    size
        One of the platform's Spark sizes.
    connections
        Systems that the function reaches by `switchboard_spark.connections.connection(name)`. Only the driver
        gets their addresses and credentials.
    pool
        Airflow pool of which it takes as many slots as its size is worth.
    retries
        Tries after the first.
    application_retries
        How many of them may follow failures of the application.
    kwargs
        What every Airflow task takes.

    Raises
    ------
    SparkPlatformError, ImageNotPinnedError, LockFileError, ValueError, TypeError
        While the DAG is parsed, so that they show as its import error.
    """

    operator_extra_links = (SparkUILink(), SparkHistoryLink())
    template_fields_renderers: ClassVar[dict[str, str]] = {"env_vars": "py", "arguments": "json"}

    def __init__(  # noqa: PLR0913  DAG authors' words
        self,
        *,
        application: str,
        image: str,
        arguments: Any = None,
        size: str = "small",
        connections: Sequence[str] = (),
        pool: str = SPARK_POOL,
        retries: int = RETRIES,
        application_retries: int = 1,
        **kwargs: Any,
    ) -> None:
        checks.check_application(application)
        checks.check_arguments(arguments or {})
        platform = read_platform()
        platform.check_connections(connections)
        own = platform.size(size).pool_slots
        # One of a task mapped over sizes takes what the largest of them does: `partial` saw to it
        slots = kwargs.pop("pool_slots", own)
        if slots < own or slots not in platform.slots:
            checks.refuse("pool_slots")
        checks.check_names(kwargs)
        checks.check_defaults(kwargs.get("default_args"))
        super().__init__(
            image=image,
            size=size,
            pool=pool,
            retries=retries,
            pool_slots=slots,
            cmds=driver.COMMAND,
            labels=driver.labels(image, size, connections),
            annotations=driver.scrape_annotations(scraped=platform.scraped),
            ports=driver.ports(),
            service_account_name=driver.SERVICE_ACCOUNT,
            automount_service_account_token=True,
            priority_class_name=platform.driver_priority_class or None,
            random_name_suffix=False,
            termination_grace_period=GRACE_S,
            schedule_timeout_seconds=SCHEDULE_TIMEOUT_S,
            startup_timeout_seconds=STARTUP_TIMEOUT_S,
            **kwargs,
        )
        self.application = application
        self.arguments: Any = arguments or {}
        self.connections = tuple(connections)
        self.application_retries = application_retries
        self.spark_history = ""
        """URL of the application in the history server, once there is a driver."""

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """For `expand(arguments=[...])`. Airflow makes mapped tasks only when they run, so what it must know
        before, and what is wrong, is found here.

        `sizes=[...]`, in place of `size`, goes with `expand(size=...)`: those that it may be given. Airflow
        knows one number of slots for all of a mapped task, so each takes as many as the largest of them.
        """
        checks.check_application(kwargs.get("application", ""))
        pinned_image(kwargs.get("image", ""))
        platform = read_platform()
        platform.check_connections(kwargs.get("connections", ()))
        if "size" in kwargs and "sizes" in kwargs:
            raise TypeError("partial() takes `size`, or `sizes` to go with expand(size=...), not both")
        names = kwargs.pop("sizes", None) or [kwargs.setdefault("size", "small")]
        slots = max(platform.size(name).pool_slots for name in names)
        checks.check_names({name: value for name, value in kwargs.items() if name not in checks.OWN})
        made = super().partial(pool_slots=slots, **kwargs)
        for giver in (made.kwargs["dag"], made.kwargs["task_group"]):
            checks.check_defaults(getattr(giver, "default_args", None))
        made.kwargs.setdefault("pool", SPARK_POOL)
        return made

    @staticmethod
    def size_named(name: str) -> Size:
        """What the driver of a size asks for. Raises SparkPlatformError."""
        return driver.pod_size(read_platform().size(name))

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> k8s.V1Pod:
        """The driver's pod: the name follows from the task instance."""
        pod = super().build_pod_request_obj(context, dry_run=dry_run)
        pod.spec.active_deadline_seconds = followed.deadline_s(self.execution_timeout)
        try:
            arguments = checks.as_json(self.arguments)
        except TypeError as error:
            raise AirflowFailException(str(error)) from None
        return driver.complete(
            pod,
            ["--application", self.application, "--arguments", arguments],
            driver.spark_task(pod, self.size, read_platform(), context),
            self.connections,
            context,
        )

    def get_or_create_pod(self, pod_request_obj: k8s.V1Pod, context: Any) -> k8s.V1Pod:
        """The driver's pod, with its links on the task's page."""
        pod = super().get_or_create_pod(pod_request_obj, context)
        self._push_links(pod, context)
        return pod

    def _push_links(self, pod: k8s.V1Pod, context: Any) -> None:
        """A driver without links is better than none, so failures are only logged."""
        self.spark_history = history_url(read_platform().history_url, application_id(pod.metadata.uid))
        try:
            context["ti"].xcom_push(SparkUILink.xcom_key, ui_url(pod.metadata.name))
            context["ti"].xcom_push(SparkHistoryLink.xcom_key, self.spark_history)
        except Exception:
            self.log.exception("The links to Spark's pages could not be stored")

    def execute(self, context: Any) -> Any:
        """Run the driver to its end and give what the function returned."""
        super().execute(context)
        said = endings.ending(self.remote_pod, self.base_container_name)
        self.do_xcom_push = True  # for Airflow; while the pod ran, it would have meant a sidecar
        return said.result if isinstance(said, Success) else None

    def failure(self, error: AirflowException, remote_pod: k8s.V1Pod, context: Any) -> AirflowException:
        """What became of the driver, in plain words."""
        seen = self.pod_manager.seen  # where it could not be followed to its end, that is newer
        pod = seen if seen and seen.metadata.uid == remote_pod.metadata.uid else remote_pod
        cause = error.__context__ or error
        ended = self.ending_of(pod)
        found = ended or endings.lost_driver(cause, self._warnings(pod))
        if found.verdict.kind == "application" and not found.final:
            found = self._charge(found, context)
        if ended or endings.is_gone(cause):
            leave_record(pod, self.base_container_name, found.verdict)
        return as_error(found)

    def _charge(self, found: endings.Failure, context: Any) -> endings.Failure:
        """Count a failure against the application's budget, which begins anew when the task is cleared."""
        ti, store = context["ti"], context["task_state_store"]
        first_try = ti.max_tries - self.retries + 1
        before = store.get(APPLICATION_FAILURES) or {}
        count = before.get("count", 0) + 1 if before.get("first_try") == first_try else 1
        store.set(APPLICATION_FAILURES, {"first_try": first_try, "count": count})
        return endings.Failure(found.verdict, final=count > self.application_retries)

    def _warnings(self, pod: k8s.V1Pod) -> list[str]:
        """The events of a pod that speak of trouble."""
        try:
            events = self.pod_manager.read_pod_events(pod).items
        except ApiException as error:
            return [f"(its events cannot be read: {error.reason})"]
        return [f"{event.reason} {event.message}" for event in events if event.type == "Warning"]
