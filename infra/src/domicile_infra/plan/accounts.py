"""The accounts and units of an organisation: which there are, under which unit, with which address, in which order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from domicile_catalog import Attestation, Catalogue
from domicile_catalog.environment import Cell, Environment, Organization
from domicile_policies.names import CORE, LOG_ARCHIVE, SECURITY, SHARED_SERVICES, AccountRole
from domicile_policies.zones import ResidencyZone, zone_of

from domicile_infra.plan.aws_facts import AwsFacts
from domicile_infra.plan.organization_faults import PlanFault

SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """A residency zone that the environment has cells in: an organisational unit of its name.

    `places` are all where its cells may stand; `regions` those where one does, or its backups. `jurisdictions` are
    its cells'.
    """

    name: str
    places: tuple[str, ...]
    regions: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def log_archive(self) -> str:
        """The name of the account that keeps the zone's logs."""
        return f"{LOG_ARCHIVE}{self.name}"


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account. `name` is short and ours; `display_name` is AWS's, `email` its address, unique among all of AWS.

    `existing_id` is an account that is taken over instead of being made. `regions` are those where it acts, the first
    being its own; in those of `watches` it does nothing but watch. `after` is the account made before it: AWS makes
    only so many at once. `jurisdictions` are a cell's.
    """

    name: str
    role: AccountRole
    unit: str
    display_name: str
    email: str
    regions: tuple[str, ...]
    watches: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    existing_id: str | None = None
    after: str | None = None


def plan_zones(
    environment: Environment, catalogue: Catalogue, on: date, attestations: Iterable[Attestation]
) -> tuple[tuple[ZonePlan, ...], tuple[PlanFault, ...]]:
    """The zones of the environment's cells by name, and a fault for each cell that is in none.

    A cell's zone is where all of its jurisdictions may keep one; it must stand in one of the zone's places.
    """
    known = tuple(attestations)
    grouped: dict[str, list[Cell]] = {}
    zones: dict[str, ResidencyZone] = {}
    faults: list[PlanFault] = []
    for at, cell in enumerate(environment.cells):
        zone = zone_of(catalogue, cell.jurisdictions, on, production=environment.production, attestations=known)
        together = ", ".join(cell.jurisdictions)
        if zone is None:
            problem = f"the cell {cell.name} is in no residency zone: no AWS region may hold a cell of {together}"
            remedy = "Give its jurisdictions cells of their own, attest what the catalogue lacks, or build a site."
            faults.append(PlanFault(problem, "residency", remedy, f"cells.{at}.jurisdictions"))
        elif cell.place not in zone.places:
            problem = f"the cell {cell.name} stands in {cell.place}, outside the zone {zone.name} of {together}"
            remedy = f"Put it in one of: {', '.join(zone.places)}."
            faults.append(PlanFault(problem, "residency", remedy, f"cells.{at}.place"))
        elif outside := [place for place in places_of(cell) if place not in zone.places]:
            problem = (
                f"the backups of {cell.name} would rest in {outside[0]}, outside the zone {zone.name} of {together}"
            )
            remedy = f"Name as backupPlace one of: {', '.join(zone.places)}."
            faults.append(PlanFault(problem, "residency", remedy, f"cells.{at}.backupPlace"))
        else:
            zones[zone.name] = zone
            grouped.setdefault(zone.name, []).append(cell)
    plans = tuple(_zone(zones[name], tuple(grouped[name])) for name in sorted(grouped))
    return plans, tuple(faults)


def _zone(zone: ResidencyZone, cells: tuple[Cell, ...]) -> ZonePlan:
    return ZonePlan(
        name=zone.name,
        places=zone.places,
        regions=tuple(sorted({place for cell in cells for place in places_of(cell)})),
        jurisdictions=tuple(sorted({code for cell in cells for code in cell.jurisdictions})),
        cells=tuple(sorted(cell.name for cell in cells)),
    )


def places_of(cell: Cell) -> tuple[str, ...]:
    """The regions that hold anything of a cell: its own first, then that of its backups."""
    return tuple(dict.fromkeys((cell.place, cell.backup_place or cell.place)))


def regions_in_use(organization: Organization, zones: Iterable[ZonePlan], facts: AwsFacts) -> tuple[str, ...]:
    """Every region in which something of the organisation stands: its home first, then by name."""
    others = {facts.global_region, *(region for zone in zones for region in zone.regions)} - {organization.home}
    return (organization.home, *sorted(others))


def plan_accounts(environment: Environment, zones: tuple[ZonePlan, ...], facts: AwsFacts) -> tuple[AccountPlan, ...]:
    """Every account, in the order in which they are made: those that keep the logs before those that write them."""
    organization = environment.organization
    if organization is None:
        return ()
    cells = {cell.name: cell for cell in environment.cells}
    home = organization.home
    own = tuple(dict.fromkeys((home, facts.global_region)))
    elsewhere = tuple(region for region in regions_in_use(organization, zones, facts) if region not in own)
    made: list[AccountPlan] = []

    def add(
        name: str,
        role: AccountRole,
        unit: str,
        regions: tuple[str, ...],
        cell: Cell | None = None,
    ) -> None:
        lane = len(made) - facts.quotas.account_creations_at_once
        made.append(
            AccountPlan(
                name=name,
                role=role,
                unit=unit,
                display_name=f"{environment.name}-{name}",
                email=organization.email.replace("{account}", f"{environment.name}-{name}"),
                regions=regions,
                watches=elsewhere if role is AccountRole.SECURITY else (),
                jurisdictions=tuple(sorted(cell.jurisdictions)) if cell else (),
                existing_id=(cell.account if cell else None) or organization.accounts.get(name),
                after=made[lane].name if lane >= 0 else None,
            )
        )

    # The security account watches over every region in use, each in its own place.
    add(SECURITY, AccountRole.SECURITY, CORE, own)
    add(SHARED_SERVICES, AccountRole.SHARED_SERVICES, CORE, (home,))
    for zone in zones:
        add(zone.log_archive, AccountRole.LOG_ARCHIVE, zone.name, zone.regions)
    for zone in zones:
        for name in zone.cells:
            add(name, AccountRole.CELL, zone.name, places_of(cells[name]), cells[name])
    return tuple(made)


def check_accounts(
    environment: Environment, zones: tuple[ZonePlan, ...], accounts: tuple[AccountPlan, ...], facts: AwsFacts
) -> Iterator[PlanFault]:
    """Names and ids that two claim, addresses that are not unique, and what exceeds AWS's quotas."""
    organization = environment.organization
    if organization is None:
        return
    quotas = facts.quotas
    if organization.email.count("{account}") != 1:
        problem = f"the addresses of accounts, {organization.email}, would not differ"
        yield PlanFault(problem, "unique e-mail address", "Write {account} once into organization.email.")
    yield from _twice([account.name for account in accounts], "name", "Rename the cell.")
    ids = [organization.account, *(one.existing_id for one in accounts if one.existing_id)]
    yield from _twice(ids, "account id", "Give each account its own id, and none the management account's.")
    for name in sorted(set(organization.accounts) - {account.name for account in accounts}):
        planned = ", ".join(account.name for account in accounts)
        yield PlanFault(
            f"organization.accounts names {name}, which is no account",
            "names",
            f"Planned: {planned}.",
            f"organization.accounts.{name}",
        )
    for zone in zones:
        if zone.name in (CORE, SUSPENDED):
            yield PlanFault(f"a zone is named {zone.name} as a unit of the organisation's own is", "names", "Rename.")
    if len(accounts) + 1 > quotas.accounts:
        problem = f"{len(accounts) + 1} accounts, the management account among them; AWS allows {quotas.accounts}"
        remedy = (
            "Have AWS raise the quota (Service Quotas, in us-east-1), then write it into organization.quotas.accounts."
        )
        yield PlanFault(problem, "quota of accounts", remedy, "organization.quotas.accounts")
    if len(zones) + 2 > quotas.organizational_units:
        path = "organization.quotas.organizationalUnits"
        problem = f"{len(zones) + 2} units; AWS allows {quotas.organizational_units}"
        yield PlanFault(problem, "quota of organisational units", "Use fewer zones, or have AWS raise it.", path)
    for account in accounts:
        for text, most, what in (
            (account.display_name, quotas.account_name_characters, "name"),
            (account.email, quotas.email_characters, "e-mail address"),
        ):
            if len(text) > most:
                problem = f"the {what} {text} has {len(text)} characters; AWS takes {most}"
                yield PlanFault(problem, f"length of an account's {what}", "Shorten the environment's or cell's name.")


def _twice(claims: list[str], what: str, remedy: str) -> Iterator[PlanFault]:
    for claimed, times in sorted(Counter(claims).items()):
        if times > 1:
            yield PlanFault(f"the {what} {claimed} is claimed by {times} accounts", f"one {what} an account", remedy)


def opt_in_regions(
    catalogue: Catalogue, accounts: Iterable[AccountPlan], regions: Iterable[str]
) -> Mapping[str | None, tuple[str, ...]]:
    """Regions that an account must be opted into first, by account; None is the management account.

    A trail of a region stands in the management account, and so does its opt-in.
    """

    def must(codes: Iterable[str]) -> tuple[str, ...]:
        return tuple(code for code in codes if code in catalogue.places and catalogue.places[code].opt_in)

    found: dict[str | None, tuple[str, ...]] = {None: must(regions)}
    return found | {account.name: must((*account.regions, *account.watches)) for account in accounts}
