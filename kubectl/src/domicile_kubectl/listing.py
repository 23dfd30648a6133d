"""The fleet as a table: a row for each tenant. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domicile_kubectl.names import Object
from domicile_kubectl.tenant import Tenant, age, text_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Row:
    """One tenant. `ready` is True, False or Unknown; `licence_days` counts whole days after today, by UTC."""

    name: str
    jurisdiction: str
    place: str
    state: str
    ready: str
    reason: str
    version: str
    licence_days: int | None
    age: str
    paused: bool
    brand: str
    url: str
    rules: str
    lawful_until: str


def rows(tenants: Iterable[Object], now: datetime) -> list[Row]:
    """A row for each tenant, in the order given."""
    return [_row(Tenant(one), now) for one in tenants]


def _row(tenant: Tenant, now: datetime) -> Row:
    ready = tenant.condition("Ready")
    return Row(
        name=tenant.name,
        jurisdiction=tenant.jurisdiction,
        place=tenant.place,
        state="Deleting" if tenant.deleting else str(tenant.status.get("state", "")),
        ready=ready.status if ready else "Unknown",
        reason=ready.reason if ready else "NotLookedAt",
        version=str(tenant.status.get("version", "")),
        licence_days=tenant.licence_days_left(now),
        age=age(tenant.created, now),
        paused=tenant.paused is not None,
        brand=tenant.brand,
        url=str(tenant.status.get("url", "")),
        rules=str((tenant.status.get("rules") or {}).get("digest", "")),
        lawful_until=str(tenant.status.get("lawfulUntil", "")),
    )


def as_json(found: Iterable["DataclassInstance"]) -> list[dict[str, Any]]:
    """The rows of a table for programs."""
    return [asdict(one) for one in found]


HEADINGS = ("NAME", "JURISDICTION", "PLACE", "STATE", "READY", "REASON", "VERSION", "LICENCE", "AGE")
WIDE = ("BRAND", "URL", "RULES", "LAWFUL UNTIL")


def cells(row: Row, wide: bool) -> list[str]:
    """A row's cells under HEADINGS, and WIDE after them."""
    days = row.licence_days
    licence = "-" if days is None else "ended" if days < 0 else f"{days}d"
    ready = f"{row.ready}, paused" if row.paused else row.ready
    narrow = [
        row.name, row.jurisdiction, text_of(row.place), text_of(row.state), ready, text_of(row.reason),
        text_of(row.version), licence, row.age,
    ]  # fmt: skip
    further = [row.brand, text_of(row.url), text_of(row.rules[:12]), text_of(row.lawful_until)]
    return [*narrow, *further] if wide else narrow
