"""Building, pushing and pinning small images with the real Docker and a real registry."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.images.build import BASE_VARIABLE, BuildError, build_all, push_all
from ops.images.engine import Engine
from ops.images.registry import Registry
from ops.images.spec import ImageError
from tests.integration.images.containers import until
from tests.support.ports import free_port
from tests.support.waiting import ANSWER_S

pytestmark = pytest.mark.integration

DOCKERFILE = "ARG PARENT\nFROM ${PARENT}\nCOPY note /note\n"


class Folders:
    """Image folders under names that nothing else has, standing on the project's base image."""

    def __init__(self, root: Path) -> None:
        self.root, self.mark = root, secrets.token_hex(4)

    def name(self, short: str) -> str:
        return f"test-{self.mark}-{short}"

    def add(self, short: str, parent: str | None = None, dockerfile: str = DOCKERFILE) -> None:
        folder = self.root / self.name(short)
        folder.mkdir()
        (folder / "image.toml").write_text(f'parent = "{self.name(parent)}"\n' if parent else "")
        (folder / "Dockerfile").write_text(dockerfile)
        (folder / "note").write_text(f"{self.mark} {short}")


@pytest.fixture
def folders(tmp_path: Path, built: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Folders]:
    # The public base of the setting is, for once, our own.
    monkeypatch.setenv(BASE_VARIABLE, built["base"])
    made = Folders(tmp_path)
    yield made
    client = Engine().client
    for image in client.images.list(filters={"reference": f"*/*{made.mark}*"}):
        client.images.remove(str(image.id), force=True)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    program = shutil.which("docker-registry")
    assert program, "docker-registry is missing; `make tools` installs it"
    port = free_port()
    folder = tmp_path_factory.mktemp("registry")
    storage = {"filesystem": {"rootdirectory": str(folder)}}
    config = {"version": 0.1, "storage": storage, "http": {"addr": f"127.0.0.1:{port}"}}
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    made = Registry(f"localhost:{port}")

    def up() -> bool:
        try:
            made.check()
        except ImageError:
            return False
        return True

    until(up)
    yield made
    process.terminate()
    process.wait(timeout=60)


def test_builds_what_changed_and_only_that(folders: Folders) -> None:
    folders.add("root")
    folders.add("leaf", "root")
    folders.add("other", "root")
    first = build_all(root=folders.root)
    assert [image.fresh for image in first] == [True] * 3
    again = build_all(root=folders.root)
    assert [image.fresh for image in again] == [False] * 3
    (folders.root / folders.name("leaf") / "note").write_text("changed")
    third = build_all(root=folders.root)
    assert [image.recipe.name for image in third if image.fresh] == [folders.name("leaf")]


def test_a_failing_build_shows_its_end_and_the_others_finish(folders: Folders) -> None:
    folders.add("good")
    folders.add("bad", dockerfile="ARG PARENT\nFROM ${PARENT}\nRUN echo just before; exit 7\n")
    folders.add("on-bad", "bad")
    said: list[str] = []
    with pytest.raises(BuildError) as caught:
        build_all(root=folders.root, report=said.append)
    message = str(caught.value)
    assert "just before" in message
    assert f"{folders.name('bad')}.log" in message
    assert f"{folders.name('on-bad')}: not built, since {folders.name('bad')} failed" in message
    assert [image.recipe.name for image in caught.value.built] == [folders.name("good")]
    assert f"{folders.name('bad')}: failed" in said


def test_push_skips_what_is_there_and_pins_by_digest(folders: Folders, registry: Registry) -> None:
    folders.add("root")
    folders.add("leaf", "root")
    built = build_all(root=folders.root)
    pushed = push_all(built, registry)
    assert [image.fresh for image in pushed] == [True, True]
    for image in pushed:
        name, digest = image.image.removeprefix(f"{registry.host}/").split("@")
        answer = httpx.get(f"http://{registry.host}/v2/{name}/manifests/{digest}", timeout=ANSWER_S)
        assert answer.status_code == 200
        assert answer.headers["Docker-Content-Digest"] == digest
    again = push_all(built, registry)
    assert [image.fresh for image in again] == [False, False]
    assert [image.image for image in again] == [image.image for image in pushed]


def test_push_without_a_registry_is_one_clear_line(folders: Folders) -> None:
    folders.add("root")
    built = build_all(root=folders.root)
    with pytest.raises(ImageError, match=r"localhost:1 doesn't answer .*`make up`"):
        push_all(built, Registry("localhost:1"))


def test_secret_is_there_while_building_and_gone_afterwards(folders: Folders) -> None:
    check = "RUN --mount=type=secret,id=ca [ -s /run/secrets/ca ]\nRUN [ ! -s /run/secrets/ca ]\n"
    folders.add("root", dockerfile=f"ARG PARENT\nFROM ${{PARENT}}\nUSER root\n{check}")
    assert build_all(root=folders.root)[0].fresh
