"""Whether a tenant may be built here, as written, today. Pure, given the rulebook."""

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from domicile_catalog.images import image_version

from domicile_operator.cell import Cell, PaymentProvider, Studio
from domicile_operator.conditions import (
    ATTESTED,
    LAWFUL,
    LICENCE_EXPIRING,
    LICENCE_VALID,
    PLACED,
    Condition,
    timestamp,
)
from domicile_operator.errors import Refused
from domicile_operator.games import trusted
from domicile_operator.names import Names
from domicile_operator.operation import Closing, Sources
from domicile_operator.plan import LawAhead, Plan, RulesInForce
from domicile_operator.registers import asked, chosen, refused
from domicile_operator.releases.course import Release
from domicile_operator.spec import TenantSpec


@dataclass(frozen=True)
class Placed:
    """Where the catalogue puts a tenant, and what it said while doing so."""

    place: str
    attested: bool
    warnings: tuple[str, ...]
    rules: RulesInForce
    expiring: tuple[str, ...] = ()
    ahead: LawAhead | None = None


class Rulebook(Protocol):
    """The catalogue as the operator uses it."""

    def local_day(self, jurisdiction: str, cell: Cell, now: datetime) -> date:
        """Which day it is where the licence is: laws and licences begin and end at that midnight."""

    def midnight(self, jurisdiction: str, cell: Cell, day: date) -> datetime:
        """The instant, in UTC, at which a day begins where the licence is."""

    def place(self, spec: TenantSpec, pinned: str | None, cell: Cell, today: date) -> Placed | Refused:
        """The lawful place in the cell with the rules of play there, or why there is none.

        `pinned` is where the tenant lives already: what rests in a cell stays there, and may not rest elsewhere.

        Decided as the cell does: whether it is production, and whose attestations count there.
        """

    def refuses_backup(self, spec: TenantSpec, place: str, cell: Cell, today: date) -> Refused | None:
        """Why a backup of the tenant, which holds everything that rests in its cell, may not rest in `place`."""

    def law(self, cell: Cell, now: datetime) -> dict[str, str]:
        """What the cluster's admission policies are to go by in the cell."""


@dataclass(frozen=True)
class Decision:
    """A plan or a refusal, and the conditions that were found on the way.

    Both for a tenant that lives and whose licence has ended: it is kept running, for players are owed their balances,
    and it is refused play by `sources`, which say what licence and law close. `licence_ends` is an instant in UTC.
    """

    plan: Plan | None
    refused: Refused | None
    sources: Sources
    conditions: list[Condition] = field(default_factory=list)
    licence_ends: datetime | None = None


WARNED_DAYS = (7, 30, 60)
"""How many days before a licence's last day the tenant says so anew."""


def decide(
    names: Names,
    spec: TenantSpec,
    *,
    cell: Cell,
    release: Release,
    rulebook: Rulebook,
    today: date,
    pinned: str | None = None,
    taken_hosts: frozenset[str] = frozenset(),
) -> Decision:
    """Admit and place a tenant, as it runs by its `release`.

    Takes `today` where the licence is; `pinned`, the place where the tenant already lives: its records rest
    there, so no other place is considered; `taken_hosts`, the domains of older tenants.
    """
    conditions: list[Condition] = []
    licence, ends = _licence(spec, today), _licence_ends(spec, cell, rulebook)
    conditions.append(licence)
    expired = Refused(licence.reason, licence.message, LICENCE_VALID) if licence.status == "False" else None
    closings = _closings(ends, f"The licence ended on {spec.licence.valid_until}.", refused=expired is not None)
    withdrawals = spec.suspension is not None and spec.suspension.withdrawals
    sources = Sources(spec.state, withdrawals, closings, asked=False)
    if expired and pinned is None:
        return Decision(None, expired, sources, conditions, ends)
    not_served = _not_served(spec, cell)
    placed = not_served or rulebook.place(spec, pinned, cell, today)
    if isinstance(placed, Refused):
        conditions.append(Condition(PLACED, "False", placed.code, placed.message))
        conditions.append(_refused_by_law(placed))
        if not not_served:
            # What was lawful once ended on a day; what never was is closed for as long as it is refused.
            said = f"The law does not allow this casino here ({placed.code})."
            closings += _closings(placed.since, said, refused=True)
            sources = replace(sources, closings=closings, asked=True)
        return Decision(None, expired or placed, sources, conditions, ends)
    if placed.ahead is not None:
        closings += _closings(placed.ahead.deadline, "A change of law has ended play here.", refused=False)
    sources = replace(sources, closings=closings, asked=True)
    said = " ".join((f"Its data rests in {placed.place}.", *placed.warnings))
    conditions.append(Condition(PLACED, "True", "Placed", said))
    register = asked(spec.jurisdiction, placed.rules, cell)
    conditions += [_attested(placed), _lawful(placed), register]
    providers, studios = _providers(spec, cell), _studios(spec, cell)
    games = trusted(cell.games_manifests, cell.games_keys, image_version(release.image), cell.name)
    for found in (
        providers,
        studios,
        _hosts(spec, cell, taken_hosts),
        _networks(spec, cell, placed.rules),
        refused(register, cell),
        games,
    ):
        if isinstance(found, Refused):
            return Decision(None, expired or found, sources, conditions, ends)
    assert not isinstance(providers, Refused) and not isinstance(studios, Refused) and not isinstance(games, Refused)
    plan = Plan(
        names,
        spec,
        cell,
        placed.place,
        placed.rules,
        release,
        tuple(providers),
        tuple(studios),
        placed.ahead,
        games,
        chosen(placed.rules, cell),
    )
    return Decision(plan, expired, sources, conditions, ends)


def _not_served(spec: TenantSpec, cell: Cell) -> Refused | None:
    if not cell.jurisdictions or spec.jurisdiction in cell.jurisdictions:
        return None
    return Refused(
        "NOT_SERVED",
        f"Cell {cell.name} is for {', '.join(cell.jurisdictions)}, and not for {spec.jurisdiction}. Apply the tenant "
        "in a cell that is, or add the jurisdiction to this one's `jurisdictions`.",
        PLACED,
    )


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
    runs, left = f"Licence {licence.number} runs to {licence.valid_until}.", (licence.valid_until - today).days
    for days in WARNED_DAYS:
        if left <= days:
            ends = f"{runs} Play ends with that day: renew it, and set spec.licence.validUntil to its new last day."
            return Condition(LICENCE_VALID, "True", f"{LICENCE_EXPIRING}{days}Days", ends)
    return Condition(LICENCE_VALID, "True", "Valid", runs)


def _licence_ends(spec: TenantSpec, cell: Cell, rulebook: Rulebook) -> datetime:
    """The midnight after the licence's last day. A calendar has a first and a last day, and a zone moves them."""
    first, last = date(2, 1, 1), date.max - timedelta(days=2)
    day = max(first, min(spec.licence.valid_until, last)) + timedelta(days=1)
    return rulebook.midnight(spec.jurisdiction, cell, day)


def _closings(at: datetime | None, why: str, *, refused: bool) -> tuple[Closing, ...]:
    """By the day that is known, and, of what is refused, at once: whatever zone the day was reckoned in."""
    by_day = (Closing(at, why),) if at is not None else ()
    return (*by_day, Closing(None, why)) if refused else by_day


def _attested(placed: Placed) -> Condition:
    if placed.attested:
        if placed.expiring:
            return Condition(ATTESTED, "True", "AttestationExpiring", " ".join(placed.expiring))
        return Condition(ATTESTED, "True", "Attested", "Every binding fact is sourced or attested.")
    said = " ".join(placed.warnings) or "A binding fact is only recalled."
    return Condition(ATTESTED, "False", "FACTS_RECALLED", f"{said} A production environment would refuse this tenant.")


def _lawful(placed: Placed) -> Condition:
    if placed.ahead is None:
        return Condition(LAWFUL, "True", "Lawful", "No change of law that the catalogue knows of ends that.")
    return Condition(LAWFUL, "True", "UnlawfulAhead", _unlawful(placed.ahead.deadline, placed.ahead.must))


def _refused_by_law(refused: Refused) -> Condition:
    """What was lawful once has a day on which that ended; of what never was, the law ahead is not asked."""
    if refused.since is None:
        return Condition(LAWFUL, "Unknown", refused.code, "It may not live here; what the law does later is not asked.")
    return Condition(LAWFUL, "False", refused.code, _unlawful(refused.since, refused.message))


def _unlawful(since: datetime, must: str) -> str:
    return f"Unlawful from {timestamp(since)} on. {must}"


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


def _studios(spec: TenantSpec, cell: Cell) -> list[Studio] | Refused:
    known = {studio.name: studio for studio in cell.studios}
    unknown = [wanted.name for wanted in spec.studios if wanted.name not in known]
    if unknown:
        return Refused(
            "UNKNOWN_STUDIO",
            f"Cell {cell.name} has no studio {', '.join(unknown)}. "
            f"It has: {', '.join(sorted(known)) or 'none'}. Correct spec.studios, "
            "or have the studio added to the cell.",
        )
    return [known[wanted.name] for wanted in spec.studios]


def _networks(spec: TenantSpec, cell: Cell, rules: RulesInForce) -> Refused | None:
    if cell.networks or not json.loads(rules.text).get("geolocation_moments"):
        return None
    return Refused(
        "NETWORKS_MISSING",
        f"{spec.jurisdiction} lets nobody play whose place is not known, and cell {cell.name} has no database of "
        "networks to know it by. Write the ConfigMap domicile-networks in namespace domicile-system, with the key "
        "networks.csv (docs/players.md).",
    )


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
