"""What becomes of resources, and in which order: no plugin, no program."""

import threading

import pytest

from infra.offline.markers import UNKNOWN
from infra.offline.pulumi_engine.decisions import Goal, decide, ignoring
from infra.offline.pulumi_engine.deletion import delete_all, dependents_to_replace, ready
from infra.offline.pulumi_engine.display import difference
from infra.offline.pulumi_engine.kinds import Diff
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, StoppedError


def made(name: str, *needs: str, **more: object) -> Resource:
    resource = Resource(f"urn:pulumi:s::p::t:t:T::{name}", "t:t:T", custom=True)
    resource.dependencies = [f"urn:pulumi:s::p::t:t:T::{it}" for it in needs]
    resource.propertyDependencies = {"of": list(resource.dependencies)}
    vars(resource).update(more)
    return resource


def named(resources: list[Resource]) -> list[str]:
    return [item.name for item in resources]


@pytest.mark.parametrize(
    ("diff", "errors", "first", "wanted"),
    [
        (Diff(changes=False), [], None, "same"),
        (Diff(changes=True), [], None, "update"),
        (Diff(changes=False), ["not ready"], None, "update"),
        (Diff(changes=True, replaces=["a"]), [], None, "replace"),
        (Diff(changes=True, replaces=["a"], delete_first=True), [], None, "delete-first"),
        (Diff(changes=True, replaces=["a"], delete_first=True), [], False, "replace"),
        (Diff(changes=True, replaces=["a"]), [], True, "delete-first"),
    ],
)
def test_what_an_existing_resource_needs(
    diff: Diff, errors: list[str], first: bool | None, wanted: str
) -> None:
    assert decide(diff, made("a", initErrors=errors), Goal(made("a"), delete_first=first)) == wanted


@pytest.mark.parametrize(
    ("watched", "wanted"), [("spec", "replace"), ("spec.a", "replace"), ("*", "replace"), ("sp", "update")]
)
def test_a_program_may_want_a_replacement(watched: str, wanted: str) -> None:
    goal = Goal(made("a", replaceOnChanges=[watched]))
    assert decide(Diff(changes=True, paths=["spec.a[0]"]), made("a"), goal) == wanted
    assert decide(Diff(changes=False), made("a"), goal) == "same"


def test_ignored_changes_keep_what_was() -> None:
    old, new = {"a": 1, "b": {"c": 1, "d": 1}}, {"a": 2, "b": {"c": 2, "d": 2}, "e": 2}
    assert ignoring(new, old, ["a", "b.c", "e"]) == {"a": 1, "b": {"c": 1, "d": 2}}
    with pytest.raises(EngineError, match=r"ignore_changes: 'a\[0\]'"):
        ignoring(new, old, ["a[0]"])


def test_nothing_goes_before_what_needs_it() -> None:
    gone: list[str] = []
    lock = threading.Lock()

    def remove(item: Resource) -> None:
        with lock:
            gone.append(item.name)

    resources = [made("a"), made("b", "a"), made("c", "a"), made("d", "b", "c"), made("e")]
    assert named(ready(resources)) == ["d", "e"]
    delete_all(resources, remove, lambda *_: None)
    assert gone.index("d") < min(gone.index("b"), gone.index("c"))
    assert gone.index("a") > max(gone.index("b"), gone.index("c"))
    assert sorted(gone) == ["a", "b", "c", "d", "e"]


def test_what_a_failed_deletion_needs_stays() -> None:
    gone, told = list[str](), list[str]()

    def remove(item: Resource) -> None:
        if item.name == "b":
            raise EngineError("it is in use")
        gone.append(item.name)

    with pytest.raises(EngineError, match="2 of 2 resources could not be deleted"):
        delete_all([made("a"), made("b", "a")], remove, lambda item, why: told.append(f"{item.name}: {why}"))
    assert (gone, told) == ([], ["b: it is in use"])


def test_a_cancelled_deletion_is_no_error_of_its_own() -> None:
    def remove(_: Resource) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        delete_all([made("a")], remove, lambda *_: pytest.fail("nothing failed"))


def test_an_old_copy_goes_before_the_plugin_that_made_it() -> None:
    provider = Resource("urn:pulumi:s::p::pulumi:providers:k::it", "pulumi:providers:k", custom=True, id="1")
    other = made("a", provider=f"{provider.urn}::2")
    ours = made("b", provider=provider.ref)
    assert named(ready([provider, other])) == ["it", "a"]
    assert named(ready([provider, ours])) == ["b"]


def test_dependents_go_along_only_if_they_cannot_stay() -> None:
    root, near, far, other = made("root"), made("near", "root"), made("far", "near"), made("other", "root")
    asked: list[dict[str, object]] = []

    def must_go(item: Resource, unknown: dict[str, object]) -> bool:
        asked.append(unknown)
        return item.name != "other"

    found = dependents_to_replace(root, [root, near, far, other, made("apart")], must_go)
    assert named(found) == ["near", "far"]
    assert asked == [{"of": UNKNOWN}] * 3


def test_a_difference_is_told_line_by_line() -> None:
    old = {"replicas": 5, "labels": {"a": "b"}, "list": [1, 2], "gone": True}
    new = {"replicas": 2, "labels": {"a": "b", "c": "d"}, "list": [1, 3]}
    assert list(difference(old, new, 2)) == [
        "~ replicas: 5 => 2",
        "~ labels:",
        '    + c: "d"',
        "~ list:",
        "    ~ [1]: 2 => 3",
        "- gone: true",
    ]
