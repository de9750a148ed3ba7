"""The little that Airflow's pods ask of Kubernetes beside Airflow itself: no client library, few bytes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
API = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class PodApi:
    """Requests about the pods of this namespace, as arguments of httpx's clients."""

    account: Path = field(default=ACCOUNT)

    @property
    def certificates(self) -> str:
        """The cluster's own authority."""
        return str(self.account / "ca.crt")

    def request(self, method: str, name: str = "", **params: str) -> dict[str, Any]:
        """One pod by its name, or those that `params` select. The token is read anew: it changes hourly."""
        namespace = (self.account / "namespace").read_text("utf-8").strip()
        token = (self.account / "token").read_text("utf-8").strip()
        return {
            "method": method,
            "url": f"{API}/api/v1/namespaces/{namespace}/pods" + (f"/{name}" if name else ""),
            "params": params,
            "headers": {"Authorization": f"Bearer {token}"},
        }
