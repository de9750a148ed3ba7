"""The Debian base image's recipe."""

from pathlib import Path

from infra.offline import debian


def rootfs(root: Path) -> Path:
    for folder in (
        "etc/apt/apt.conf.d",
        "etc/dpkg/dpkg.cfg.d",
        "usr/sbin",
        "usr/share/doc/x",
        "var/lib/apt/lists/partial",
    ):
        (root / folder).mkdir(parents=True)
    (root / "etc/apt/sources.list").write_text("deb http://mirror.example/debian bookworm main\n")
    (root / "etc/hostname").write_text("builder\n")
    (root / "usr/share/doc/x/copyright").write_text("licence")
    (root / "usr/share/doc/x/changelog.gz").write_text("long")
    (root / "var/lib/apt/lists/packages").write_text("long")
    return root


def test_what_belongs_to_this_machine_or_to_nobody_goes(tmp_path: Path) -> None:
    root = rootfs(tmp_path)
    debian._tidy(root)
    assert (root / "etc/hostname").read_text() == ""
    assert (root / "usr/share/doc/x/copyright").exists()
    assert not (root / "usr/share/doc/x/changelog.gz").exists()
    assert list((root / "var/lib/apt/lists").iterdir()) == []
    assert (root / "usr/sbin/policy-rc.d").stat().st_mode & 0o777 == 0o755


def test_security_updates_come_from_where_the_base_came_from(tmp_path: Path) -> None:
    root = rootfs(tmp_path)
    debian._tidy(root)
    assert (root / "etc/apt/sources.list").read_text().splitlines() == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/debian-security bookworm-security main",
    ]
