"""Why pods do not start, by Kubernetes' and registries' words."""

from __future__ import annotations

import pytest

from switchboard_spark.troubles import not_created, trouble_of
from tests.unit.spark.conftest import event, executor, waiting


@pytest.mark.parametrize(
    ("reason", "message", "kind"),
    [
        ("ErrImagePull", "failed to resolve reference: registry/x@sha256:1: not found", "refused"),
        ("ErrImagePull", "manifest unknown", "refused"),
        ("ErrImageNeverPull", "image is not present with pull policy of Never", "refused"),
        ("ErrImagePull", "pull access denied, repository does not exist", "denied"),
        ("ErrImagePull", "unexpected status from HEAD request: 403 Forbidden", "denied"),
        ("ErrImagePull", "failed to authorize: 401 Unauthorized", "denied"),
        ("InvalidImageName", "couldn't parse image reference", "refused"),
        ("ErrImagePull", "429 Too Many Requests: toomanyrequests: unauthenticated pull denied", "rate-limit"),
        ("ErrImagePull", "dial tcp 10.0.0.1:5000: connect: connection refused", "no-image"),
        ("ImagePullBackOff", "Back-off pulling image", "no-image"),
        ("CreateContainerConfigError", 'configmap "object-store" not found', "no-container"),
    ],
)
def test_a_pull_is_judged_by_its_words(reason: str, message: str, kind: str) -> None:
    trouble = trouble_of(waiting(reason, message))
    assert trouble is not None
    assert trouble.kind == kind
    assert message in trouble.message


def test_the_events_of_a_pull_say_what_its_state_does_not() -> None:
    backing_off = waiting("ImagePullBackOff", "Back-off pulling image")
    events = [event("Failed", "manifest unknown"), event("BackOff", "Back-off pulling image")]
    trouble = trouble_of(backing_off, events)
    assert trouble is not None
    assert (trouble.kind, trouble.message) == ("refused", "Failed: manifest unknown")


def test_events_about_something_else_do_not_speak_of_a_pull() -> None:
    events = [event("FailedMount", 'configmap "object-store" not found')]
    trouble = trouble_of(waiting("ErrImagePull", "connection refused"), events)
    assert trouble is not None
    assert (trouble.kind, trouble.message) == ("no-image", "ErrImagePull: connection refused")


def test_a_pull_under_way_is_no_trouble_however_long_it_takes() -> None:
    mounted = event("FailedMount", "timed out waiting for the condition")
    assert not_created([mounted, event("Pulling", "Pulling image", "Normal")], 5000) is None
    pulled = [mounted, event("Pulling", kind="Normal"), event("Pulled", kind="Normal")]
    trouble = not_created(pulled, 600)
    assert trouble is not None
    assert trouble.message == (
        "it has had a node for 600 s, but no container: FailedMount: timed out waiting for the condition"
    )
    assert not_created([], 600) is not None


def test_a_start_without_trouble_is_none() -> None:
    assert trouble_of(waiting("ContainerCreating")) is None
    assert trouble_of(executor(phase="Pending")) is None
