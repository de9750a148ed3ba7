"""The provider's own settings: what of the real plugin's configuration means something here."""

import json
from dataclasses import dataclass
from typing import Any, Self

from infra.offline.kubernetes_provider.kubeconfig import Access, KubeconfigError, load
from infra.offline.kubernetes_provider.values import has_unknown

_REFUSED = {
    "renderYamlToDirectory": "rendering to files is not in the stand-in plugin",
    "enableServerSideApply": "the stand-in plugin always applies server-side",
}


@dataclass(frozen=True)
class Settings:
    """As the program gave them; truth values come as JSON text."""

    kubeconfig: str | None
    context: str | None
    cluster: str | None
    namespace: str | None
    identifier: str | None
    config_maps_mutable: bool
    secrets_mutable: bool
    upsert: bool
    delete_unreachable: bool

    @classmethod
    def of(cls, config: dict[str, Any]) -> Self:
        return cls(
            kubeconfig=config.get("kubeconfig"),
            context=config.get("context"),
            cluster=config.get("cluster"),
            namespace=config.get("namespace"),
            identifier=config.get("clusterIdentifier"),
            config_maps_mutable=_truth(config.get("enableConfigMapMutable")),
            secrets_mutable=_truth(config.get("enableSecretMutable")),
            upsert=_truth(config.get("upsertExistingObjects")),
            delete_unreachable=_truth(config.get("deleteUnreachable")),
        )

    def access(self) -> Access:
        """Raises KubeconfigError."""
        return load(self.kubeconfig, self.context, self.cluster)

    def same_cluster(self, other: "Settings") -> bool:
        """Whether both mean one cluster: by the identifier, or else by server and certificate authority."""
        if self.identifier or other.identifier:
            return self.identifier == other.identifier
        try:
            one, two = self.access(), other.access()
        except KubeconfigError:
            return False
        return (one.server, one.authority) == (two.server, two.authority)


def refused(config: dict[str, Any]) -> list[tuple[str, str]]:
    """Settings that would not do what they say: name and reason."""
    wrong = {"renderYamlToDirectory": bool(config.get("renderYamlToDirectory"))}
    wrong["enableServerSideApply"] = str(config.get("enableServerSideApply", "true")).lower() == "false"
    remedy = "leave it out, or use the real plugin (SWITCHBOARD_KUBERNETES_PLUGIN=real)"
    return [
        (key, f"{why}; {remedy}")
        for key, why in _REFUSED.items()
        if wrong[key] and not has_unknown(config[key])
    ]


def _truth(given: Any) -> bool:
    if isinstance(given, str) and given:
        return bool(json.loads(given.lower()))
    return bool(given)
