"""A look at all resources: the state is made to say what is there."""

from concurrent.futures import ThreadPoolExecutor

from infra.offline.pulumi_engine.deletion import PARALLEL
from infra.offline.pulumi_engine.deployment import Deployment, StoppedError
from infra.offline.pulumi_engine.display import Op
from infra.offline.pulumi_engine.kinds import InitError
from infra.offline.pulumi_engine.resource import Resource
from infra.offline.pulumi_engine.values import EngineError, plain, secret


def refresh(deployment: Deployment, *, count: bool) -> None:
    """Look at every resource, side by side. `count`: changes are what this run is about.

    Raises EngineError where one could not be looked at.
    """
    state = deployment.state
    looked_at = [item for item in state.resources if item.custom and not (item.is_provider or item.external)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        gone = set(pool.map(lambda item: _look(deployment, item, count=count), looked_at)) - {None}
    if deployment.failed or deployment.stopped.is_set():
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
                deployment.display.done("same", item)


def _look(deployment: Deployment, item: Resource, *, count: bool) -> Resource | None:
    """The resource, if it is gone."""
    display = deployment.display
    try:
        with deployment.working(), display.step("refresh", item):
            try:
                found = deployment.kind(item).read(item)
                errors: list[str] = []
            except InitError as error:
                found, errors = (error.id, error.inputs, error.outputs), error.reasons
        if found is None:
            display.done("delete", item, count=count)
            return item
        identity, inputs, outputs = found
        marked = item.additionalSecretOutputs
        outputs = {key: secret(plain(it)) if key in marked else it for key, it in outputs.items()}
        op: Op = "same" if outputs == item.outputs else "update"
        item.id, item.outputs, item.initErrors = identity, outputs, errors
        item.inputs = item.inputs if inputs is None else inputs
        if count:
            display.done(op, item)
    except StoppedError:
        pass
    except EngineError as error:
        deployment.fail(item.urn, str(error))
    return None
