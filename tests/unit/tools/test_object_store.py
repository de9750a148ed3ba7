"""The local object store's parts: what Maven is told, and that nothing but the pinned jar is used."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools import object_store
from tools.layout import Layout
from tools.shell import StepError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A checkout with a program of three files."""
    folder = tmp_path / "checkout/tools/s3proxy"
    folder.mkdir(parents=True)
    (folder / "jar.toml").write_text('artifact = "a:b:1.2:jar"\nsha256 = "%s"\n' % ("0" * 64))
    (folder / "s3proxy").write_text("#!/bin/sh\n")
    (folder / "Store.java").write_text("class Store {}\n")
    return Layout(tmp_path / "checkout", tmp_path / "cache")


def fake_run(jar: bytes) -> Any:
    """Stands in for Maven, which leaves a jar, and for the compiler."""

    def run(command: Sequence[str | Path], _log: Path, **_: Any) -> None:
        for word in map(str, command):
            if word.startswith("-DoutputDirectory="):
                folder = Path(word.partition("=")[2])
                folder.mkdir()
                (folder / "b-1.2.jar").write_bytes(jar)
        if command[0] == "javac":
            Path(command[list(command).index("-d") + 1]).mkdir()

    return run


def pin(layout: Layout, sha256: str) -> None:
    (layout.root / "tools/s3proxy/jar.toml").write_text(f'artifact = "a:b:1.2:jar"\nsha256 = "{sha256}"\n')


def test_another_jar_than_the_pinned_one_is_not_used(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "run", fake_run(b"another"))
    with pytest.raises(StepError, match=r"a:b:1.2:jar has the SHA-256 \w+, not the pinned one"):
        object_store.install(layout)
    assert not object_store.place(layout).exists()
    assert not object_store.is_current(layout)


def test_it_is_made_once_and_again_after_a_change(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "run", fake_run(b"jar"))
    pin(layout, "f" * 64)
    with pytest.raises(StepError):
        object_store.install(layout)
    pin(layout, hashlib.sha256(b"jar").hexdigest())
    object_store.install(layout)
    assert object_store.is_current(layout)
    launcher = layout.bin / "s3proxy"
    assert launcher.read_text() == "#!/bin/sh\n"
    assert (launcher.resolve().parent / "s3proxy.jar").read_bytes() == b"jar"
    object_store.install(layout)
    (layout.root / "tools/s3proxy/Store.java").write_text("class Store { int more; }\n")
    assert not object_store.is_current(layout)


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({}, []),
        (
            {"HTTPS_PROXY": "http://user:pw@proxy.example:3128/"},
            ["-Dhttps.proxyHost=proxy.example", "-Dhttps.proxyPort=3128"],
        ),
        (
            {"http_proxy": "http://p:1", "no_proxy": "localhost, .example.org"},
            [
                "-Dhttp.proxyHost=p",
                "-Dhttp.proxyPort=1",
                "-Dhttps.proxyHost=p",
                "-Dhttps.proxyPort=1",
                "-Dhttp.nonProxyHosts=localhost|*.example.org",
            ],
        ),
        ({"no_proxy": "localhost"}, []),
    ],
)
def test_java_is_told_of_proxies(environ: dict[str, str], options: list[str]) -> None:
    assert object_store.proxies(environ) == options


def test_the_pin_of_this_checkout_is_whole() -> None:
    jar = object_store.load(Layout(ROOT, ROOT))
    assert jar.version in jar.artifact
    assert len(bytes.fromhex(jar.sha256)) == 32
