"""The cluster program: settings -> the environment -> its outputs."""

import pulumi

from infra.cluster.engine import choose_engine
from infra.cluster.local import LocalEnvironment
from infra.cluster.settings import load
from infra.shared.paths import Paths

env = pulumi.get_stack()
paths = Paths.of(env)
choice = choose_engine(paths)
pulumi.log.info(str(choice))
environment = LocalEnvironment(env, load(env), choice.engine, paths)
pulumi.export("cluster", environment.outputs)
