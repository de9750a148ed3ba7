"""One team's Airflow: database, migration, processes, in the order in which they can start."""

import hashlib
import json
from dataclasses import dataclass

import pulumi

from infra.platform.components.register import register_all
from infra.platform.components.secrets import GeneratedSecret, Kind
from infra.platform.context import AirflowContext
from infra.platform.manifests import Object, access, airflow, airflow_config, postgres
from infra.platform.manifests.object_store import object_store
from infra.platform.manifests.objects import namespace, secret
from infra.platform.manifests.spark import spark_access
from infra.platform.manifests.spark_history import spark_history
from infra.platform.manifests.warehouse import CONNECTION_SECRET, URI_KEY, WAREHOUSE, warehouse, warehouse_uri
from infra.platform.manifests.worker import worker_template
from infra.platform.names import RECONCILER


@dataclass(frozen=True)
class Passwords:
    """What the deployment's Secrets hold, made once."""

    database: pulumi.Output[str]
    fernet: pulumi.Output[str]
    jwt: pulumi.Output[str]
    session: pulumi.Output[str]
    users: dict[str, pulumi.Output[str]]
    git_reader: pulumi.Output[str]
    warehouse: dict[str, pulumi.Output[str]]
    """Of `admin`, who may do everything, and of the database's `owner`; empty where there is none."""


class AirflowDeployment(pulumi.ComponentResource):
    """Everything in the team's namespace."""

    def __init__(
        self,
        context: AirflowContext,
        git_reader_password: pulumi.Output[str],
        provider: pulumi.ProviderResource,
    ) -> None:
        super().__init__("switchboard:platform:AirflowDeployment", context.namespace, opts=None)
        self._context, self._kubernetes = context, provider
        self.namespace = context.namespace
        self.passwords = self._make_passwords(git_reader_password)
        basis = self._register([namespace(context.namespace, context.team)])
        basis += self._register(self._configuration(), basis)
        basis += self._register(_secrets(context, self.passwords), basis)
        database = self._register(postgres.postgres(context), basis)
        migrated = self._register([airflow.migration(context, _users_digest(context))], [*basis, *database])
        processes = [
            *airflow.api_server(context),
            *airflow.scheduler(context),
            *airflow.dag_processor(context),
            *airflow.triggerer(context),
            *airflow.reconciler(context),
        ]
        self._register(processes, [*basis, *migrated])
        self._register([*spark_history(context), *warehouse(context)], basis)
        self.url = context.entrance.url
        self.admin = context.settings.admin
        self.admin_password = self.passwords.users[self.admin]
        self.register_outputs({})

    def _register(
        self, items: list[Object], after: list[pulumi.Resource] | None = None
    ) -> list[pulumi.Resource]:
        return register_all(items, self, self._kubernetes, after or [])

    def _make_passwords(self, git_reader: pulumi.Output[str]) -> Passwords:
        def make(name: str, kind: Kind = "token") -> pulumi.Output[str]:
            options = pulumi.ResourceOptions(parent=self)
            return GeneratedSecret(f"{self._context.namespace}/{name}", kind, options).value

        return Passwords(
            database=make("database"),
            fernet=make("fernet", "fernet"),
            jwt=make("jwt", "signing"),
            session=make("session", "signing"),
            users={name: make(f"user-{name}") for name in (*self._context.settings.users, RECONCILER)},
            git_reader=git_reader,
            warehouse={
                role: make(f"warehouse-{role}")
                for role in ("admin", "owner")
                if self._context.settings.warehouse
            },
        )

    def _configuration(self) -> list[Object]:
        context = self._context
        return [
            *access.accounts(context),
            *access.roles(context),
            *access.network_policies(context),
            *spark_access(context),
            *object_store(context),
            airflow_config.aws(context),
            airflow_config.config(context),
            airflow_config.pools(context),
            worker_template(context),
        ]


def _secrets(context: AirflowContext, passwords: Passwords) -> list[Object]:
    url = passwords.database.apply(postgres.database_url)
    roles = {name: user.role for name, user in context.settings.users.items()} | {RECONCILER: "Reconciler"}
    users = pulumi.Output.all(**passwords.users).apply(
        lambda known: json.dumps(
            {name: {"role": roles[name], "password": known[name]} for name in sorted(known)}
        )
    )
    contents: dict[str, dict[str, pulumi.Input[str]]] = {
        postgres.SECRET: {postgres.PASSWORD_KEY: passwords.database, postgres.URL_KEY: url},
        airflow_config.KEYS: {
            airflow_config.FERNET_KEY: passwords.fernet,
            airflow_config.JWT_KEY: passwords.jwt,
            airflow_config.SESSION_KEY: passwords.session,
        },
        airflow_config.GIT: {airflow_config.GIT_PASSWORD_KEY: passwords.git_reader},
        airflow.USERS: {"users.json": users},
        airflow.RECONCILER_SECRET: {
            "password": passwords.users[RECONCILER],
            "connections.json": pulumi.Output.secret(airflow_config.connections_json(context)),
        },
    }
    contents |= _warehouse_secrets(passwords.warehouse)
    return [secret(name, context.namespace, context.team, values) for name, values in contents.items()]


def _warehouse_secrets(passwords: dict[str, pulumi.Output[str]]) -> dict[str, dict[str, pulumi.Input[str]]]:
    """The server's own, and the one that drivers get whose task asked for it."""
    if not passwords:
        return {}
    return {
        WAREHOUSE.secret: {
            postgres.PASSWORD_KEY: passwords["admin"],
            postgres.OWNER_PASSWORD_KEY: passwords["owner"],
        },
        CONNECTION_SECRET: {URI_KEY: passwords["owner"].apply(warehouse_uri)},
    }


def _users_digest(context: AirflowContext) -> str:
    """Changes with names and roles; passwords never change."""
    users = {name: user.role for name, user in context.settings.users.items()}
    return hashlib.sha256(json.dumps(users, sort_keys=True).encode()).hexdigest()
