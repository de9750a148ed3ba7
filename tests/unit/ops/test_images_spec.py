"""Image folders: what is read, refused, ordered and hashed."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from infra.shared.paths import REPOSITORY
from ops.images.engine import ca_bundle
from ops.images.spec import ImageError, read_specs, recipes, select


class Folders:
    """Image folders in a temporary place."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(
        self, name: str, toml: str = "", dockerfile: str = "ARG PARENT\nFROM ${PARENT}\n", **files: str
    ) -> Path:
        folder = self.root / name
        folder.mkdir()
        (folder / "image.toml").write_text(toml)
        (folder / "Dockerfile").write_text(dockerfile)
        for file, text in files.items():
            (folder / f"{file}.py").write_text(text)
        return folder

    def hashes(self, base: str = "debian") -> dict[str, str]:
        return {name: recipe.hash for name, recipe in recipes(read_specs(self.root), base).items()}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def context(folders: Folders, name: str) -> dict[str, tarfile.TarInfo]:
    recipe = recipes(read_specs(folders.root), "debian")[name]
    with tarfile.open(fileobj=io.BytesIO(recipe.context)) as archive:
        return {member.name: member for member in archive}


def test_order_is_parents_first(folders: Folders) -> None:
    folders.add("a-leaf", 'parent = "middle"')
    folders.add("middle", 'parent = "root"')
    folders.add("root")
    folders.add("builder", 'parent = "root"')
    folders.add(
        "b-leaf", 'parent = "middle"', "ARG PARENT\nARG BUILDER\nFROM ${BUILDER} AS b\nFROM ${PARENT}\n"
    )
    names = list(recipes(read_specs(folders.root), "debian"))
    for before, after in [
        ("root", "middle"),
        ("middle", "a-leaf"),
        ("middle", "b-leaf"),
        ("builder", "b-leaf"),
    ]:
        assert names.index(before) < names.index(after)


def test_an_image_comes_after_its_parts_and_changes_with_them(folders: Folders) -> None:
    folders.add("a-whole", 'parent = "root"\nparts = ["z-part"]')
    part = folders.add("z-part", 'parent = "root"', main="1")
    folders.add("root")
    specs, before = read_specs(folders.root), folders.hashes()
    assert list(before).index("z-part") < list(before).index("a-whole")
    assert set(select(specs, ["a-whole"])) == {"root", "z-part", "a-whole"}
    assert specs["a-whole"].part_argument("z-part") == "Z_PART"
    (part / "main.py").write_text("2")
    assert folders.hashes()["a-whole"] != before["a-whole"]


def test_select_takes_what_the_named_stand_on(folders: Folders) -> None:
    folders.add("root")
    folders.add("leaf", 'parent = "root"')
    folders.add("other", 'parent = "root"')
    folders.add("seldom", 'parent = "root"\non_request = true')
    specs = read_specs(folders.root)
    assert set(select(specs, ["leaf"])) == {"root", "leaf"}
    assert set(select(specs, ["seldom"])) == {"root", "seldom"}
    assert set(select(specs, [])) == {"root", "leaf", "other"}
    with pytest.raises(ImageError, match=r"no image 'asl'; there are: leaf, other, root, seldom"):
        select(specs, ["asl"])


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            'parnet = "x"',
            (
                r"image\.toml: parnet = 'x': .*"
                r"\(the keys are: parent, context, platform, push, on_request, parts, args\)"
            ),
        ),
        ("platform = 7", r"image\.toml: platform = 7: "),
        ("parent = ", r"image\.toml: is not TOML"),
        ('parent = "gone"', r"image\.toml: needs the image 'gone', no folder of .*; there are: bad"),
    ],
)
def test_bad_image_file_names_file_key_value_and_remedy(folders: Folders, toml: str, said: str) -> None:
    folders.add("bad", toml)
    with pytest.raises(ImageError, match=said):
        read_specs(folders.root)


def test_missing_dockerfile_and_circle_are_refused(folders: Folders) -> None:
    (folders.add("bare") / "Dockerfile").unlink()
    with pytest.raises(ImageError, match="no Dockerfile"):
        read_specs(folders.root)
    (folders.root / "bare/Dockerfile").write_text("FROM scratch\n")
    folders.add("a", 'parent = "b"')
    folders.add("b", 'parent = "a"')
    with pytest.raises(ImageError, match=r"in a circle: (a -> b -> a|b -> a -> b); change one `parent`"):
        read_specs(folders.root)


def test_hash_changes_with_what_the_image_depends_on(folders: Folders) -> None:
    root = folders.add("root", main="1")
    folders.add("leaf", 'parent = "root"')
    folders.add("other")
    before = folders.hashes()
    assert folders.hashes() == before
    (root / "main.py").write_text("2")
    changed = folders.hashes()
    assert changed["root"] != before["root"]
    assert changed["leaf"] != before["leaf"]
    assert changed["other"] == before["other"]
    assert set(folders.hashes("another Debian").values()).isdisjoint(changed.values())


@pytest.mark.parametrize("change", ["args", "dockerfile", "mode", "name"])
def test_hash_sees(folders: Folders, change: str) -> None:
    folder = folders.add("image", main="1")
    before = folders.hashes()
    if change == "args":
        (folder / "image.toml").write_text('[args]\nLEVEL = "2"\n')
    elif change == "dockerfile":
        (folder / "Dockerfile").write_text("FROM scratch\n")
    elif change == "mode":
        (folder / "main.py").chmod(0o755)
    else:
        (folder / "main.py").rename(folder / "start.py")
    assert folders.hashes() != before


def test_hash_overlooks_times_owners_caches_tests_and_readme(folders: Folders) -> None:
    folder = folders.add("image", main="1")
    before = folders.hashes()
    os.utime(folder / "main.py", (1, 1))
    (folder / "main.py").chmod(0o600)
    for junk in (
        "__pycache__/main.cpython-311.pyc",
        "package/__pycache__/x.pyc",
        "tests/test_main.py",
        "README.md",
    ):
        path = folder / junk
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("junk")
    assert folders.hashes() == before


def test_context_has_the_files_and_only_them(folders: Folders) -> None:
    folder = folders.add("image", main="1")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o700)
    (folder / "link").symlink_to("run")
    (folder / ".dockerignore").write_text("# nothing\n*.wav\n")
    (folder / "big.wav").write_text("x")
    members = context(folders, "image")
    assert sorted(members) == ["Dockerfile", "link", "main.py", "run"]
    assert members["run"].mode == 0o755
    assert members["main.py"].mode == 0o644
    assert members["link"].issym()
    assert {member.mtime for member in members.values()} == {1577836800}
    assert {member.uid for member in members.values()} == {0}


def test_context_elsewhere_brings_its_dockerfile(folders: Folders, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "airflow.cfg").write_text("x")
    (elsewhere / "Dockerfile").write_text("FROM scratch\n")
    (folders.add("airflow", 'context = "../elsewhere"') / "Dockerfile").unlink()
    assert sorted(context(folders, "airflow")) == ["Dockerfile", "airflow.cfg"]


def test_ca_bundle_is_the_one_that_the_usual_variables_name(tmp_path: Path) -> None:
    named = tmp_path / "ca.pem"
    named.write_text("x")
    assert ca_bundle({"SSL_CERT_FILE": str(tmp_path / "gone.pem"), "PIP_CERT": str(named)}) == named


def test_committed_folders_are_sound() -> None:
    specs = read_specs(REPOSITORY / "images")
    assert {"base", "builder", "git", "git-server", "git-sync", "postgres"} <= set(specs)
    for spec in specs.values():
        text = spec.dockerfile.read_text()
        assert "# syntax" not in text, "a frontend would have to be pulled"
        # The last user is the one that the container runs as.
        users = [line.split()[1] for line in text.splitlines() if line.startswith("USER ")]
        assert spec.name == "builder" or (users or ["10001:10001"])[-1] == "10001:10001", spec.dockerfile
