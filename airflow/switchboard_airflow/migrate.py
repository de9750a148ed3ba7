"""Bring the metadata database and its users to what this image and the settings say. Safe to run again.

`python -m switchboard_airflow.migrate USERS_FILE` with a JSON file of `{"name": {"role": "Admin",
"password": "..."}}`. Users that it made before and that the file no longer names are removed; people made
by hand stay.
"""

import json
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tenacity import before_sleep_log, retry, stop_after_delay, wait_fixed

log = logging.getLogger("migrate")

DATABASE_WAIT = timedelta(minutes=3)
"""Postgres replays its log after a crash before it answers."""

OURS = "@switchboard.invalid"
"""The e-mail domain that marks a user as ours: it can't be a person's."""


@dataclass(frozen=True)
class User:
    """Somebody whom the settings declare."""

    name: str
    role: str
    password: str

    @property
    def email(self) -> str:
        """An address that exists nowhere: Airflow wants one, unique."""
        return self.name + OURS


def read_users(path: Path) -> list[User]:
    """The declared users. Raises KeyError or ValueError for a file that isn't ours."""
    declared: Mapping[str, Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return [User(name, entry["role"], entry["password"]) for name, entry in declared.items()]


def surplus(existing: Iterable[tuple[str, str]], wanted: Iterable[User]) -> list[str]:
    """Which of the existing (name, e-mail) are ours and no longer wanted."""
    names = {user.name for user in wanted}
    return [name for name, email in existing if email.endswith(OURS) and name not in names]


@retry(
    stop=stop_after_delay(DATABASE_WAIT.total_seconds()),
    wait=wait_fixed(2),
    before_sleep=before_sleep_log(log, logging.INFO),
    reraise=True,
)
def wait_for_database() -> None:
    """Raises sqlalchemy's OperationalError when the database stays away for DATABASE_WAIT."""
    from sqlalchemy import text

    from airflow import settings

    engine = settings.get_engine()  # type: ignore[no-untyped-call]
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def migrate_schema() -> None:
    """`airflow db migrate`, in this process: starting Airflow once is enough."""
    from airflow.cli.cli_parser import get_parser

    arguments = get_parser().parse_args(["db", "migrate"])
    arguments.func(arguments)


def apply_users(users: list[User]) -> None:
    """Create, update and remove users. Raises LookupError for a role that Airflow doesn't know."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        for user in users:
            _apply(manager, user)
        known = [(person.username, person.email) for person in manager.get_all_users()]
        for name in surplus(known, users):
            manager.del_register_user(manager.find_user(name))
            log.info("user %s: removed, no longer declared", name)


def _apply(manager: Any, user: User) -> None:
    role = manager.find_role(user.role)
    if role is None:
        raise LookupError(f"user {user.name}: Airflow has no role {user.role!r}")
    person = manager.find_user(user.name)
    if person is None:
        manager.add_user(user.name, user.name, "Switchboard", user.email, role, password=user.password)
        log.info("user %s: created as %s", user.name, user.role)
        return
    person.roles = [role]
    manager.update_user(person)
    manager.reset_password(person.id, user.password)
    log.info("user %s: is %s", user.name, user.role)


def main() -> None:
    """Migrate, then apply the users."""
    users = read_users(Path(sys.argv[1]))
    wait_for_database()
    migrate_schema()
    logging.basicConfig(level=logging.INFO, force=True)
    logging.getLogger("airflow.providers.fab").setLevel(logging.WARNING)  # 200 lines of permissions
    apply_users(users)


if __name__ == "__main__":
    main()
