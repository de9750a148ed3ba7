"""The plan: what is missing, in words; and how it is carried out."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.conftest import MakeBuild
from tools import engine, found, golang, install, plan, venv
from tools.debian import Package
from tools.found import Found, Stamps
from tools.gomod import Build
from tools.layout import Layout
from tools.plan import Plan
from tools.report import Report
from tools.shell import RefusedError, StepError


def a_plan(**changes: Any) -> Plan:
    """A plan with nothing to do but what is given."""
    nothing: dict[str, Any] = {
        "packages": [], "environment": False, "go": False, "found": {}, "builds": [], "offline": [],
        "docker": "running", "node_image": "auto",
    }  # fmt: skip
    return Plan(**{**nothing, **changes})


def test_nothing_missing_is_complete() -> None:
    assert a_plan().complete


def test_the_plan_says_what_it_will_do_before_it_does(make_build: MakeBuild, layout: Layout) -> None:
    own = Found({"kubectl": Path("/usr/bin/kubectl")}, "v1.34.9")
    todo = a_plan(
        packages=[Package("flite", "voices")],
        environment=True,
        found={"kubectl": (make_build(name="kubectl"), own)},
        builds=[make_build(summary="does things", seconds=120)],
        offline=[make_build(name="node", needed="no-pull", seconds=60)],
        docker="stopped",
    )
    text = "\n".join(plan.describe(todo, layout))
    for words in (
        "flite",
        "voices",
        "dev.txt",
        "kubectl v1.34.9: yours is used (/usr/bin/kubectl)",
        "about 3 min 00 s",
    ):
        assert words in text
    assert "thing v1.34.4" in text
    assert "only if no node image can be pulled" in text
    assert "Docker is started" in text
    assert todo.steps == 7  # packages, environment, sources, Docker, the question about pulling, two builds


def test_a_wrong_setting_is_named_with_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_NODE_IMAGE", "maybe")
    with pytest.raises(StepError, match="SWITCHBOARD_NODE_IMAGE=maybe: must be one of auto, pull, build"):
        plan.node_image()


class Builder(golang.Builder):
    """Builds nothing, and remembers what it was asked for."""

    asked: list[str] = []  # noqa: RUF012

    def download(self, step: object) -> None:
        """Nothing to fetch."""

    def build(self, build: Build, step: object) -> None:
        """Put an empty program in place."""
        self.asked.append(build.name)
        self.layout.bin.mkdir(parents=True, exist_ok=True)
        for name in build.programs:
            (self.layout.bin / name).touch()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The builds that were run."""
    monkeypatch.setattr(Builder, "asked", [])
    monkeypatch.setattr(golang, "Builder", Builder)
    monkeypatch.setattr(golang, "find", lambda layout, wanted: Path("/usr/bin/true"))
    return Builder.asked


@pytest.mark.parametrize(("pulls", "built"), [(True, ["thing"]), (False, ["thing", "node"])])
def test_what_pulling_makes_unnecessary_is_not_built(
    make_build: MakeBuild,
    layout: Layout,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    pulls: bool,
    built: list[str],
) -> None:
    monkeypatch.setattr(engine, "can_pull", lambda: pulls)
    todo = a_plan(builds=[make_build()], offline=[make_build(name="node", needed="no-pull")])
    install.Installation(layout, todo, Report(stream=io.StringIO())).run()
    assert asked == built
    assert plan.pulls_file_exists(layout) is pulls
    assert Stamps(layout).is_current(make_build())


def test_what_was_forced_is_not_asked(
    make_build: MakeBuild, layout: Layout, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "can_pull", lambda: pytest.fail("asked"))
    todo = a_plan(offline=[make_build(name="node", needed="no-pull")], node_image="build")
    install.Installation(layout, todo, Report(stream=io.StringIO())).run()
    assert asked == ["node"]


def test_a_failed_step_ends_the_run_and_is_told(
    make_build: MakeBuild, layout: Layout, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(layout: Layout) -> str:
        raise StepError("Docker did not answer")

    monkeypatch.setattr(engine, "start", fail)
    monkeypatch.setattr(install, "end_running", lambda: None)
    todo = a_plan(docker="stopped", offline=[make_build(name="node", needed="no-pull")])
    with pytest.raises(StepError, match="Docker did not answer"):
        install.Installation(layout, todo, Report(stream=io.StringIO())).run()


class Refusing(Builder):
    """The registry gives out nothing."""

    def build(self, build: Build, step: object) -> None:
        self.asked.append(build.name)
        raise RefusedError("403 Forbidden")


def test_what_there_is_a_way_without_is_told_and_not_asked_for_again(
    asked: list[str], make_build: MakeBuild, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golang, "Builder", Refusing)
    build = make_build(without="It is left out.")
    said = io.StringIO()
    install.Installation(layout, a_plan(builds=[build]), Report(stream=said)).run()
    assert (
        "thing v1.34.4 is not to be had here: the registry does not serve it. It is left out."
        in said.getvalue()
    )
    stamps = Stamps(layout)
    assert asked == ["thing"]
    assert stamps.is_refused(build)
    assert not stamps.is_current(build)
    assert not stamps.is_refused(make_build(ldflags="other"))
    assert plan.describe(a_plan(refused=(build,)), layout) == [plan.without(build)]
    with monkeypatch.context() as another:
        another.setenv("GOPROXY", "https://mirror.example")
        assert not stamps.is_refused(build)
    with monkeypatch.context() as later:
        later.setattr(found, "ASK_AGAIN_S", 0)
        assert not stamps.is_refused(build)
    assert stamps.is_refused(build)
    stamps.built(build)
    assert not stamps.is_refused(build)


def test_what_there_is_no_way_without_ends_the_run(
    asked: list[str], make_build: MakeBuild, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golang, "Builder", Refusing)
    monkeypatch.setattr(install, "end_running", lambda: None)
    with pytest.raises(StepError, match="403 Forbidden"):
        install.Installation(layout, a_plan(builds=[make_build()]), Report(stream=io.StringIO())).run()


def test_pips_settings_serve_uv_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "SSL_CERT_FILE", "PIP_EXTRA_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setattr(venv, "output", lambda command: None)
    assert venv.index_settings() == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}
