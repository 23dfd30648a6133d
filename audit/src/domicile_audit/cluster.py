"""Reads a cell's cluster back through the Kubernetes API: machines, volumes, tenants, and how many secrets. I/O.

What it finds are holdings like the cloud's, judged by the same rules. It reads no secret's content.
"""

import json
from collections import Counter
from http.client import OK
from typing import Any

from domicile_catalog import DataClass
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.config.kube_config import new_client_from_config
from urllib3.exceptions import HTTPError

from domicile_audit.holding import (
    NOWHERE_KNOWN,
    Coverage,
    Encryption,
    Flow,
    Holding,
    KeyKind,
    Survey,
    Unread,
)
from domicile_audit.kinds import KINDS

_REGION = "topology.kubernetes.io/region"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TENANTS = "/apis/casino.domicile.dev/v1alpha1/casinotenants"
FAILURES = (ApiException, HTTPError, ValueError)
Listed = list[dict[str, Any]]


def read_cluster(account: str, cell: str, kubeconfig: str, context: str | None = None) -> Survey:
    """What a cluster holds. `account` is the one that its cell is in, or the cell's name where it has none.

    Raises what the Kubernetes client raises of a file that is no kubeconfig.
    """
    load: Any = new_client_from_config  # the client has no types for it
    return survey_cluster(account, cell, load(config_file=kubeconfig, context=context))


def survey_cluster(account: str, cell: str, api: client.ApiClient) -> Survey:
    """What the cluster behind a client holds; what it does not tell is in `unread`."""
    unread: list[Unread] = []

    def listed(path: str) -> Listed:
        try:
            return list_all(api, path)
        except FAILURES as error:
            reason = f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"
            lost = Unread(
                account=account, region="*", service="kubernetes", operation=f"GET {path}", resource=cell, reason=reason
            )
            unread.append(lost)
            return []

    holdings = holdings_of(
        account,
        cell,
        nodes=listed("/api/v1/nodes"),
        volumes=listed("/api/v1/persistentvolumes"),
        secrets=listed("/api/v1/secrets"),
        tenants=listed(TENANTS),
    )
    told = Coverage(account=account, region="*", collector=f"cluster {cell}", holdings=len(holdings), calls=4)
    return Survey(holdings=holdings, coverage=(told,), unread=tuple(unread))


def list_all(api: client.ApiClient, path: str) -> Listed:
    """All items of a list, over all its pages. Of secrets the API server is asked to leave the content out.

    Raises one of FAILURES where the API server does not tell.
    """
    plain = path.endswith("/secrets")
    headers = {"Accept": _METADATA_ONLY if plain else "application/json"}
    items: Listed = []
    more = ""
    while True:
        query = [("limit", "500"), *([("continue", more)] if more else [])]
        request = api.param_serialize(
            "GET", path, query_params=query, header_params=headers, auth_settings=["BearerToken"]
        )
        response: Any = api.call_api(*request, _request_timeout=30)
        response.read()
        if response.status != OK:
            raise ApiException.from_response(http_resp=response, body=None, data=None)
        page = json.loads(response.data)
        items += page.get("items") or ()
        more = str(page.get("metadata", {}).get("continue") or "")
        if not more:
            return items


def holdings_of(
    account: str, cell: str, *, nodes: Listed, volumes: Listed, secrets: Listed, tenants: Listed
) -> tuple[Holding, ...]:
    """The holdings of what the API listed, as JSON's values. Pure."""
    regions = sorted({_region_of_node(one) for one in nodes})
    # A cluster's own store is beside its machines; where those stand in several places, or in none known, it may be in
    # each of them.
    own = regions or [NOWHERE_KNOWN]
    counted = Counter(str(one.get("metadata", {}).get("namespace")) for one in secrets)
    return (
        *(_holding(account, cell, "node", _name(one), _region_of_node(one)) for one in nodes),
        *(_volume(account, cell, one, own) for one in volumes),
        *(
            _holding(account, cell, "secrets", name, region, note=f"{number} secrets")
            for name, number in sorted(counted.items())
            for region in own
        ),
        *(one for tenant in tenants for one in _tenant(account, cell, tenant)),
    )


def _volume(account: str, cell: str, one: dict[str, Any], own: list[str]) -> Holding:
    """A volume stands where its affinity ties it to, or else where the machines are."""
    required = one.get("spec", {}).get("nodeAffinity", {}).get("required", {})
    tied = sorted(
        {
            str(value)
            for term in required.get("nodeSelectorTerms") or ()
            for rule in term.get("matchExpressions") or ()
            if rule.get("key") == _REGION and rule.get("operator") == "In"
            for value in rule.get("values") or ()
        }
    )
    regions = tied or own
    return _holding(
        account,
        cell,
        "persistentvolume",
        _name(one),
        regions[0],
        flows=tuple(Flow(target=f"{_name(one)} in {each}", by="affinity", region=each) for each in regions[1:]),
    )


def _tenant(account: str, cell: str, one: dict[str, Any]) -> tuple[Holding, ...]:
    """A tenant's data, where its operator says that it lives; one that lives nowhere yet holds nothing."""
    place = one.get("status", {}).get("place")
    jurisdiction = str(one.get("spec", {}).get("jurisdiction", ""))
    if not place:
        return ()
    return (_holding(account, cell, "tenant", _name(one), str(place), jurisdictions=(jurisdiction,)),)


def _region_of_node(one: dict[str, Any]) -> str:
    return str(one.get("metadata", {}).get("labels", {}).get(_REGION) or NOWHERE_KNOWN)


def _name(one: dict[str, Any]) -> str:
    return str(one.get("metadata", {}).get("name"))


def _holding(account: str, cell: str, kind: str, name: str, region: str, **more: Any) -> Holding:
    """Disks are encrypted by what the machine stands on, which the cloud's or the site's collectors read."""
    classes: tuple[DataClass, ...] = KINDS[f"kubernetes:{kind}"].classes
    return Holding(
        type=f"kubernetes:{kind}",
        arn=f"kubernetes://{cell}/{kind}/{name}",
        account=account,
        region=region,
        data_classes=classes,
        classified_by="type",
        encryption=Encryption(kind=KeyKind.INAPPLICABLE),
        **more,
    )
