"""A cell is destroyed when no casino lives in it any more.

The engine deletes the operator before the tenants' kind, and a tenant is only let go by the operator, when its stores
are emptied: the deletion of the kind would wait for ever, with players' money in stores that are being deleted.
"""

from collections.abc import Iterable, Mapping
from http.client import NOT_FOUND
from typing import Any

import yaml
from domicile_audit.cluster import FAILURES, TENANTS, list_all
from domicile_infra.stacks import StackRef
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import new_client_from_config_dict

from domicile_cli.options import REFUSED, fail

_PROVIDER = "pulumi:providers:kubernetes"
_SHOWN = 5


def need_no_tenants(ref: StackRef, standing: Iterable[Mapping[str, Any]]) -> None:
    """End the command where a casino lives in the cluster of the stack, or where the cluster does not tell."""
    found = kubeconfig_of(standing)
    if found is None:
        return
    try:
        names = tenants_in(found)
    except (*FAILURES, ConfigException, yaml.YAMLError) as error:
        reason = getattr(error, "reason", None) or error
        fail(
            f"Nothing of {ref.name} was deleted: its cluster does not tell whether casinos live in it "
            f"({type(error).__name__}: {reason}). Their objects could not be deleted from here either: run this where "
            "the cluster's API answers, with `aws` on PATH. If the cluster is gone for good, `pulumi state delete` "
            "takes its objects out of the state.",
            REFUSED,
        )
    if names:
        shown = ", ".join(names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        fail(
            f"Nothing of {ref.name} was deleted. Casinos live in its cluster: {shown}{more}. Move or close each of "
            "them first: `kubectl delete casinotenant NAME` ends when its operator has let it go.",
            REFUSED,
        )


def kubeconfig_of(standing: Iterable[Mapping[str, Any]]) -> str | None:
    """The kubeconfig with which the stack's objects were made, or None for a stack that has none in a cluster.

    One whose content is not in the state in clear is none: the engine's own is without any credential.
    """
    resources = list(standing)
    if not any(one["type"].startswith("kubernetes:") for one in resources):
        return None
    known = (one.get("inputs", {}).get("kubeconfig") for one in resources if one["type"] == _PROVIDER)
    return next((one for one in known if isinstance(one, str)), None)


def tenants_in(kubeconfig: str) -> list[str]:
    """The names of the cluster's casinos, in order; none where it does not know their kind."""
    load: Any = new_client_from_config_dict  # the client has no types for it
    api = load(yaml.safe_load(kubeconfig))
    try:
        return sorted(str(one["metadata"]["name"]) for one in list_all(api, TENANTS))
    except ApiException as error:
        if error.status == NOT_FOUND:
            return []
        raise
