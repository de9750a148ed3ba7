"""In which order resources go: nothing before what needs it, and otherwise side by side."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from infra.offline.markers import UNKNOWN
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, Props, StoppedError

PARALLEL = 16
"""Steps at once."""


def ready(left: list[Resource]) -> list[Resource]:
    """Those of the resources that none of the others needs."""
    return [item for item in left if not any(_needs(other, item) for other in left if other is not item)]


def _needs(one: Resource, other: Resource) -> bool:
    if other.is_provider and other.urn == one.provider.rpartition("::")[0]:
        return one.provider == other.ref  # not the one that took its place
    return other.urn in one.needs() and one.urn != other.urn


def delete_all(
    doomed: list[Resource], remove: Callable[[Resource], None], failed: Callable[[Resource, str], None]
) -> None:
    """Remove them all. What one needs that could not be removed stays too.

    Raises EngineError if any could not be removed, StoppedError if no more was to be begun.
    """
    left, begun, errors = list(doomed), dict[Future[None], Resource](), list[BaseException]()
    with ThreadPoolExecutor(PARALLEL) as pool:
        while True:
            waiting = [item for item in ready(left) if item not in begun.values()]
            if not errors:
                begun |= {pool.submit(remove, item): item for item in waiting}
            if not begun:
                break
            done, _ = wait(begun, return_when=FIRST_COMPLETED)
            for future in done:
                item = begun.pop(future)
                error = future.exception()
                if error is None:
                    left.remove(item)
                    continue
                errors.append(error)
                if not isinstance(error, StoppedError):
                    failed(item, str(error) if isinstance(error, EngineError) else repr(error))
    if errors and all(isinstance(error, StoppedError) for error in errors):
        raise StoppedError
    if left:
        raise EngineError(f"{len(left)} of {len(doomed)} resources could not be deleted")


def dependents_to_replace(
    root: Resource, resources: list[Resource], must_go: Callable[[Resource, Props], bool]
) -> list[Resource]:
    """What has to go when one resource goes before its successor is there.

    `resources` in an order in which nothing comes before what it needs; `must_go` tells whether a resource
    is replaced when the given inputs of it change.
    """
    names, found = {root.urn}, list[Resource]()
    for item in resources:
        if item is root or not item.custom or item.external:
            continue
        changing = {key for key, urns in item.propertyDependencies.items() if names & set(urns)}
        unknown: Props = dict.fromkeys(changing, UNKNOWN)
        if item.provider.rpartition("::")[0] in names or (changing and must_go(item, unknown)):
            names.add(item.urn)
            found.append(item)
    return found
