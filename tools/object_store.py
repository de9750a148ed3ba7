"""S3Proxy, the local object store: its jar from Maven, and our few lines of Java around it."""

import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.layout import Layout
from tools.shell import StepError, run

DOWNLOAD = "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"
"""The one goal of Maven that is run; it needs no project."""
PROGRAM = "s3proxy"


@dataclass(frozen=True)
class Jar:
    """What Maven is asked for, and the checksum that its file must have."""

    artifact: str
    sha256: str

    @property
    def version(self) -> str:
        """Of the artifact."""
        return self.artifact.split(":")[2]


def source(layout: Layout) -> Path:
    """The folder with our part of it."""
    return layout.root / "tools" / PROGRAM


def place(layout: Layout) -> Path:
    """The folder that holds all that runs; nothing in it knows where it lies."""
    return layout.tools / PROGRAM


def load(layout: Layout) -> Jar:
    """The pinned jar."""
    return Jar(**tomllib.loads((source(layout) / "jar.toml").read_text()))


def key(folder: Path) -> str:
    """A hash of all that the program is made from: the pin, the Java and the launcher in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_current(layout: Layout) -> bool:
    """Whether the program is in place, made from what the checkout has."""
    stamp = layout.stamps / PROGRAM
    there = (layout.bin / PROGRAM).exists() and stamp.exists()
    return there and stamp.read_text() == key(source(layout))


def install(layout: Layout) -> None:
    """Fetch the jar, check it, compile ours and put a launcher among the tools.

    Raises:
        StepError: a program failed, or the jar is not the one that was pinned.
    """
    jar, log = load(layout), layout.logs / f"{PROGRAM}.log"
    layout.bin.mkdir(parents=True, exist_ok=True)
    # Beside its place and renamed: one that was cut off leaves nothing half.
    with tempfile.TemporaryDirectory(dir=layout.tools) as scratch:
        made = Path(scratch) / PROGRAM
        made.mkdir()
        _fetch(jar, made / "s3proxy.jar", Path(scratch), log)
        javac = ["javac", "--release", "17", "-nowarn", "-cp", str(made / "s3proxy.jar")]
        run([*javac, "-d", made / "classes", *sorted(source(layout).glob("*.java"))], log)
        shutil.copy2(source(layout) / PROGRAM, made / PROGRAM)
        shutil.rmtree(place(layout), ignore_errors=True)
        made.rename(place(layout))
    launcher = layout.bin / PROGRAM
    launcher.unlink(missing_ok=True)
    launcher.symlink_to(Path("..") / PROGRAM / PROGRAM)
    layout.stamps.mkdir(parents=True, exist_ok=True)
    (layout.stamps / PROGRAM).write_text(key(source(layout)))


def _fetch(jar: Jar, target: Path, scratch: Path, log: Path) -> None:
    options = [*proxies(os.environ), *_trust_store(scratch, log)]
    maven = [
        "mvn",
        "--batch-mode",
        "--update-snapshots",
        "--strict-checksums",
        DOWNLOAD,
        f"-Dartifact={jar.artifact}",
    ]
    command = [*maven, f"-DoutputDirectory={scratch / 'jars'}", "-Dmdep.useBaseVersion=true"]
    run(command, log, env={"MAVEN_OPTS": " ".join([os.environ.get("MAVEN_OPTS", ""), *options]).strip()})
    (fetched,) = (scratch / "jars").glob("*.jar")
    found = hashlib.sha256(fetched.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise StepError(
            f"{jar.artifact} has the SHA-256 {found}, not the pinned one (tools/{PROGRAM}/jar.toml): "
            "remove it from Maven's repository (~/.m2), then try again"
        )
    fetched.rename(target)


def proxies(environ: Mapping[str, str]) -> list[str]:
    """The usual variables as options of Java, which does not read them. Pure."""
    options = []
    found = {name.lower(): value for name, value in environ.items() if value}
    for scheme in ("http", "https"):
        url = found.get(f"{scheme}_proxy") or found.get("http_proxy", "")
        host, _, port = url.rpartition("//")[2].rpartition("@")[2].rstrip("/").rpartition(":")
        if host:
            options += [f"-D{scheme}.proxyHost={host}", f"-D{scheme}.proxyPort={port}"]
    direct = [name.strip() for name in found.get("no_proxy", "").split(",") if name.strip()]
    if options and direct:
        hosts = "|".join(f"*{name}" if name.startswith(".") else name for name in direct)
        options.append(f"-Dhttp.nonProxyHosts={hosts}")
    return options


def _trust_store(scratch: Path, log: Path) -> list[str]:
    """Java's own form of the machine's CA bundle, which it can't read itself."""
    store = scratch / "cacerts"
    words = ["--overwrite", "--format=java-cacerts", "--filter=ca-anchors", "--purpose=server-auth"]
    run(["trust", "extract", *words, store], log)
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
