"""The provider's configuration and its kubeconfig."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.offline.kubernetes_provider.kubeconfig import KubeconfigError, load
from infra.offline.kubernetes_provider.settings import Settings, refused


def _kubeconfig(server: str = "https://one:6443", user: dict[str, Any] | None = None) -> str:
    config = {
        "current-context": "a",
        "contexts": [
            {"name": "a", "context": {"cluster": "one", "user": "me", "namespace": "team"}},
            {"name": "b", "context": {"cluster": "two", "user": "me"}},
        ],
        "clusters": [
            {"name": "one", "cluster": {"server": f"{server}/"}},
            {"name": "two", "cluster": {"server": "https://two"}},
        ],
        "users": [{"name": "me", "user": user or {"token": "t"}}],
    }
    return yaml.safe_dump(config)


def test_current_and_chosen_context() -> None:
    one, two = load(_kubeconfig(), None, None), load(_kubeconfig(), "b", None)
    assert (one.server, one.namespace, one.bearer_token()) == ("https://one:6443", "team", "t")
    assert (two.server, two.namespace) == ("https://two", "default")
    assert load(_kubeconfig(), None, "two").server == "https://two"


def test_text_or_path_or_json(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(_kubeconfig())
    as_json = json.dumps(yaml.safe_load(_kubeconfig()))
    assert load(str(path), None, None) == load(_kubeconfig(), None, None) == load(as_json, None, None)


def test_files_named_in_a_kubeconfig_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "kubeconfig").write_text(_kubeconfig(user={"tokenFile": "token"}))
    assert load(str(tmp_path / "kubeconfig"), None, None).bearer_token() == "from-file"


def test_a_program_makes_the_token() -> None:
    answer = json.dumps({"status": {"token": "made"}})
    user = {"exec": {"command": "sh", "args": ["-c", f"echo '{answer}'"]}}
    assert load(_kubeconfig(user=user), None, None).bearer_token() == "made"
    failing = {"exec": {"command": "sh", "args": ["-c", "echo no login >&2; exit 1"]}}
    with pytest.raises(KubeconfigError, match="no login"):
        load(_kubeconfig(user=failing), None, None).bearer_token()


def test_a_context_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KubeconfigError, match=r"no context 'c' \(it has: a, b\)"):
        load(_kubeconfig(), "c", None)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="kubeconfig or"):
        load(str(tmp_path / "absent"), None, None)


@pytest.mark.parametrize(
    ("given", "expected"), [("true", True), (True, True), ("false", False), (None, False), ("", False)]
)
def test_truth_values_come_as_text(given: Any, *, expected: bool) -> None:
    assert Settings.of({"enableSecretMutable": given}).secrets_mutable is expected


def test_another_cluster_is_told_by_server_or_identifier() -> None:
    one, other = (
        Settings.of({"kubeconfig": _kubeconfig(server)}) for server in ("https://one", "https://other")
    )
    renewed = Settings.of({"kubeconfig": _kubeconfig("https://one", {"token": "new"})})
    assert one.same_cluster(renewed)
    assert not one.same_cluster(other)
    named = [
        Settings.of({"kubeconfig": _kubeconfig(it), "clusterIdentifier": "x"})
        for it in ("https://a", "https://b")
    ]
    assert named[0].same_cluster(named[1])


def test_refuses_what_it_would_not_do() -> None:
    assert refused({"enableServerSideApply": "true"}) == []
    assert [key for key, _ in refused({"enableServerSideApply": "false"})] == ["enableServerSideApply"]
    assert [key for key, _ in refused({"renderYamlToDirectory": "x"})] == ["renderYamlToDirectory"]
