"""EKS's tokens, reviewed for a Kubernetes API server as EKS does it for its own.

A token is a presigned sts:GetCallerIdentity with the cluster's name in a signed header that is not in the token. Its
caller is looked up among the cluster's access entries. Sources: Amazon EKS user guide, "Grant IAM users access to
Kubernetes with EKS access entries"; Kubernetes, "Webhook Token Authentication".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from domicile_lab.cloud.http import Call
from domicile_lab.cloud.principals import Key, Principal, find_key
from domicile_lab.cloud.shelf import Shelf
from domicile_lab.cloud.shelf_records import Place
from domicile_lab.cloud.signature import Claim, MalformedError, is_genuine, read_claim, timely

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
LIFETIME = timedelta(minutes=15)
"""STS takes such a request for this long, whatever its X-Amz-Expires says."""

_PARAMETERS = frozenset(
    ("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
     "X-Amz-Signature", "X-Amz-Security-Token")
)  # fmt: skip
_MASTERS = "AmazonEKSClusterAdminPolicy"


class TokenError(Exception):
    """A token that proves nothing, or whose holder has no access."""


def review(request: Mapping[str, Any], shelf: Shelf, cluster: str | None = None) -> dict[str, Any]:
    """The TokenReview with its status. `cluster` narrows the clusters that the token may be for.

    Groups are those of the access entry. An access policy becomes one too, since there is no authorizer of EKS here:
    AmazonEKSClusterAdminPolicy on the whole cluster is system:masters, any other is eks:<policy>, or
    eks:<policy>:<namespace>, for the lab to bind roles to.
    """
    try:
        token = str(request.get("spec", {}).get("token", ""))
        status: dict[str, Any] = {"authenticated": True, "user": _user(token, shelf, cluster, find_key)}
    except TokenError as error:
        status = {"authenticated": False, "error": str(error)}
    return {
        "apiVersion": request.get("apiVersion", "authentication.k8s.io/v1"),
        "kind": "TokenReview",
        "status": status,
    }


def _user(token: str, shelf: Shelf, cluster: str | None, find: Callable[[str], Key | None]) -> dict[str, Any]:
    call = _call(token)
    try:
        claim = read_claim(call)
    except MalformedError as error:
        raise TokenError(str(error)) from error
    if claim is None or claim.service != "sts" or not {"host", CLUSTER_HEADER} <= set(claim.signed_headers):
        raise TokenError(f"The token is not signed for sts with the headers host and {CLUSTER_HEADER}.")
    key = find(claim.access_key)
    now = datetime.now(UTC)
    if key is None or not key.active or key.token != claim.token:
        raise TokenError("The token's access key is unknown.")
    if (key.expires is not None and key.expires <= now) or not timely(replace(claim, lifetime=LIFETIME), now):
        raise TokenError("The token has expired.")
    for place, record in shelf.everywhere("eks", "cluster"):
        if cluster in (None, record["name"]) and _is_for(call, claim, key, record["name"]):
            return _mapped(key.principal, shelf, place, record)
    raise TokenError("The token's signature is for no cluster that is here.")


def _call(token: str) -> Call:
    """The request inside a token, which may ask who the caller is and nothing else."""
    if not token.startswith(PREFIX):
        raise TokenError(f"The token does not begin with {PREFIX}")
    text = token.removeprefix(PREFIX)
    try:
        url = urlsplit(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError) as error:
        raise TokenError(f"The token is no base64 of a URL: {error}") from error
    call = Call("GET", f"{url.path or '/'}?{url.query}", {"host": url.netloc}, b"")
    if url.path not in ("", "/") or call.query.get("Action") != "GetCallerIdentity" or set(call.query) - _PARAMETERS:
        raise TokenError("The token holds another request than sts:GetCallerIdentity.")
    return call


def _is_for(call: Call, claim: Claim, key: Key, cluster: str) -> bool:
    return is_genuine(replace(call, headers={**call.headers, CLUSTER_HEADER: cluster}), claim, key.secret)


def _mapped(principal: Principal, shelf: Shelf, place: Place, cluster: Mapping[str, Any]) -> dict[str, Any]:
    name = cluster["name"]
    if cluster["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        raise TokenError(f"The cluster {name} does not use access entries.")
    entry = _first(shelf.records("eks", "access entry", place), clusterName=name, principalArn=principal.arn)
    if entry is None:
        raise TokenError(f"{principal.arn} has no access entry in the cluster {name}.")
    policies = [
        one
        for one in shelf.records("eks", "access policy", place)
        if (one["clusterName"], one["principalArn"]) == (name, principal.arn)
    ]
    user = str(entry["username"]).replace("{{SessionName}}", principal.name).replace("{{AccountID}}", principal.account)
    return {
        "username": user,
        "uid": f"aws-iam-authenticator:{principal.account}:{principal.name}",
        "groups": [*entry["kubernetesGroups"], *(group for one in policies for group in _groups(one))],
        "extra": {"arn": [principal.caller], "canonicalArn": [principal.arn], "sessionName": [principal.name]},
    }


def _first(records: Iterable[Mapping[str, Any]], **members: Any) -> Mapping[str, Any] | None:
    return next((one for one in records if all(one[name] == value for name, value in members.items())), None)


def _groups(policy: Mapping[str, Any]) -> list[str]:
    name = str(policy["policyArn"]).rpartition("/")[2]
    scope = policy.get("accessScope") or {"type": "cluster"}
    if scope["type"] == "namespace":
        return [f"eks:{name}:{namespace}" for namespace in scope.get("namespaces", ())]
    return ["system:masters"] if name == _MASTERS else [f"eks:{name}"]
