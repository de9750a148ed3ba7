"""The local environment's parts as Pulumi resources.

Providers are pickled into the state and run in a process of their own, so they stay thin: each takes its
whole specification as one JSON string, and hands it to plain functions. Every `create` takes over what it
finds, so that one that was cut off can be repeated; every `read` answers an empty id for what is gone or
sick, so that `pulumi up --refresh` makes it again.
"""

import json
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

Props = dict[str, Any]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class _Provider(ResourceProvider):
    """Anything that has changed is replaced, the old one first: two can't stand at one name and port."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        changed = _olds.get("spec") != _news.get("spec")
        return DiffResult(changes=changed, replaces=["spec"] if changed else [], delete_before_replace=True)


class NetworkProvider(_Provider):
    """Containers' own network."""

    def create(self, props: Props) -> CreateResult:
        from infra.cluster.containers import Network, ensure_network

        spec = Network(**json.loads(props["spec"]))
        ensure_network(spec)
        return CreateResult(spec.name, dict(props))

    def read(self, id_: str, props: Props) -> ReadResult:
        from infra.cluster.containers import Network, network_is_there

        there = network_is_there(Network(**json.loads(props["spec"])))
        return ReadResult(id_ if there else "", props)

    def delete(self, _id: str, _props: Props) -> None:
        from infra.cluster.containers import Network, delete_network

        delete_network(Network(**json.loads(_props["spec"])))


class ServiceProvider(_Provider):
    """A container beside the cluster."""

    def create(self, props: Props) -> CreateResult:
        from infra.cluster.containers import Service, is_running, start

        spec = Service(**json.loads(props["spec"]))
        if not is_running(spec):
            start(spec)
        return CreateResult(spec.name, dict(props))

    def read(self, id_: str, props: Props) -> ReadResult:
        from infra.cluster.containers import Service, is_running

        running = is_running(Service(**json.loads(props["spec"])))
        return ReadResult(id_ if running else "", props)

    def delete(self, _id: str, _props: Props) -> None:
        from infra.cluster.containers import remove

        spec = json.loads(_props["spec"])
        remove(spec["engine"], spec["name"])


class ClusterProvider(_Provider):
    """A kind cluster."""

    def create(self, props: Props) -> CreateResult:
        from infra.cluster import kind_cli

        cluster = kind_cli.Cluster(**json.loads(props["spec"]))
        kubeconfig = kind_cli.ensure(cluster, _say)
        return CreateResult(cluster.name, {**props, "kubeconfig": kubeconfig})

    def read(self, id_: str, props: Props) -> ReadResult:
        from infra.cluster import kind_cli

        if (reason := kind_cli.problem(kind_cli.Cluster(**json.loads(props["spec"])))) is None:
            return ReadResult(id_, props)
        _say(f"cluster {id_}: {reason}")
        return ReadResult("", props)

    def delete(self, _id: str, _props: Props) -> None:
        from infra.cluster import kind_cli

        kind_cli.delete(kind_cli.Cluster(**json.loads(_props["spec"])))


class FolderProvider(_Provider):
    """A folder of data. It outlives the containers that use it, and the stack if KEEP_DATA is set."""

    def create(self, props: Props) -> CreateResult:
        Path(props["spec"]).mkdir(parents=True, exist_ok=True)
        return CreateResult(props["spec"], dict(props))

    def read(self, id_: str, props: Props) -> ReadResult:
        return ReadResult(id_ if Path(id_).is_dir() else "", props)

    def delete(self, _id: str, _props: Props) -> None:
        if not os.environ.get("KEEP_DATA"):
            shutil.rmtree(_props["spec"], ignore_errors=False)


class AccessKeysProvider(_Provider):
    """A key pair of the object store, made once."""

    def create(self, props: Props) -> CreateResult:
        keys = {
            "access_key_id": secrets.token_hex(10).upper(),
            "secret_access_key": secrets.token_urlsafe(30),
        }
        return CreateResult(props["spec"], {**props, **keys})


class BucketProvider(_Provider):
    """A bucket. Its objects outlive it: they go with the store's folder."""

    def create(self, props: Props) -> CreateResult:
        from infra.cluster import buckets

        spec = buckets.Bucket(**json.loads(props["spec"]))
        buckets.ensure(spec)
        return CreateResult(spec.name, dict(props))

    def read(self, id_: str, props: Props) -> ReadResult:
        from infra.cluster import buckets

        there = buckets.exists(buckets.Bucket(**json.loads(props["spec"])))
        return ReadResult(id_ if there else "", props)


def _options(
    opts: pulumi.ResourceOptions | None, secret: list[str] | None = None, minutes: int = 5
) -> pulumi.ResourceOptions:
    timeouts = pulumi.CustomTimeouts(create=f"{minutes}m", delete="5m")
    ours = pulumi.ResourceOptions(additional_secret_outputs=secret, custom_timeouts=timeouts)
    return pulumi.ResourceOptions.merge(ours, opts)


class ContainerNetwork(Resource, module="switchboard", name="ContainerNetwork"):
    """See NetworkProvider. `spec`: a `containers.Network` as JSON."""

    def __init__(
        self, name: str, spec: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(NetworkProvider(), name, {"spec": spec}, _options(opts))


class ServiceContainer(Resource, module="switchboard", name="ServiceContainer"):
    """See ServiceProvider. `spec`: a `containers.Service` as JSON."""

    def __init__(
        self, name: str, spec: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(ServiceProvider(), name, {"spec": spec}, _options(opts, minutes=15))


class KindCluster(Resource, module="switchboard", name="KindCluster"):
    """See ClusterProvider. `spec`: a `kind_cli.Cluster` as JSON."""

    kubeconfig: pulumi.Output[str]

    def __init__(
        self, name: str, spec: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"spec": spec, "kubeconfig": None}
        super().__init__(ClusterProvider(), name, props, _options(opts, ["kubeconfig"], minutes=20))


class DataFolder(Resource, module="switchboard", name="DataFolder"):
    """See FolderProvider."""

    def __init__(
        self, name: str, path: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(FolderProvider(), name, {"spec": path}, _options(opts))


class AccessKeys(Resource, module="switchboard", name="AccessKeys"):
    """See AccessKeysProvider."""

    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"spec": name, "access_key_id": None, "secret_access_key": None}
        super().__init__(
            AccessKeysProvider(), name, props, _options(opts, ["access_key_id", "secret_access_key"])
        )


class Bucket(Resource, module="switchboard", name="Bucket"):
    """See BucketProvider. `spec`: a `buckets.Bucket` as JSON."""

    def __init__(
        self, name: str, spec: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(BucketProvider(), name, {"spec": spec}, _options(opts))
