"""Explains a tenant's manifest: how it stands before the law, and by which facts and limits."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from domicile_catalog import (
    Catalogue,
    DataClass,
    Fault,
    Placement,
    Product,
    Refusal,
    Rules,
    TenantPlacement,
    TenantRequest,
    place,
    place_tenant,
)
from domicile_catalog.environment import Surroundings
from domicile_catalog.forms import Frozen

from domicile_cli.manifests import in_order, named_twice, read_manifests
from domicile_cli.standing import Stop, lawful_rules, request_of, stops
from domicile_cli.tenant import CasinoTenant

_LIMITED = ("min_age_years", "slot_max_stake", "session_idle_timeout_s")


class LicenceStanding(Frozen):
    """The licence on the day that is decided for. `days_left` counts that day's successors; it is negative after."""

    number: str
    holder: str
    valid_until: date
    valid: bool
    days_left: int


class ClassAnswer(Frozen):
    """What `place()` answers for one class of one product's data."""

    data_class: DataClass
    product: Product
    answer: Placement | Refusal


class LimitEffect(Frozen):
    """One limit that the tenant sets. `tightens` has the rules that say something else because of it."""

    limit: str
    value: int
    tightens: tuple[str, ...]
    refused: bool


class TenantExplanation(Frozen):
    """One tenant's manifest, explained for one day where the licence is.

    `law` are the rules of play as the jurisdiction has them, `rules` as they bind the tenant: tightened by those of
    its limits that are lawful. Both are None where there are no rules. `stops` has every refusal at once.
    """

    tenant: str
    brand: str
    jurisdiction: str
    jurisdiction_name: str | None
    products: tuple[Product, ...]
    on: date
    lawful: bool
    licence: LicenceStanding
    decision: TenantPlacement | Refusal
    placements: tuple[ClassAnswer, ...]
    law: Rules | None
    rules: Rules | None
    limits: tuple[LimitEffect, ...]
    warnings: tuple[str, ...]
    stops: tuple[Stop, ...]


class FileExplanation(Frozen):
    """A file's tenants, what they were decided by, and what in the file or the environment could not be read.

    `environment` is None where the file lies in none and none was named.
    """

    file: str
    environment: str | None
    folder: str | None
    production: bool
    attestations: int
    catalogue_version: str
    tenants: tuple[TenantExplanation, ...]
    faults: tuple[Fault, ...]

    @property
    def lawful(self) -> bool:
        """Whether every tenant is, and nothing is at fault."""
        return not self.faults and all(one.lawful for one in self.tenants)


def environment_around(file: Path) -> Path | None:
    """The environment's folder that a manifest lies in: <environment>/tenants/<file>."""
    tenants = Path(os.path.normpath(file.absolute())).parent  # as it is written: a link belongs where it stands
    folder = tenants.parent
    is_one = (folder / "environment.yaml").is_file() or folder.parent.name == "environments"
    if tenants.name != "tenants" or not is_one:
        return None
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def explain_file(
    file: Path, around: Surroundings, day: Callable[[str], date], *, folder: Path | None, faults: Iterable[Fault] = ()
) -> FileExplanation:
    """Every tenant of a file in an environment, or in none. `day` tells the day to decide for in a jurisdiction.

    `faults` are those of the environment, each of a file in its `folder`.
    """
    found = [replace(fault, file=(folder / fault.file).as_posix()) if folder else fault for fault in faults]
    manifests = read_manifests(file, file.as_posix(), found)
    found += named_twice(manifests)
    return FileExplanation(
        file=file.as_posix(),
        environment=around.name or None,
        folder=folder.as_posix() if folder else None,
        production=around.production,
        attestations=len(around.attestations),
        catalogue_version=around.catalogue.version,
        tenants=tuple(
            _explain(manifest.tenant, around, day(manifest.tenant.spec.jurisdiction)) for manifest in manifests
        ),
        faults=in_order(found),
    )


def _explain(tenant: CasinoTenant, around: Surroundings, on: date) -> TenantExplanation:
    spec, catalogue = tenant.spec, around.catalogue
    request = request_of(tenant, around, on=on)
    decision = place_tenant(catalogue, request)
    stopped = stops(catalogue, tenant, request, decision)
    placements = _placements(catalogue, request)
    refused = {stop.path.removeprefix("spec.limits.") for stop in stopped}
    lawful_limits = {name: value for name, value in spec.limits.given().items() if name not in refused}
    found = catalogue.jurisdictions.get(spec.jurisdiction)
    return TenantExplanation(
        tenant=tenant.metadata.name,
        brand=spec.brand,
        jurisdiction=spec.jurisdiction,
        jurisdiction_name=found.name if found else None,
        products=spec.products,
        on=on,
        lawful=not stopped,
        licence=LicenceStanding(
            number=spec.licence.number,
            holder=spec.licence.holder,
            valid_until=spec.licence.validUntil,
            valid=spec.licence.validUntil >= on,
            days_left=(spec.licence.validUntil - on).days,
        ),
        decision=decision,
        placements=placements,
        law=lawful_rules(catalogue, request, {}),
        rules=lawful_rules(catalogue, request, lawful_limits),
        limits=_effects(catalogue, request, spec.limits.given(), refused),
        warnings=_warnings(decision, placements),
        stops=stopped,
    )


def _placements(catalogue: Catalogue, request: TenantRequest) -> tuple[ClassAnswer, ...]:
    return tuple(
        ClassAnswer(
            data_class=data_class,
            product=product,
            answer=place(catalogue, request.question(product, data_class), request.candidates, request.attestations),
        )
        for data_class in DataClass
        for product in request.products
    )


def _effects(
    catalogue: Catalogue, request: TenantRequest, limits: dict[str, int], refused: set[str]
) -> tuple[LimitEffect, ...]:
    """What each limit does by itself."""
    law = lawful_rules(catalogue, request, {})
    effects = []
    for name, value in limits.items():
        alone = lawful_rules(catalogue, request, {name: value})
        differs = [rule for rule in _LIMITED if law and alone and getattr(law, rule) != getattr(alone, rule)]
        effects.append(LimitEffect(limit=name, value=value, tightens=tuple(differs), refused=name in refused))
    return tuple(effects)


def _warnings(decision: TenantPlacement | Refusal, placements: tuple[ClassAnswer, ...]) -> tuple[str, ...]:
    expiring = decision.expiring if isinstance(decision, TenantPlacement) else ()
    of_classes = [warning for one in placements for warning in one.answer.warnings]
    return tuple(dict.fromkeys((*expiring, *decision.warnings, *of_classes)))
