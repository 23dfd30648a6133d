"""What changes when the law does: a jurisdiction's facts between two days, and what that means for a tenant."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from domicile_catalog.days import local_midnight
from domicile_catalog.facts import Fact
from domicile_catalog.forms import Frozen
from domicile_catalog.model import Catalogue
from domicile_catalog.refusals import Refusal
from domicile_catalog.rule_errors import RulesError
from domicile_catalog.rules import Rules, rules_for
from domicile_catalog.tenancy import TenantPlacement, TenantRequest, place_tenant


class Change(Frozen):
    """A fact that says something else from a day on. `source` and `clause` are the new rule's.

    A value is None where there is no such rule, and where nothing is known of the time.
    """

    jurisdiction: str
    fact: str
    day: date
    before: Any
    after: Any
    before_known: bool
    after_known: bool
    source: str | None
    clause: str | None


class RuleChange(Frozen):
    """One entry of a tenant's rules.json that changes; the values are as they stand there."""

    rule: str
    before: Any
    after: Any


class Impact(Frozen):
    """What a change of law means for one tenant.

    `effective` is the instant at which the day begins where the licence is. `unlawful` is true where the tenant may
    not go on as it is; `must` says what has to happen until then, in sentences.
    """

    tenant: str
    jurisdiction: str
    effective: datetime
    place: str | None
    place_after: str | None
    rules: tuple[RuleChange, ...]
    unlawful: bool
    must: tuple[str, ...]


def law_changes(catalogue: Catalogue, code: str, after: date, until: date) -> tuple[Change, ...]:
    """What begins or ends in a jurisdiction after one day and until another, each change on its day.

    KeyError where the catalogue has no such jurisdiction.
    """
    record = catalogue.jurisdictions[code]
    found: list[Change] = []
    then = record.on(after)
    for day in (day for day in record.changes() if after < day <= until):
        now = record.on(day)
        for (name, old), (_, new) in zip(then.facts.items(), now.facts.items(), strict=True):
            if _says(old) != _says(new):
                found.append(
                    Change(
                        jurisdiction=code,
                        fact=name,
                        day=day,
                        before=old.value,
                        after=new.value,
                        before_known=old.known,
                        after_known=new.known,
                        source=new.source,
                        clause=new.clause,
                    )
                )
        then = now
    return tuple(found)


def _says(fact: Fact[Any]) -> tuple[bool, Any]:
    return fact.known, fact.value


def impact(
    catalogue: Catalogue, tenant: str, request: TenantRequest, limits: Mapping[str, int], on: date
) -> Impact | None:
    """What changes for a tenant between the day of its request and another, or None where nothing does.

    The tenant lives where the request's day places it; whether it may stay is asked of that place alone.
    """
    then, now = place_tenant(catalogue, request), place_tenant(catalogue, request.model_copy(update={"on": on}))
    place_before = then.place if isinstance(then, TenantPlacement) else None
    must: list[str] = []
    place_after = now.place if isinstance(now, TenantPlacement) else None
    unlawful = place_before is not None and place_after is None
    if place_before is not None and place_after is not None:
        stay = place_tenant(catalogue, request.model_copy(update={"on": on, "cells": (place_before,)}))
        if isinstance(stay, Refusal):
            unlawful = True
            must.append(f"Move from {place_before} to {place_after}. {stay.message}")
        else:
            place_after = place_before
    elif isinstance(now, Refusal) and unlawful:
        must.append(f"{now.message} {now.remedy}")
    elif place_before is None and place_after is not None:
        must.append(f"It may live in {place_after} from then on; apply it again.")
    before, _ = _rules(catalogue, request, limits, request.on)
    after, refused = _rules(catalogue, request, limits, on)
    rules = _rule_changes(before, after)
    if before is not None and refused is not None:
        unlawful = True
        must.append(refused)
    if rules:
        changed = ", ".join(f"{one.rule} from {one.before} to {one.after}" for one in rules)
        must.append(f"The casino's rules change by themselves: {changed}. Tell players where the law asks for it.")
    if not must:
        return None
    return Impact(
        tenant=tenant,
        jurisdiction=request.jurisdiction,
        effective=local_midnight(catalogue, request.jurisdiction, on, request.attestations),
        place=place_before,
        place_after=place_after,
        rules=rules,
        unlawful=unlawful,
        must=tuple(must),
    )


NOTICE_DAYS = 180
"""How far ahead a tenant is told of a law that will make it unlawful."""


def law_ahead(
    catalogue: Catalogue, tenant: str, request: TenantRequest, limits: Mapping[str, int], days: int = NOTICE_DAYS
) -> Impact | None:
    """The first change of law in the days after the request's that makes a tenant unlawful where it lives.

    `request.cells` is the one place where it lives. `effective` of the answer is the deadline.
    """
    for day in _changes(catalogue, request):
        if request.on < day <= request.on + timedelta(days=days):
            found = impact(catalogue, tenant, request, limits, day)
            if found and found.unlawful:
                return found
    return None


def unlawful_since(catalogue: Catalogue, request: TenantRequest, limits: Mapping[str, int]) -> datetime | None:
    """The instant from which a tenant that was lawful until then is refused; None where it never was."""
    since: date | None = None
    for day in reversed([day for day in _changes(catalogue, request) if day <= request.on]):
        if _lawful(catalogue, request.model_copy(update={"on": day}), limits):
            break
        since = day
    else:
        since = since if since and _lawful(catalogue, _the_day_before(request, since), limits) else None
    return local_midnight(catalogue, request.jurisdiction, since, request.attestations) if since else None


def _the_day_before(request: TenantRequest, day: date) -> TenantRequest:
    return request.model_copy(update={"on": day - timedelta(days=1)})


def _changes(catalogue: Catalogue, request: TenantRequest) -> tuple[date, ...]:
    """The days on which a law begins or is over, or an attestation of the jurisdiction does, in order."""
    record = catalogue.jurisdictions.get(request.jurisdiction)
    days = set(record.changes() if record else ())
    for one in request.attestations:
        if one.jurisdiction == request.jurisdiction:
            days |= {one.attested_on, one.expires_on + timedelta(days=1)}
    return tuple(sorted(days))


def _lawful(catalogue: Catalogue, request: TenantRequest, limits: Mapping[str, int]) -> bool:
    if isinstance(place_tenant(catalogue, request), Refusal):
        return False
    rules, _ = _rules(catalogue, request, limits, request.on)
    return rules is not None


def _rules(
    catalogue: Catalogue, request: TenantRequest, limits: Mapping[str, int], on: date
) -> tuple[Rules | None, str | None]:
    try:
        return rules_for(catalogue, request.model_copy(update={"on": on}), limits), None
    except RulesError as error:
        return None, str(error)


def _rule_changes(before: Rules | None, after: Rules | None) -> tuple[RuleChange, ...]:
    if before is None or after is None:
        return ()
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    told = [name for name in old if name not in ("confidence", "sources", "catalogue_version")]
    return tuple(RuleChange(rule=name, before=old[name], after=new[name]) for name in told if old[name] != new[name])
