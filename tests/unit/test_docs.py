"""The documentation says nothing that isn't so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.shared.paths import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def targets() -> set[str]:
    rules = re.findall(
        r"^([a-z][a-z0-9/%_-]*(?: [a-z][a-z0-9_-]*)*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    return {name for rule in rules for name in rule.split()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_make_target_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    assert named <= targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_setting_named_is_read_somewhere(page: Path) -> None:
    sources = [*REPOSITORY.glob("*/**/*.py"), REPOSITORY / "Makefile"]
    read = "\n".join(path.read_text() for path in sources if ".venv" not in path.parts)
    named = set(re.findall(r"\b(?:SWITCHBOARD|E2E)_[A-Z_]+\b|\bKEEP_DATA\b", page.read_text()))
    assert [name for name in sorted(named) if name not in read] == []


def test_the_readme_lists_every_folder() -> None:
    listed = set(re.findall(r"^\| `([a-z/]+)`", (REPOSITORY / "README.md").read_text(), re.MULTILINE))
    tracked = {path.name for path in REPOSITORY.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {folder.split("/")[0] for folder in listed} == tracked - {"requirements", "__pycache__"}


def test_every_decision_has_context_decision_and_consequences() -> None:
    for page in sorted((REPOSITORY / "docs/adr").glob("*.md")):
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in page.read_text(), f"{page.name} lacks {part}"
