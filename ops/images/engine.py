"""The Docker that builds: found, asked what it has, and told to build one image."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, cast

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.images import Image

from infra.shared.paths import Paths
from ops.images.spec import ImageError, Recipe

_STEP = re.compile(r"^#\d+ \[(?:\S+ )?(\d+/\d+)\] (.*)")
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def ca_bundle(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The CA bundle that this machine's TLS goes by: what the usual variables name, or the system's."""
    paths = [Path(path) for path in (*map(environ.get, _CA_VARIABLES), *_CA_FILES) if path]
    return next((path for path in paths if path.is_file()), None)


class Engine:
    """The local Docker daemon and the best program there is to build with it."""

    @cached_property
    def client(self) -> docker.DockerClient:
        """The daemon's API. Raises ImageError where it doesn't answer."""
        try:
            return docker.from_env(timeout=600)
        except DockerException as error:
            raise ImageError(
                f"Docker doesn't answer ({error}); start it (`service docker start`, or `make tools`) "
                "and see that you may use its socket"
            ) from error

    def find(self, tag: str) -> Image | None:
        """The image with that name, where it is there."""
        try:
            return self.client.images.get(tag)
        except ImageNotFound:
            return None

    @cached_property
    def build_command(self) -> list[str]:
        """How a build starts here: with our buildx, Docker's plugin, or a Docker that has BuildKit inside.

        Raises:
            ImageError: there is none of these.
        """
        buildx = Paths.of().tools_bin / "buildx"
        if buildx.exists():
            return [str(buildx), "build", "--builder", "default", "--load"]
        for program in dict.fromkeys(filter(None, [shutil.which("docker"), "/usr/bin/docker"])):
            if _succeeds([program, "buildx", "version"]):
                return [program, "buildx", "build", "--load"]
            # From 23 on the client needs the plugin for BuildKit; before that it was part of it.
            major = _output([program, "version", "--format", "{{.Client.Version}}"]).partition(".")[0]
            if major.isdigit() and int(major) < 23:
                return [program, "build"]
        raise ImageError(
            "no program that builds with BuildKit was found; `make tools` builds buildx or says why not: "
            "then install Docker's plugin (docker-buildx)"
        )

    def build(
        self, recipe: Recipe, args: Mapping[str, str], log: Path, on_step: Callable[[str], None]
    ) -> None:
        """Build an image under its tag; `on_step` hears each step. Raises ImageError with the log's end."""
        command = [*self.build_command, "--progress", "plain", "--tag", recipe.tag, "--file", "Dockerfile"]
        for key, value in args.items():
            command += ["--build-arg", f"{key}={value}"]
        if bundle := ca_bundle():
            command += ["--secret", f"id=ca,src={bundle}"]
        log.parent.mkdir(parents=True, exist_ok=True)
        status = _stream([*command, "-"], recipe.context, log, on_step)
        if status != 0:
            tail = "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-30:])
            raise ImageError(
                f"{recipe.name}: the build failed with status {status}:\n{tail}\n  the whole log: {log}"
            )


def _stream(command: list[str], stdin: bytes, log: Path, on_step: Callable[[str], None]) -> int:
    with log.open("w") as out, tempfile.TemporaryFile() as context:
        context.write(stdin)
        context.seek(0)
        process = subprocess.Popen(
            command,
            stdin=context,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
        try:
            for line in cast(IO[str], process.stdout):
                out.write(line)
                if step := _STEP.match(line):
                    on_step(f"{step[1]} {step[2]}")
            return process.wait()
        finally:
            # Cut off (Ctrl-C): the build must not go on behind our back.
            if process.poll() is None:
                process.terminate()
                process.wait()


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()
    except OSError:
        return ""
