"""The DAG repository's server, with the passwords of its two users."""

import pulumi

from infra.platform.components.register import register_all
from infra.platform.components.secrets import GeneratedSecret
from infra.platform.context import GitContext
from infra.platform.manifests.git_server import SECRET, git_namespace, git_server
from infra.platform.manifests.objects import secret
from infra.platform.names import GIT_READER, GIT_WRITER


class DagRepository(pulumi.ComponentResource):
    """One bare repository behind HTTP."""

    def __init__(self, context: GitContext, provider: pulumi.ProviderResource) -> None:
        super().__init__("switchboard:platform:DagRepository", context.namespace, opts=None)
        own = pulumi.ResourceOptions(parent=self)
        self.push_url = f"{context.entrance.url.rstrip('/')}/dags.git"
        self.writer_password = GeneratedSecret(f"{context.namespace}/{GIT_WRITER}", "token", own).value
        self.reader_password = GeneratedSecret(f"{context.namespace}/{GIT_READER}", "token", own).value
        users = {GIT_WRITER: self.writer_password, GIT_READER: self.reader_password}
        namespace = register_all([git_namespace(context)], self, provider)
        objects = [secret(SECRET, context.namespace, None, users), *git_server(context)]
        self.resources = register_all(objects, self, provider, namespace)
        self.register_outputs({})
