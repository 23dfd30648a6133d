"""Whether a tenant may be built here, as written, today. Pure, given the rulebook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domicile_operator.cell import Cell, PaymentProvider
from domicile_operator.conditions import ATTESTED, LICENCE_VALID, PLACED, Condition
from domicile_operator.errors import Refused
from domicile_operator.names import Names
from domicile_operator.plan import Plan
from domicile_operator.spec import TenantSpec


@dataclass(frozen=True)
class Placed:
    """Where the catalogue puts a tenant, and what it said while doing so."""

    place: str
    attested: bool
    warnings: tuple[str, ...]
    rules_json: str
    expiring: tuple[str, ...] = ()


class Rulebook(Protocol):
    """The catalogue as the operator uses it."""

    def local_day(self, jurisdiction: str, now: datetime) -> date:
        """Which day it is where the licence is: laws and licences begin and end at that midnight."""

    def place(self, spec: TenantSpec, candidates: Sequence[str], cell: Cell, today: date) -> Placed | Refused:
        """The lawful place among the candidates with the rules of play there, or why there is none.

        Decided as the cell does: whether it is production, and whose attestations count there.
        """


@dataclass(frozen=True)
class Decision:
    """A plan or a refusal, and the conditions that were found on the way."""

    plan: Plan | None
    refused: Refused | None
    conditions: list[Condition] = field(default_factory=list)


def decide(
    names: Names,
    spec: TenantSpec,
    *,
    cell: Cell,
    image: str,
    rulebook: Rulebook,
    today: date,
    pinned: str | None = None,
    taken_hosts: frozenset[str] = frozenset(),
) -> Decision:
    """Admit and place a tenant.

    Takes `today` where the licence is; `pinned`, the place where the tenant already lives: its records rest
    there, so no other place is considered; `taken_hosts`, the domains of older tenants.
    """
    conditions: list[Condition] = []
    licence = _licence(spec, today)
    conditions.append(licence)
    if licence.status == "False":
        return Decision(None, Refused(licence.reason, licence.message, LICENCE_VALID), conditions)
    candidates = (pinned,) if pinned else cell.places
    placed = rulebook.place(spec, candidates, cell, today)
    if isinstance(placed, Refused):
        conditions.append(Condition(PLACED, "False", placed.code, placed.message))
        return Decision(None, placed, conditions)
    said = " ".join((f"Its data rests in {placed.place}.", *placed.warnings))
    conditions.append(Condition(PLACED, "True", "Placed", said))
    conditions.append(_attested(placed))
    providers = _providers(spec, cell)
    refused = providers if isinstance(providers, Refused) else _hosts(spec, cell, taken_hosts)
    if isinstance(providers, Refused) or refused is not None:
        return Decision(None, refused, conditions)
    return Decision(Plan(names, spec, cell, placed.place, placed.rules_json, image, tuple(providers)), None, conditions)


def _licence(spec: TenantSpec, today: date) -> Condition:
    licence = spec.licence
    if licence.valid_until < today:
        return Condition(
            LICENCE_VALID,
            "False",
            "LICENCE_EXPIRED",
            f"Licence {licence.number} of {licence.holder} ended on {licence.valid_until}. "
            "Renew it and set spec.licence.validUntil to its new last day.",
        )
    return Condition(LICENCE_VALID, "True", "Valid", f"Licence {licence.number} runs to {licence.valid_until}.")


def _attested(placed: Placed) -> Condition:
    if placed.attested:
        if placed.expiring:
            return Condition(ATTESTED, "True", "AttestationExpiring", " ".join(placed.expiring))
        return Condition(ATTESTED, "True", "Attested", "Every binding fact is sourced or attested.")
    said = " ".join(placed.warnings) or "A binding fact is only recalled."
    return Condition(ATTESTED, "False", "FACTS_RECALLED", f"{said} A production environment would refuse this tenant.")


def _providers(spec: TenantSpec, cell: Cell) -> list[PaymentProvider] | Refused:
    known = {provider.name: provider for provider in cell.payment_providers}
    unknown = [wanted.name for wanted in spec.payment_providers if wanted.name not in known]
    if unknown:
        return Refused(
            "UNKNOWN_PAYMENT_PROVIDER",
            f"Cell {cell.name} has no payment provider {', '.join(unknown)}. "
            f"It has: {', '.join(sorted(known)) or 'none'}. Correct spec.paymentProviders, "
            "or have the provider added to the cell.",
        )
    return [known[wanted.name] for wanted in spec.payment_providers]


def _hosts(spec: TenantSpec, cell: Cell, taken: frozenset[str]) -> Refused | None:
    inside = [host for host in spec.domains if host == cell.base_domain or host.endswith(f".{cell.base_domain}")]
    if inside:
        return Refused(
            "DOMAIN_RESERVED",
            f"{', '.join(inside)} lies under {cell.base_domain}, where names are given by the platform. "
            "Remove it from spec.domains.",
        )
    clashing = sorted(set(spec.domains) & taken)
    if clashing:
        return Refused(
            "DOMAIN_TAKEN",
            f"{', '.join(clashing)} belongs to an older tenant. Remove it from one of the two.",
        )
    return None
