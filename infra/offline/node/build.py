"""Build the node image: preloaded images from static binaries, then a Debian system around them.

The tag is a hash of all that goes in, so that an image is built again only when something has changed.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.offline import debian
from infra.offline.node import oci
from infra.shared.command import CommandError, run
from infra.shared.engine import ENGINE_ENV
from infra.shared.paths import REPOSITORY, Paths

HERE = Path(__file__).parent
IMAGE = "localhost/switchboard/node"
TOOLS = ("coredns", "etcd", "kubernetes", "local-path-provisioner")
"""Folders under tools/ that say which versions go in."""
PROVISIONER_IMAGE = "localhost/switchboard/local-path-provisioner:node"
RECIPE = 1
"""To be raised when the code here makes another image of the same files."""
NODE_PROGRAMS = ("kubeadm", "kubectl", "kubelet")
IMAGE_PROGRAMS = (
    "coredns",
    "etcd",
    "etcdctl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "local-path-provisioner",
)
Say = Callable[[str], None]


class MissingProgramError(RuntimeError):
    """A program that the node image is made of is not there."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"programs of the node image are missing: {', '.join(names)}; run `make tools`")


@dataclass(frozen=True)
class Preloaded:
    """An image that a node finds without a registry."""

    name: str
    programs: tuple[str, ...] = ()
    root: str | None = None
    """A folder that `collect-root` filled."""
    entrypoint: tuple[str, ...] = ()
    folder: str = "/usr/local/bin"
    """Where the programs lie in it."""


def preloaded_images(kubeadm_names: list[str]) -> list[Preloaded]:
    """A node's images, under the names that kubeadm asks for. Raises ValueError for one that is new to us."""
    images = [Preloaded(PROVISIONER_IMAGE, ("local-path-provisioner",))]
    for name in kubeadm_names:
        program = name.rpartition("/")[2].partition(":")[0]
        if program == "pause":
            images.append(Preloaded(name, root="pause", entrypoint=("/catatonit", "-P")))
        elif program == "coredns":
            # Its manifest gives arguments alone, so the image must say what runs.
            images.append(Preloaded(name, ("coredns",), entrypoint=("/coredns",), folder="/"))
        elif program == "etcd":
            images.append(Preloaded(name, ("etcd", "etcdctl")))
        elif program == "kube-proxy":
            images.append(Preloaded(name, ("kube-proxy",), root="kube-proxy"))
        elif program in IMAGE_PROGRAMS:
            images.append(Preloaded(name, (program,)))
        else:
            raise ValueError(f"kubeadm wants the image {name}, which the node image doesn't know how to make")
    return images


def find_programs() -> dict[str, Path]:
    """Every program that goes in: ours first, then PATH. Raises MissingProgramError, all of them named."""
    search = f"{Paths.of().tools_bin}{os.pathsep}{os.environ.get('PATH', '')}"
    found = {name: shutil.which(name, path=search) for name in (*NODE_PROGRAMS, *IMAGE_PROGRAMS)}
    if missing := [name for name, path in found.items() if path is None]:
        raise MissingProgramError(missing)
    return {name: Path(path) for name, path in found.items() if path}


def content_key() -> str:
    """A hash of the recipe and of the programs' versions.

    Programs built again make no other image: a cluster is made anew when its image is another.
    """
    digest = hashlib.sha256(f"{RECIPE} {debian.key()}".encode())
    for path in _recipe():
        digest.update(
            f"\0{path.relative_to(HERE)}\0{path.stat().st_mode & 0o111}\0".encode() + path.read_bytes()
        )
    for tool in TOOLS:
        folder = REPOSITORY / "tools" / tool
        for path in (folder / "go.mod", *sorted(folder.glob("*.go"))):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _recipe() -> Iterator[Path]:
    yield from (HERE / name for name in ("Dockerfile", "collect-root"))
    yield from sorted(path for path in (HERE / "files").rglob("*") if path.is_file())


def ensure_node_image(say: Say) -> str:
    """Build the node image in podman unless it is there (45 s); gives its name.

    Raises CommandError and MissingProgramError.
    """
    name = f"{IMAGE}:{content_key()}"
    try:
        run(["podman", "image", "inspect", "--format", "{{.Id}}", name], env=ENGINE_ENV)
    except CommandError:
        say("building the node image (about a minute)")
        _build(name, find_programs(), say)
    return name


def _build(name: str, programs: dict[str, Path], say: Say) -> None:
    version = run([programs["kubeadm"], "version", "--output=short"]).strip()
    names = run([programs["kubeadm"], "config", "images", "list", f"--kubernetes-version={version}"]).split()
    parent = debian.ensure_image("podman")
    cache = Paths.of().cache / "node"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        work = Path(scratch)
        context = _context(work / "context", names)
        _podman_build(context, parent, "image-roots", "--output", f"type=local,dest={work / 'roots'}")
        say("  system packages installed")
        (work / "tools").mkdir()
        (work / "archives").mkdir()
        for program in NODE_PROGRAMS:
            shutil.copy2(programs[program], work / "tools" / program)
        for number, image in enumerate(preloaded_images(names)):
            _write_image(work / f"archives/{number}.tar", image, programs, work / "roots")
        say("  images written")
        contexts = [f"--build-context={part}={work / part}" for part in ("tools", "archives")]
        version_arg = f"--build-arg=KUBERNETES_VERSION={version}"
        _podman_build(context, parent, "node", *contexts, version_arg, "--tag", name)


def _write_image(target: Path, image: Preloaded, programs: dict[str, Path], roots: Path) -> None:
    inside = {f"{image.folder}/{name}": programs[name] for name in image.programs}
    root = roots / image.root if image.root else None
    oci.write_archive(target, image.name, inside, root=root, entrypoint=image.entrypoint)


def _context(target: Path, names: list[str]) -> Path:
    """The folder that podman builds from: ours, with the names of images filled in."""
    pause = next(name for name in names if "/pause:" in name)
    values = {
        "@PAUSE_IMAGE@": pause,
        "@PROVISIONER_IMAGE@": PROVISIONER_IMAGE,
    }
    shutil.copytree(HERE, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (
        target / "files/etc/containerd/config.toml",
        target / "files/kind/manifests/default-storage.yaml",
    ):
        text = path.read_text()
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        path.write_text(text)
    return target


def _podman_build(context: Path, parent: str, target: str, *options: str) -> None:
    args = ["--pull=never", "--layers", f"--build-arg=PARENT={parent}", f"--target={target}", *options]
    run(["podman", "build", "--quiet", *args, context], env=ENGINE_ENV, timeout_s=1800)
