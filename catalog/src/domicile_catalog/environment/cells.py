"""What is wrong with the cells of an environment, before anything of them is built.

Every fault names the field that it stands in, so that it can be shown with its line.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations

from domicile_catalog.attestation import answer
from domicile_catalog.documents import Fault
from domicile_catalog.environment.model import Cell, Environment, Organization
from domicile_catalog.environment.surroundings import FILE, Surroundings
from domicile_catalog.model import Catalogue
from domicile_catalog.refusals import Refusal
from domicile_catalog.tenancy import TenantRequest, place_tenant
from domicile_catalog.vocabulary import Product

WIDEST = 8
LARGEST, SMALLEST = 16, 20
"""The prefix lengths of a cell's network: three zones of five subnets must find room in it."""
ZONES = 3
"""How many availability zones a cell spans: its stores keep a majority when one is lost."""


def check_cells(around: Surroundings, on: date) -> tuple[Fault, ...]:
    """Everything that forbids building the environment's cells on a day: forms, clashes, and the law."""
    environment = around.environment
    if environment is None or not (environment.cells or environment.organization):
        return ()
    found: list[Fault] = [*_whole(environment), *_organization(around, environment.organization)]
    for at, cell in enumerate(environment.cells):
        found += _cell(around, environment, cell, f"cells.{at}", on)
    found += _twice(environment)
    found += _networks(environment)
    return tuple(found)


def cell_request(around: Surroundings, cell: Cell, code: str, product: Product, on: date) -> TenantRequest:
    """What is asked of the catalogue for a cell: may a tenant of this jurisdiction live in it?

    What rests in a cell rests in its place; copies and backups may also go to its backup place and to the
    environment's other places.
    """
    elsewhere = around.candidates or around.catalogue.implicit_places
    return TenantRequest(
        jurisdiction=code,
        products=(product,),
        candidates=tuple(dict.fromkeys((cell.place, *elsewhere))),
        cells=(cell.place,),
        production=around.production,
        attestations=around.attestations,
        on=on,
    )


def zones_of(catalogue: Catalogue, cell: Cell) -> tuple[str, ...]:
    """The availability zones that a cell spans: those that it names, or the first that an account gets in its place.

    Fewer than `ZONES` where the place has no more, which `check_cells` refuses.
    """
    return cell.availability_zones or catalogue.places[cell.place].availability_zones[:ZONES]


def refused_in(around: Surroundings, cell: Cell, code: str, on: date) -> Refusal | None:
    """Why no tenant of the jurisdiction may live in the cell, or None where one may, with any product."""
    first: Refusal | None = None
    for product in Product:
        decision = place_tenant(around.catalogue, cell_request(around, cell, code, product, on))
        if not isinstance(decision, Refusal):
            return None
        first = first or decision
    return first


def _whole(environment: Environment) -> Iterator[Fault]:
    if environment.cells and environment.organization is None:
        yield Fault(FILE, "organization", "is missing", "the organisation whose accounts the cells are")
    if environment.disposable and environment.production:
        yield Fault(FILE, "disposable", "production cannot be thrown away", "disposable: false")
    if environment.owner is None:
        yield Fault(FILE, "owner", "is missing", "the e-mail address of who answers for what is built")
    organization = environment.organization
    stacks = {cell.name for cell in environment.cells} | ({organization.stack} if organization else set())
    if environment.disposable:
        yield from _not_ours(environment)
    for at, approval in enumerate(environment.approvals):
        if approval.stack not in stacks:
            yield Fault(FILE, f"approvals.{at}.stack", f"unknown stack {approval.stack}", ", ".join(sorted(stacks)))


def _not_ours(environment: Environment) -> Iterator[Fault]:
    """Accounts that were there before: to destroy what is disposable closes its accounts."""
    given = [(name, f"organization.accounts.{name}") for name, _ in _existing(environment.organization)]
    given += [(cell.name, f"cells.{at}.account") for at, cell in enumerate(environment.cells) if cell.account]
    for name, path in given:
        problem = f"the account of {name} existed before, and would be closed with this disposable environment"
        yield Fault(FILE, path, problem, "accounts that the environment makes, or disposable: false")


def _organization(around: Surroundings, organization: Organization | None) -> Iterator[Fault]:
    if organization is None:
        return
    home = around.catalogue.places.get(organization.home)
    if home is None or home.kind != "aws":
        yield Fault(FILE, "organization.home", f"{organization.home} is no AWS region", "an AWS region")
    if organization.supernet.prefixlen > LARGEST:
        problem = f"{organization.supernet} holds no network of a cell"
        yield Fault(FILE, "organization.supernet", problem, f"at most /{LARGEST}")
    for at, regulator in enumerate(organization.regulators):
        for step, code in enumerate(regulator.jurisdictions):
            yield from _known(around, code, f"organization.regulators.{at}.jurisdictions.{step}")


def _cell(around: Surroundings, environment: Environment, cell: Cell, path: str, on: date) -> Iterator[Fault]:
    yield from _place(around, environment, cell.place, f"{path}.place")
    if cell.backup_place is not None:
        yield from _place(around, None, cell.backup_place, f"{path}.backupPlace")
        yield from _backups(around, cell, f"{path}.backupPlace", on)
    if cell.cidr is not None and not LARGEST <= cell.cidr.prefixlen <= SMALLEST:
        yield Fault(FILE, f"{path}.cidr", f"{cell.cidr} is no size of a cell", f"/{LARGEST} to /{SMALLEST}")
    for step, network in enumerate(cell.api_cidrs):
        if network.prefixlen < WIDEST:
            problem = f"{network} lets half the world at the cluster's API"
            yield Fault(FILE, f"{path}.apiCidrs.{step}", problem, f"networks of your own, at most /{WIDEST}")
    if cell.place not in around.catalogue.places:
        return
    yield from _zones(around, cell, path)
    for step, code in enumerate(cell.jurisdictions):
        where = f"{path}.jurisdictions.{step}"
        unknown = list(_known(around, code, where))
        yield from unknown
        refusal = None if unknown else refused_in(around, cell, code, on)
        if refusal:
            needs = f" Needed: {', '.join(refusal.needs)}." if refusal.needs else ""
            yield Fault(FILE, where, f"{refusal.code}: {refusal.message} {refusal.remedy}{needs}")
    yield from _registers(around, cell, f"{path}.exclusionRegisters", on)


def _registers(around: Surroundings, cell: Cell, path: str, on: date) -> Iterator[Fault]:
    """Registers that two entries name, and those that no law of the cell's has: nobody would ever ask them."""
    each = list(enumerate(cell.exclusion_registers))
    yield from _claimed([(one.name, f"{path}.{at}.name") for at, one in each], "a name of its own")
    yield from _claimed([(one.register_name, f"{path}.{at}.register") for at, one in each], "each register once")
    served = [found for code in cell.jurisdictions if (found := around.catalogue.jurisdiction(code, on))]
    facts = [answer(one, "self_exclusion_register", around.attestations, on).fact for one in served]
    known = {fact.value for fact in facts if fact.value is not None}
    for at, one in each:
        if one.register_name not in known:
            problem = f"{one.register_name} is the register of none of the cell's jurisdictions"
            yield Fault(FILE, f"{path}.{at}.register", problem, ", ".join(sorted(known)) or "none: leave it out")


def _zones(around: Surroundings, cell: Cell, path: str) -> Iterator[Fault]:
    """Zones of other ground, or one twice; and without any named, a region that has too few of them."""
    place = around.catalogue.places[cell.place]
    given = cell.availability_zones
    for step, zone in enumerate(given or ()):
        # A Local Zone is named after its region too, and stands on other ground.
        if not re.fullmatch(rf"{re.escape(cell.place)}[a-z]", zone):
            problem = f"{zone} is no availability zone of {cell.place}"
            known = ", ".join(place.availability_zones) or f"{cell.place}a, {cell.place}b, ..."
            yield Fault(FILE, f"{path}.availabilityZones.{step}", problem, known)
        elif zone in (given or ())[:step]:
            yield Fault(FILE, f"{path}.availabilityZones.{step}", f"{zone} stands twice", f"{ZONES} different zones")
    if given is None and place.code in around.catalogue.implicit_places and len(place.zones) < ZONES:
        has = ", ".join(place.availability_zones) or "none that is known"
        problem = f"an account gets {len(place.zones)} availability zones in {cell.place} ({has}); a cell needs {ZONES}"
        allowed = f"another region, or availabilityZones with {ZONES} that the account has"
        yield Fault(FILE, f"{path}.place", problem, allowed)


def _backups(around: Surroundings, cell: Cell, path: str, on: date) -> Iterator[Fault]:
    """A backup holds everything, and its region is one of the account's: the cell itself must be allowed there."""
    if cell.backup_place in (None, cell.place) or cell.backup_place not in around.catalogue.places:
        return
    there = cell.model_copy(update={"place": cell.backup_place})
    for code in cell.jurisdictions:
        refusal = refused_in(around, there, code, on) if code in around.catalogue.jurisdictions else None
        if refusal:
            yield Fault(FILE, path, f"{refusal.code}: {refusal.message} {refusal.remedy}")


def _place(around: Surroundings, environment: Environment | None, code: str, path: str) -> Iterator[Fault]:
    place = around.catalogue.places.get(code)
    if place is None:
        near = " or ".join(around.catalogue.suggest_place(code))
        yield Fault(FILE, path, f"unknown place {code}", near or "an AWS region")
    elif place.kind != "aws":
        yield Fault(FILE, path, f"{code} is a site", "an AWS region: sites are built by their playbook")
    elif code not in around.catalogue.implicit_places:
        yield Fault(FILE, path, f"{code} is in a separate partition of AWS", "a region of the commercial partition")
    elif environment and environment.places is not None and code not in environment.places:
        yield Fault(FILE, path, f"{code} is not among the environment's places", ", ".join(environment.places))


def _known(around: Surroundings, code: str, path: str) -> Iterator[Fault]:
    if code not in around.catalogue.jurisdictions:
        near = " or ".join(around.catalogue.suggest(code))
        yield Fault(FILE, path, f"unknown jurisdiction {code}", near or "a jurisdiction of the catalogue")


def _twice(environment: Environment) -> Iterator[Fault]:
    """Names, accounts and domains that two things claim; the later one is told of the first."""
    organization = environment.organization
    stacks = [(organization.stack, "organization.stack")] if organization else []
    stacks += [(cell.name, f"cells.{at}.name") for at, cell in enumerate(environment.cells)]
    yield from _claimed(stacks, "a stack's name of its own")
    accounts = [(organization.account, "organization.account")] if organization else []
    accounts += [(given, f"organization.accounts.{name}") for name, given in _existing(organization)]
    accounts += [(cell.account, f"cells.{at}.account") for at, cell in enumerate(environment.cells) if cell.account]
    yield from _claimed(accounts, "an account of its own")
    domains = [(cell.base_domain, f"cells.{at}.baseDomain") for at, cell in enumerate(environment.cells)]
    yield from _claimed(domains, "a domain of its own")


def _existing(organization: Organization | None) -> Iterable[tuple[str, str]]:
    return organization.accounts.items() if organization else ()


def _claimed(claims: Iterable[tuple[str, str]], allowed: str) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for claimed, path in claims:
        if claimed in first:
            yield Fault(FILE, path, f"{claimed} is claimed by {first[claimed]} too", allowed)
        first.setdefault(claimed, path)


def _networks(environment: Environment) -> Iterator[Fault]:
    given = [(cell.cidr, cell.name, f"cells.{at}.cidr") for at, cell in enumerate(environment.cells) if cell.cidr]
    for (one, name, _), (other, _, path) in combinations(given, 2):
        if one.overlaps(other):
            yield Fault(FILE, path, f"{other} overlaps {one} of the cell {name}", "networks that share no address")
