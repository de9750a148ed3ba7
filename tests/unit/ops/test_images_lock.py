"""The lock file, the registry's answers, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from ops import images
from ops.images.__main__ import parse, table
from ops.images.build import Built, Pushed
from ops.images.registry import Registry, read_lock, write_lock
from ops.images.spec import ImageError, ImageFile, ImageSpec, Recipe


def recipe(name: str) -> Recipe:
    spec = ImageSpec(name=name, folder=Path(name), settings=ImageFile(), uses_builder=False)
    return Recipe(spec=spec, context=b"", hash="0123")


def registry(handler: httpx.MockTransport) -> Registry:
    made = Registry("localhost:5001")
    made._http = httpx.Client(base_url="http://localhost:5001/v2/", transport=handler)
    return made


def test_lock_merges_and_forgets_removed_images(tmp_path: Path) -> None:
    path = tmp_path / "deep/lock.json"
    write_lock({"asr": "r/asr@sha256:1", "old": "r/old@sha256:1"}, {"asr": (), "old": ()}, path)
    lock = write_lock({"base": "r/base@sha256:2"}, {"asr": (), "base": ()}, path)
    assert lock == {"asr": "r/asr@sha256:1", "base": "r/base@sha256:2"}
    assert json.loads(path.read_text()) == read_lock(path) == lock
    assert [file.name for file in path.parent.iterdir()] == ["lock.json"]


def test_lock_is_left_alone_when_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    write_lock({"asr": "x"}, {"asr": ()}, path)
    before = path.stat().st_mtime_ns
    write_lock({"asr": "x"}, {"asr": ()}, path)
    assert path.stat().st_mtime_ns == before


def test_what_is_made_of_others_is_pinned_with_them_or_not_at_all(tmp_path: Path) -> None:
    path, parts = tmp_path / "lock.json", {"asr": (), "report": (), "all": ("asr",)}
    whole = {"asr": "asr@1", "report": "report@1", "all": "all@1"}
    assert write_lock(whole, parts, path) == whole
    assert write_lock({"asr": "asr@1"}, parts, path) == whole
    assert write_lock({"report": "report@2"}, parts, path)["all"] == "all@1"
    assert write_lock({"asr": "asr@2"}, parts, path) == {"asr": "asr@2", "report": "report@2"}
    assert write_lock({"asr": "asr@3", "all": "all@3"}, parts, path)["all"] == "all@3"


@pytest.mark.parametrize(("text", "said"), [(None, "is not there yet; `make images`"), ("{", "is not JSON")])
def test_unreadable_lock_says_what_writes_it(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "lock.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ImageError, match=said):
        read_lock(path)


def test_digest_of_a_tag_that_is_there_and_of_one_that_is_not() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert "manifest.v2" in request.headers["Accept"]
        there = request.method == "HEAD" and request.url.path == "/v2/asr/manifests/0123"
        return (
            httpx.Response(200, headers={"Docker-Content-Digest": "sha256:9"})
            if there
            else httpx.Response(404)
        )

    there = registry(httpx.MockTransport(answer))
    assert there.digest(recipe("asr")) == "sha256:9"
    assert there.digest(recipe("base")) is None


def test_registry_trouble_names_the_registry_and_the_remedy() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ImageError, match=r"localhost:5001 doesn't answer \(refused\); `make up`"):
        registry(httpx.MockTransport(away)).check()
    broken = registry(httpx.MockTransport(lambda _: httpx.Response(500)))
    with pytest.raises(ImageError, match="asked for asr:0123"):
        broken.digest(recipe("asr"))


def test_registry_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_REGISTRY", "registry.example:443")
    assert images.registry_of("local").host == "registry.example:443"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], ("lock", [], "local")),
        (["build"], ("build", [], "local")),
        (["asr"], ("lock", ["asr"], "local")),
        (["push", "--only", "asr", "base"], ("push", ["asr", "base"], "local")),
        (["build", "asr", "--env", "staging"], ("build", ["asr"], "staging")),
    ],
)
def test_command_line(words: list[str], meant: tuple[str, list[str], str]) -> None:
    assert parse(words) == meant


def test_table_says_what_was_built_pushed_and_what_failed() -> None:
    built = [
        Built(recipe("asr"), 123_400_000, 4.5, fresh=True),
        Built(recipe("base"), 1_000_000, 0.1, fresh=False),
    ]
    pushed = [Pushed(recipe("asr"), "x", fresh=True), Pushed(recipe("base"), "y", fresh=False)]
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(table(built, pushed, {"report": "report: the build failed"}))
    rows = [line.split() for line in console.export_text().splitlines()[1:]]
    assert rows == [
        ["asr", "0123", "pushed", "123", "4.5"],
        ["base", "0123", "unchanged", "1", "unchanged"],
        ["report", "-", "-", "-", "failed"],
    ]
