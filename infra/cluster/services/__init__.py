"""Images of the services that stand beside the cluster: an image registry and an S3 server."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from infra.offline import debian
from infra.shared.command import CommandError
from infra.shared.engine import Engine, call, inspect
from infra.shared.paths import REPOSITORY, Paths

HERE = Path(__file__).parent
PUBLIC_PARENT = "debian:bookworm-slim"
"""What the images are built on where public images can be had."""
PROGRAMS = {"registry": (), "s3": ("s3proxy",)}
"""Which of our tools go into each image: folders that `make tools` made from those in tools."""


def image_name(service: str) -> str:
    """The image's name; its tag is a hash of what it is made of. Builds nothing."""
    digest = hashlib.sha256(debian.key().encode())
    for path in sorted((HERE / service).iterdir()):
        digest.update(path.read_bytes())
    for program in PROGRAMS[service]:
        for path in sorted((REPOSITORY / "tools" / program).iterdir()):
            digest.update(path.read_bytes())
    return f"localhost/switchboard/{service}:{digest.hexdigest()[:16]}"


def ensure_image(engine: Engine, service: str) -> None:
    """Build a service's image unless the engine has it. Raises CommandError."""
    name = image_name(service)
    if inspect(engine, "image", name) is not None:
        return
    parent = debian.ensure_image("podman") if engine == "podman" else PUBLIC_PARENT
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch) / service
        shutil.copytree(HERE / service, context)
        for program in PROGRAMS[service]:
            folder = Paths.of().tools / program
            if not folder.is_dir():
                raise CommandError([program], 127, f"{program} is not there; `make tools` gets it")
            shutil.copytree(folder, context / program)
        call(
            engine, "build", "--quiet", f"--build-arg=PARENT={parent}", "--tag", name, context, timeout_s=900
        )
