"""What an answer of the API server other than the one asked for means, and what to do. Pure."""

import json
import re

from domicile_kubectl.errors import Forbidden, Missing, PluginError
from domicile_kubectl.names import GROUP, PLURAL

_NO_RIGHT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)


def refusal(status: int, method: str, path: str, text: bytes) -> PluginError:
    """The error for an answer of status 300 and more."""
    said = _status(text)
    message = str(said.get("message") or text[:300].decode(errors="replace").strip())
    if status == 404:
        return _not_found(said, path, message)
    if status == 401:
        return PluginError(
            "UNAUTHENTICATED",
            "The cluster does not take this kubeconfig's credentials: they are wrong or have run out. Log in anew.",
        )
    if status == 403 and (found := _NO_RIGHT.search(message)):
        return _no_right(found)
    if status == 409:
        return PluginError("CONFLICT", f"Somebody else changed it at the same moment: {message}. Try again.")
    if status in (403, 422):
        _, policy, reason = message.partition("denied request: ")
        return PluginError("REFUSED", f"The cluster refuses it: {reason if policy else message}")
    return PluginError("CLUSTER_ERROR", f"The cluster answered {status} to {method} {path}: {message}")


def _not_found(said: dict[str, object], path: str, message: str) -> PluginError:
    details = said.get("details")
    if isinstance(details, dict) and details.get("name"):
        return Missing("NOT_FOUND", message)
    if f"/{GROUP}/" in path:
        return PluginError(
            "NO_CRD",
            "This cluster does not know casino tenants: it has no CustomResourceDefinition "
            f"{PLURAL}.{GROUP}. Is it the right cluster (--context)? `domicile install` puts CRD and operator there.",
        )
    return Missing("NOT_FOUND", message)


def _no_right(found: re.Match[str]) -> Forbidden:
    resource = f"{found['resource']}.{found['group']}" if found["group"] else found["resource"]
    where, flag = "in the whole cluster", ""
    if found["namespace"]:
        where, flag = f"in the namespace {found['namespace']}", f" -n {found['namespace']}"
    return Forbidden(
        "FORBIDDEN",
        f"{found['user']} lacks the right to {found['verb']} {resource} {where}. Have it granted by a role; "
        f"`kubectl auth can-i {found['verb']} {resource}{flag}` tells whether it is.",
    )


def _status(text: bytes) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
