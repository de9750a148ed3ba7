"""The database image: made once, kept over restarts and kills, closed to who doesn't know the password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from tests.integration.images.containers import Docker, log_of, run_in, until

pytestmark = pytest.mark.integration

PASSWORD = 'it\'s "odd" $HOME \\n %s'
OWNER = 'who\'s "own"'


class Database:
    """One volume and whatever server runs on it."""

    def __init__(self, containers: Docker, image: str) -> None:
        self._containers, self._image, self.volume = containers, image, containers.volume()

    def start(self, password: str = PASSWORD, owner: Path | None = None, **environment: str) -> Container:
        """`owner`: the file with the owner's password, if there is an owner."""
        mounts = {self.volume: {"bind": "/var/lib/postgresql/data", "mode": "rw"}}
        if owner:
            mounts[str(owner)] = {"bind": "/owner", "mode": "ro"}
            environment |= {"POSTGRES_OWNER": OWNER, "POSTGRES_OWNER_PASSWORD_FILE": "/owner"}
        server = self._containers.start(
            self._image,
            *("-c", "shared_buffers=32MB", "-c", "max_connections=20"),
            environment={
                "POSTGRES_USER": "airflow",
                "POSTGRES_DB": "meta-data",
                "POSTGRES_PASSWORD": password,
                **environment,
            },
            volumes=mounts,
            mem_limit="256m",
        )
        until(lambda: run_in(server, "pg_isready", "-q", "-h", "127.0.0.1")[0] == 0)
        return server


def query(
    server: Container, sql: str, password: str = PASSWORD, host: str = "127.0.0.1", user: str = "airflow"
) -> tuple[int, str]:
    command = ("psql", "-h", host, "-U", user, "-d", "meta-data", "-v", "ON_ERROR_STOP=1", "-Atc", sql)
    status, output = run_in(server, *command, PGPASSWORD=password)
    return status, output.strip()


@pytest.fixture
def database(containers: Docker, built: dict[str, str]) -> Database:
    return Database(containers, built["postgres"])


def test_made_at_first_start_and_kept_over_a_restart(database: Database) -> None:
    server = database.start()
    assert query(server, "create table kept as select 41 + 1 as answer")[0] == 0
    assert query(server, "show server_encoding") == (0, "UTF8")
    assert query(server, "show data_checksums") == (0, "on")
    assert query(server, "show shared_buffers") == (0, "32MB")
    server.stop(timeout=20)
    server.reload()
    assert server.attrs["State"]["ExitCode"] == 0
    assert "database system is shut down" in log_of(server)
    again = database.start()
    assert query(again, "select answer from kept") == (0, "42")
    log = log_of(again)
    assert "making a new database cluster" not in log
    assert "recovery" not in log


@pytest.mark.parametrize("host", ["127.0.0.1", "/tmp"])
def test_wrong_password_is_refused(database: Database, host: str) -> None:
    server = database.start()
    assert query(server, "select 1", host=host) == (0, "1")
    status, output = query(server, "select 1", password="wrong", host=host)
    assert status != 0
    assert "password authentication failed" in output
    assert query(server, "select left(rolpassword, 13) from pg_authid where rolname = 'airflow'") == (
        0,
        "SCRAM-SHA-256",
    )


def test_password_is_in_no_environment_argument_or_log(database: Database) -> None:
    server = database.start()
    seen = run_in(server, "sh", "-c", "cat /proc/1/environ /proc/[0-9]*/cmdline; ls /tmp")[1] + log_of(server)
    assert PASSWORD not in seen
    assert "password" not in seen.lower()


def test_changed_password_counts_from_the_next_start(database: Database) -> None:
    database.start().stop(timeout=20)
    server = database.start(password="another")
    assert query(server, "select 1", password="another") == (0, "1")
    assert query(server, "select 1")[0] != 0


def test_an_owner_has_the_database_and_nothing_else(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "owner"
    file.write_text(PASSWORD[::-1])
    file.chmod(0o444)
    server = database.start(owner=file)
    own = {"user": OWNER, "password": PASSWORD[::-1]}
    assert query(server, "create table kept as select 42 as answer", **own)[0] == 0
    rights = "select rolsuper, rolcreaterole from pg_roles where rolname = current_user"
    assert query(server, rights, **own) == (0, "f|f")
    assert query(server, "select 1", user=OWNER, password=PASSWORD)[0] != 0
    assert PASSWORD[::-1] not in run_in(server, "sh", "-c", "cat /proc/1/environ")[1] + log_of(server)
    server.stop(timeout=20)
    file.chmod(0o644)
    file.write_text("another")
    again = database.start(owner=file)
    assert query(again, "select answer from kept", user=OWNER, password="another") == (0, "42")


def test_an_owner_without_a_password_is_an_error_that_says_so(
    containers: Docker, built: dict[str, str]
) -> None:
    given = {"POSTGRES_PASSWORD": PASSWORD, "POSTGRES_OWNER": OWNER}
    status, output = containers.once(built["postgres"], environment=given)
    assert status != 0
    assert "POSTGRES_OWNER_PASSWORD_FILE" in output


def test_killed_server_heals_in_a_new_container(database: Database) -> None:
    server = database.start()
    assert query(server, "create table kept as select generate_series(1, 1000) as n")[0] == 0
    server.kill("SIGKILL")
    server.wait(timeout=10)
    # The stale postmaster.pid names process 1, which exists again.
    again = database.start()
    assert query(again, "select count(*) from kept") == (0, "1000")


def test_two_servers_never_share_a_volume(
    database: Database, containers: Docker, built: dict[str, str]
) -> None:
    first = database.start()
    second = containers.start(
        built["postgres"],
        environment={"POSTGRES_USER": "airflow", "POSTGRES_DB": "meta-data", "POSTGRES_PASSWORD": PASSWORD},
        volumes={database.volume: {"bind": "/var/lib/postgresql/data", "mode": "rw"}},
    )
    assert query(first, "select 1") == (0, "1")
    assert run_in(second, "pg_isready", "-q", "-h", "127.0.0.1")[0] != 0
    first.stop(timeout=20)
    # It waited for the first one, as a replacement pod does.
    until(lambda: run_in(second, "pg_isready", "-q", "-h", "127.0.0.1")[0] == 0)
    assert query(second, "select 1") == (0, "1")


def test_initialisation_that_was_cut_off_begins_anew(
    database: Database, containers: Docker, built: dict[str, str]
) -> None:
    half = "mkdir -p /d/.fresh/base && echo 15 >/d/.fresh/PG_VERSION"
    mount: dict[str, Any] = {database.volume: {"bind": "/d", "mode": "rw"}}
    assert containers.once(
        built["postgres"],
        "-c",
        f"chown 10001 /d; {half}",
        entrypoint="sh",
        volumes=mount,
        user="0",
        cap_drop=[],
    ) == (0, "")
    containers.once(
        built["postgres"], "-c", "chown -R 10001 /d", entrypoint="sh", volumes=mount, user="0", cap_drop=[]
    )
    assert query(database.start(), "select 1") == (0, "1")


def test_no_password_is_an_error_that_says_so(containers: Docker, built: dict[str, str]) -> None:
    status, output = containers.once(built["postgres"])
    assert status == 2
    assert "POSTGRES_PASSWORD_FILE" in output
