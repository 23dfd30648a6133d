"""What a cell says about itself in its cluster: the ConfigMap `domicile-cell` (docs/architecture.md, "The cell")."""

from dataclasses import dataclass
from typing import Any

from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.sizes import CACHE_ENGINE

INGRESS_CLASS, INGRESS_NAMESPACE = "skipper", "ingress-system"
"""The ingress controller whose pods are the load balancer's targets; the GitOps source brings it."""
POSTGRESQL_PORT, REDIS_PORT = 5432, 6379


@dataclass(frozen=True, slots=True)
class Stores:
    """What is known of the stores when they are there: the hosts of the writers, and the ARN of the secret in which RDS
    keeps the password of the database's administrator."""

    postgresql_host: str
    redis_host: str
    administrator_secret: str


def cell_document(plan: CellPlan, stores: Stores) -> dict[str, Any]:
    """The content of `cell.yaml`. Raises PlanError without an OpenBao."""
    if plan.openbao is None:
        raise PlanError(
            f"The cell {plan.name} has no OpenBao, and the operator gives no casino its secrets without one. Add "
            f"openbao (address, cidr, port) to the cell in environment.yaml, or build it without its workloads."
        )
    inside = str(plan.data_network)
    content: dict[str, Any] = {
        "name": plan.name,
        "environment": plan.environment,
        "production": plan.production,
        "places": [plan.place],
        "jurisdictions": list(plan.jurisdictions),
        "baseDomain": plan.base_domain,
        "ingressClass": INGRESS_CLASS,
        "ingressNamespace": INGRESS_NAMESPACE,
        "postgresql": {
            "host": stores.postgresql_host,
            "port": POSTGRESQL_PORT,
            "cidr": inside,
            "administrator": {"secret": stores.administrator_secret, "region": plan.place},
        },
        "redis": {
            "host": stores.redis_host,
            "port": REDIS_PORT,
            "cidr": inside,
            "elasticache": {
                "region": plan.place,
                "userGroup": plan.cache_users,
                "engine": CACHE_ENGINE,
                "tags": plan.tags.tags(),
            },
        },
        "openbao": {"address": plan.openbao.address, "cidr": plan.openbao.cidr, "port": plan.openbao.port},
        "paymentProviders": [
            {"name": one.name, "url": one.url, "cidr": one.cidr, "port": one.port} for one in plan.payment_providers
        ],
        "studios": [one.model_dump(mode="json", by_alias=True) for one in plan.studios],
        "exclusionRegisters": [one.model_dump(mode="json", by_alias=True) for one in plan.exclusion_registers],
    }
    if plan.backup_place != plan.place:
        content["copyPlaces"] = [plan.backup_place]
    if plan.games_keys:
        content["gamesKeys"] = list(plan.games_keys)
    if plan.attestation_root is not None:
        content["attestationRoot"] = plan.attestation_root
        if plan.attestation_serial is not None:
            content["attestationSerial"] = plan.attestation_serial
    return content
