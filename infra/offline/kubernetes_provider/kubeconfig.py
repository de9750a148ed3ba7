"""Where the cluster is and who we are there: a kubeconfig's current (or chosen) context."""

import base64
import json
import os
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(Exception):
    """The kubeconfig cannot be used. Names what is missing and the remedy."""


@dataclass(frozen=True)
class Access:
    """All that a connection needs. Certificates and keys are PEM."""

    server: str
    namespace: str
    authority: str | None
    insecure: bool
    server_name: str | None
    certificate: str | None
    key: str | None
    token: str | None
    command: dict[str, Any] | None
    """The `exec` section of users whose token a program makes."""

    def ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority)
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.certificate and self.key:
            with (
                tempfile.TemporaryDirectory() as folder
            ):  # made 0700; Python loads client keys from files alone
                pem = Path(folder, "client.pem")
                pem.write_text(f"{self.certificate}\n{self.key}")
                context.load_cert_chain(pem)
        return context

    def bearer_token(self) -> str | None:
        """The token to send; runs the user's program where there is one. Raises KubeconfigError."""
        if not self.command:
            return self.token
        words = [self.command["command"], *(self.command.get("args") or [])]
        extra = {item["name"]: item["value"] for item in self.command.get("env") or []}
        done = subprocess.run(
            words,
            env={**os.environ, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise KubeconfigError(
                f"`{words[0]}`, which makes the cluster's token, failed: {done.stderr.strip()[-500:]}"
            )
        return str(json.loads(done.stdout)["status"]["token"])


def load(given: str | None, context: str | None, cluster: str | None) -> Access:
    """From a kubeconfig's text or path; or else $KUBECONFIG or ~/.kube/config. Raises KubeconfigError."""
    text, folder = _text(given or os.environ.get("KUBECONFIG") or "~/.kube/config")
    config = yaml.safe_load(text)
    if not isinstance(config, dict):
        raise KubeconfigError("the provider's kubeconfig is neither a kubeconfig's text nor the path of one")
    chosen = context or config.get("current-context") or ""
    place = _named(config, "context", chosen)
    target = _named(config, "cluster", cluster or place.get("cluster", ""))
    user = _named(config, "user", place.get("user", ""))
    return Access(
        server=target["server"].rstrip("/"),
        namespace=place.get("namespace") or "default",
        authority=_pem(target, "certificate-authority", folder),
        insecure=bool(target.get("insecure-skip-tls-verify")),
        server_name=target.get("tls-server-name"),
        certificate=_pem(user, "client-certificate", folder),
        key=_pem(user, "client-key", folder),
        token=user.get("token") or (_read(folder / user["tokenFile"]) if "tokenFile" in user else None),
        command=user.get("exec"),
    )


def _text(given: str) -> tuple[str, Path]:
    if "\n" in given or given.lstrip().startswith("{"):
        return given, Path.cwd()
    path = Path(given).expanduser()
    return _read(path), path.parent


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise KubeconfigError(
            f"{path}: {error.strerror}; set the provider's kubeconfig or $KUBECONFIG"
        ) from error


def _named(config: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in config.get(f"{section}s") or []:
        if entry["name"] == name:
            return dict(entry[section])
    names = ", ".join(entry["name"] for entry in config.get(f"{section}s") or []) or "none"
    raise KubeconfigError(f"the kubeconfig has no {section} {name!r} (it has: {names})")


def _pem(section: dict[str, Any], key: str, folder: Path) -> str | None:
    if section.get(f"{key}-data"):
        return base64.b64decode(section[f"{key}-data"]).decode()
    return _read(folder / section[key]) if section.get(key) else None
