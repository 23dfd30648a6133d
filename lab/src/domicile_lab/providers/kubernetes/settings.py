"""The provider's arguments. Pure, but for the environment that is given to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domicile_lab.providers.interface import Failure, ProviderError
from domicile_lab.providers.values import UNKNOWN

REFUSED = {
    "renderYamlToDirectory": "it applies to clusters and does not render to folders",
    "alwaysRender": "it applies to clusters and does not render to folders",
}
"""Arguments that this provider does not know how to honour, and why."""


@dataclass(frozen=True)
class Settings:
    """`kubeconfig`: a parsed kubeconfig; None for the pod's own service account."""

    kubeconfig: dict[str, Any] | None
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    patch_force: bool = False
    upsert: bool = False
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    config_map_mutable: bool = False
    secret_mutable: bool = False


def check(config: Mapping[str, Any]) -> list[Failure]:
    """The arguments that are refused."""
    failures = [
        Failure(name, f"The lab's Kubernetes provider refuses {name}: {why}. Leave it out, or use the official plugin.")
        for name, why in REFUSED.items()
        if config.get(name) not in (None, "false", False)
    ]
    if config.get("enableServerSideApply") in ("false", False):
        failures.append(
            Failure(
                "enableServerSideApply",
                "The lab's Kubernetes provider applies on the server only: client-side apply writes another "
                "annotation and other field owners. Leave enableServerSideApply out.",
            )
        )
    return failures


def settings(config: Mapping[str, Any], environment: Mapping[str, str], home: Path) -> Settings:
    """Settings of provider arguments. The environment gives what the arguments leave out, as for the official plugin:
    KUBECONFIG, and PULUMI_K8S_ENABLE_PATCH_FORCE and the like. Raises ProviderError for a kubeconfig that is none."""

    def flag(name: str, variable: str = "") -> bool:
        value = config.get(name)
        return (environment.get(variable) if value is None else value) in ("true", True)

    def text(name: str) -> str | None:
        value = config.get(name)
        return value if isinstance(value, str) and value else None

    return Settings(
        kubeconfig=kubeconfig(text("kubeconfig"), environment, home),
        context=text("context"),
        cluster=text("cluster"),
        namespace=text("namespace"),
        patch_force=flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert=flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
        delete_unreachable=flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        skip_update_unreachable=flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
        config_map_mutable=flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        secret_mutable=flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    )


def kubeconfig(given: str | None, environment: Mapping[str, str], home: Path) -> dict[str, Any] | None:
    """The kubeconfig that `given` is (YAML, or a file's path), else KUBECONFIG's, else ~/.kube/config, else None.

    In a file, relative paths (of certificates, of a credential plugin) are relative to the file: they are resolved
    here, so that where the text came from no longer matters.
    """
    if given is None:
        named = [Path(p) for p in environment.get("KUBECONFIG", "").split(":") if p] or [home / ".kube" / "config"]
        path = next((p for p in named if p.exists()), None)
        if path is None:
            return None
    elif "\n" in given or given.lstrip().startswith("{"):
        return _parsed(given, "its text", None)
    else:
        path = Path(given).expanduser()
    try:
        return _parsed(path.read_text(), str(path), path.parent)
    except OSError as error:
        raise ProviderError(
            f"The kubeconfig {path} cannot be read: {error.strerror}. The provider's argument `kubeconfig` takes a "
            "kubeconfig's YAML text or its path."
        ) from error


def _parsed(text: str, source: str, folder: Path | None) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProviderError(f"The kubeconfig ({source}) is not YAML: {error}") from error
    if not isinstance(found, dict) or not found.get("clusters"):
        raise ProviderError(f"The kubeconfig ({source}) names no clusters.")
    for entries, part, names in (
        ("clusters", "cluster", ("certificate-authority",)),
        ("users", "user", ("client-certificate", "client-key", "tokenFile")),
    ):
        for entry in found.get(entries) or []:
            section = entry.get(part) or {}
            for name in names:
                if folder and section.get(name):
                    section[name] = str(folder / section[name])
    return found


def active(settings: Settings) -> dict[str, Any]:
    """The context that is used: {name, cluster, user, namespace?}; empty in a pod."""
    if settings.kubeconfig is None:
        return {}
    wanted = settings.context or settings.kubeconfig.get("current-context")
    for entry in settings.kubeconfig.get("contexts") or []:
        if entry["name"] == wanted:
            return {"name": wanted, **entry["context"]}
    have = ", ".join(str(e["name"]) for e in settings.kubeconfig.get("contexts") or []) or "none"
    raise ProviderError(f"The kubeconfig has no context {wanted!r}; it has {have}. Set the argument `context`.")


def server(config: Mapping[str, Any], environment: Mapping[str, str], home: Path) -> str | None:
    """The address of the cluster that arguments lead to; None where that is not known (yet)."""
    if UNKNOWN in (config.get("kubeconfig"), config.get("context"), config.get("cluster")):
        return None
    try:
        found = settings(config, environment, home)
        name = found.cluster or active(found).get("cluster")
    except ProviderError:
        return None
    clusters = (found.kubeconfig or {}).get("clusters") or []
    return next((c["cluster"].get("server") for c in clusters if c["name"] == name), None)
