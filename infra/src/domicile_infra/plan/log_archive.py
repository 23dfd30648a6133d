"""Where the organisation's audit logs rest, for how long, and which trail brings them there.

An archive is a bucket in one region, in the account that keeps its zone's logs. The trail of a region delivers to
archives of that region alone, so that what happened in a region never leaves it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from domicile_catalog import Attestation, Catalogue
from domicile_catalog.environment import Environment
from domicile_policies.names import CORE, SECURITY

from domicile_infra.plan.accounts import ZonePlan
from domicile_infra.plan.aws_facts import AwsFacts
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.organization_faults import PlanFault
from domicile_infra.plan.retention import retention_years

RETENTION = "retention of records"
DAYS_OF_A_YEAR = 366  # every year counts as a leap year: a day too long breaks no law of retention


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """A bucket for audit logs: whose (`unit`), in which account and region, locked for how many days.

    `trail` is the organisation trail that delivers to it; `global_events` whether that one also records the services
    without regions, which write in one region of the world only.
    """

    unit: str
    account: str
    region: str
    retention_days: int
    jurisdictions: tuple[str, ...]
    trail: str
    global_events: bool

    @property
    def name(self) -> str:
        """Its name in the plan."""
        return f"{self.unit}-{self.region}"


def bucket_name(environment: str, account_id: str, region: str) -> str:
    """The archive's bucket: names are shared by all of AWS, so the account's id stands in it."""
    return f"{environment}-audit-{account_id}-{region}"


def plan_archives(
    environment: Environment,
    zones: tuple[ZonePlan, ...],
    years: dict[str, int],
    facts: AwsFacts,
    lock_days: int | None = None,
) -> tuple[ArchivePlan, ...]:
    """An archive for each zone in each region where it has a cell, and the organisation's own in its regions.

    `years` is the retention of each jurisdiction. `lock_days` is what a test environment locks for instead: what is
    locked in compliance mode cannot be deleted by anyone, not even with the account's root user.
    """
    organization = environment.organization
    if organization is None:
        return ()

    def days(codes: Iterable[str]) -> int:
        longest = max((years[code] for code in codes), default=1) * DAYS_OF_A_YEAR
        return longest if lock_days is None else lock_days

    def archive(unit: str, account: str, region: str, codes: tuple[str, ...], *, global_events: bool) -> ArchivePlan:
        trail = f"{environment.name}-{unit}-{region}"
        return ArchivePlan(unit, account, region, days(codes), codes, trail, global_events)

    everyone = tuple(sorted(years))
    own = [
        archive(CORE, SECURITY, region, everyone, global_events=region == facts.global_region)
        for region in sorted({facts.global_region, organization.home})
    ]
    return (
        *own,
        *(
            archive(zone.name, zone.log_archive, region, zone.jurisdictions, global_events=False)
            for zone in zones
            for region in zone.regions
        ),
    )


def years_of_each(
    environment: Environment, catalogue: Catalogue, on: date, attestations: Iterable[Attestation]
) -> tuple[dict[str, int], tuple[PlanFault, ...]]:
    """How many years records are kept, for each jurisdiction of the cells, and a fault for each that is unknown."""
    known, years, faults = tuple(attestations), {}, []
    for code in sorted({code for cell in environment.cells for code in cell.jurisdictions}):
        if code not in catalogue.jurisdictions:
            continue  # that it is in no zone is said elsewhere
        try:
            years[code] = retention_years(catalogue, [code], on, known)
        except PlanError as error:
            faults.append(PlanFault(str(error), RETENTION, f"Attest it for {code}, or add it with its source."))
    return years, tuple(faults)


def check_archives(
    environment: Environment, archives: tuple[ArchivePlan, ...], facts: AwsFacts, lock_days: int | None
) -> Iterator[PlanFault]:
    """Too many trails in a region, names that are too long, a lock that is too short."""
    quotas = facts.quotas
    for region in sorted({one.region for one in archives}):
        count = sum(one.region == region for one in archives)
        if count > quotas.trails_in_a_region:
            problem = f"{count} trails in {region}; AWS allows {quotas.trails_in_a_region}"
            yield PlanFault(problem, "quota of trails in a region", "Let fewer zones have cells there.")
        name = bucket_name(environment.name, "0" * 12, region)
        if len(name) > quotas.bucket_name_characters:
            problem = f"the bucket {name} has {len(name)} characters; S3 takes {quotas.bucket_name_characters}"
            yield PlanFault(problem, "length of a bucket's name", "Shorten the environment's name.")
    if lock_days is not None and environment.production:
        problem = f"logs of a production environment cannot be locked for {lock_days} days only"
        yield PlanFault(problem, RETENTION, "Leave the lock to the law of the cells' jurisdictions.")
    if lock_days is not None and lock_days < 1:
        yield PlanFault(f"a lock of {lock_days} days is none", "object lock", "Lock for at least one day.")
