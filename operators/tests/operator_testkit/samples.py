"""Values that the fast tests start from."""

from typing import Any

from domicile_operator.cell import BackupStore, Cell, ElastiCache, LedgerArchive
from domicile_operator.names import API_VERSION, KIND, Names
from domicile_operator.operation import Operation, Record
from domicile_operator.plan import Plan, RulesInForce
from domicile_operator.registers import chosen
from domicile_operator.releases.course import Release
from domicile_operator.spec import TenantSpec

from operator_testkit.fakes import IMAGE

SPEC: dict[str, Any] = {
    "brand": "Acme Casino",
    "jurisdiction": "GB",
    "licence": {"number": "000-1", "holder": "Acme Ltd", "validUntil": "2028-12-31"},
    "products": ["casino"],
    "paymentProviders": [{"name": "sandbox"}],
}

CELL = Cell.model_validate(
    {
        "name": "lab", "environment": "lab", "production": False, "places": ["eu-west-2", "sa-east-1"],
        "baseDomain": "l3f2a.localhost", "publicPort": 18443,
        "ingressClass": "skipper", "ingressNamespace": "ingress-system",
        "postgresql": {"host": "data1.domicile.internal", "port": 5432, "cidr": "10.1.2.3/32"},
        "redis": {"host": "data1.domicile.internal", "port": 6379, "cidr": "10.1.2.3/32"},
        "openbao": {"address": "https://data1.domicile.internal:8200", "cidr": "10.1.2.3/32", "port": 8200},
        "paymentProviders": [
            {"name": "sandbox", "url": "https://psp.domicile.internal:8443", "cidr": "10.1.2.4/32", "port": 8443}
        ],
        "studios": [
            {"name": "starbright", "title": "Starbright Games", "dialect": "rsa_status", "port": 9443,
             "apiUrl": "https://api.starbright.example:9443", "launchUrl": "https://play.starbright.example",
             "cidr": "10.1.2.5/32"},
            {"name": "moonlit", "title": "Moonlit", "dialect": "hmac_actions", "port": 443, "cidr": "10.1.2.6/32",
             "apiUrl": "https://api.moonlit.example", "launchUrl": "https://play.moonlit.example"},
        ],
        "exclusionRegisters": [
            {"name": "gamstop", "register": "GAMSTOP", "url": "https://registers.example:8444", "port": 8444,
             "cidr": "10.1.2.7/32"},
            {"name": "oasis", "register": "OASIS", "url": "https://registers.example:8445", "port": 8445,
             "cidr": "10.1.2.7/32"},
        ],
    }
).model_copy(update={"ca_pem": "-----BEGIN CERTIFICATE-----\n"})  # fmt: skip


IN_AWS = CELL.model_copy(
    update={
        "redis": CELL.redis.model_copy(
            update={
                "elasticache": ElastiCache(
                    region="eu-west-2", user_group="lab", engine="valkey", tags={"domicile:cell": "lab"}
                )
            }
        )
    }
)
"""The same cell with a cache whose users AWS makes."""


ARCHIVING = CELL.model_copy(update={"ledger_archive": LedgerArchive(storage_class="kept", size="20Gi")})
"""The same cell with a place for sealed months."""


BACKED_UP = CELL.model_copy(
    update={
        "backups": tuple(
            BackupStore.model_validate(
                {"name": name, "place": place, "url": f"rest:https://{name}.example:8000", "cidr": "10.1.2.8/32",
                 "port": 8000}
            )
            for name, place in (("offsite", "eu-west-2"), ("abroad", "sa-east-1"))
        )
    }
)  # fmt: skip
"""The same cell with two stores for backups."""


def tenant(name: str = "acme-gb", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": SPEC | spec}


def plan(
    name: str = "acme-gb", *, image: str = IMAGE, rules: str = '{"schema": 1}\n', cell: Cell = CELL, **spec: Any
) -> Plan:
    parsed = TenantSpec.model_validate(SPEC | spec)
    in_force = RulesInForce(rules, "d" * 64, "c" * 64)
    named = {studio.name for studio in parsed.studios}
    studios = tuple(studio for studio in cell.studios if studio.name in named)
    register = chosen(in_force, cell)
    record = Record(1, Operation("Onboarding", frozenset(), None, "The casino is being set up."))
    return Plan(
        Names(name),
        parsed,
        cell,
        "eu-west-2",
        in_force,
        Release(image),
        cell.payment_providers,
        studios,
        register=register,
        operation=record,
    )
