"""A look at all resources: the state is made to say what is there."""

from concurrent.futures import ThreadPoolExecutor

from infra.offline.pulumi_engine.deletion import PARALLEL
from infra.offline.pulumi_engine.display import Op
from infra.offline.pulumi_engine.kinds import InitError
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.run import Run
from infra.offline.pulumi_engine.values import EngineError, StoppedError


def refresh(run: Run, *, count: bool) -> None:
    """Look at every resource, side by side. `count`: changes are what this run is about.

    Raises EngineError where one could not be looked at.
    """
    state = run.state
    looked_at = [item for item in state.resources if item.custom and not (item.is_provider or item.external)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        gone = set(pool.map(lambda item: _look(run, item, count=count), looked_at)) - {None}
    if run.failed or run.stopped.is_set():
        raise EngineError("not all resources could be looked at")
    for item in [item for item in looked_at if item in gone]:
        state.drop(item, save=False)
    names = {item.urn for item in gone if item} - {item.urn for item in state.resources}
    for item in state.resources:
        item.forget(names)
    state.changed(*state.resources)
    if count:
        for item in state.resources:
            if item not in looked_at:
                run.display.done("same", item)


def _look(run: Run, item: Resource, *, count: bool) -> Resource | None:
    """The resource, if it is gone."""
    display = run.display
    try:
        with run.working(), display.step("refresh", item):
            try:
                found = run.kind(item).read(item)
                errors: list[str] = []
            except InitError as error:
                found, errors = (error.id, error.inputs, error.outputs), error.reasons
        if found is None:
            display.done("delete", item, count=count)
            return item
        identity, inputs, outputs = found
        outputs = item.marked(outputs)
        op: Op = "same" if outputs == item.outputs else "update"
        item.id, item.outputs, item.initErrors = identity, outputs, errors
        item.inputs = item.inputs if inputs is None else inputs
        if count:
            display.done(op, item)
    except StoppedError:
        pass
    except EngineError as error:
        run.fail(item.urn, str(error))
    return None
