"""Which of the organisation's policies are attached to which of an environment's units and accounts."""

from collections.abc import Iterable

from domicile_catalog.environment import Cell, Environment
from domicile_policies.cloud import account_documents, core_documents, root_documents, zone_documents
from domicile_policies.exemptions import Exempt
from domicile_policies.names import CORE
from domicile_policies.zones import EVERYWHERE, ResidencyZone

from domicile_infra.plan.accounts import ZonePlan
from domicile_infra.plan.organization_policies import Documents


def documents_of(environment: Environment, zones: Iterable[ZonePlan]) -> Documents:
    """The policies of every target: the zone's on its unit, and on each account what keeps it in its own places.

    Raises QuotaError for what AWS would not take, and ValueError where the environment has no organisation.
    """
    if environment.organization is None:
        raise ValueError(f"{environment.name} has no organisation")
    planned = tuple(zones)
    regions = sorted({region for zone in planned for region in zone.regions})
    codes = sorted({code for zone in planned for code in zone.jurisdictions})
    exempt = Exempt.of(disposable=environment.disposable)
    units = {zone.name: zone_documents(_residency_zone(zone), exempt=exempt) for zone in planned}
    units[CORE] = core_documents(environment.organization.home, regions, exempt=exempt)
    accounts = {zone.log_archive: account_documents(zone.log_archive, zone.regions) for zone in planned}
    for zone in planned:
        for cell in (one for one in environment.cells if one.name in zone.cells):
            accounts[cell.name] = account_documents(
                cell.name, _places(cell), clusters=[cell.place], edge=zone.name == EVERYWHERE
            )
    return Documents(root=root_documents(environment.name, codes), units=units, accounts=accounts)


def _places(cell: Cell) -> tuple[str, ...]:
    return tuple(dict.fromkeys((cell.place, cell.backup_place or cell.place)))


def _residency_zone(zone: ZonePlan) -> ResidencyZone:
    return ResidencyZone(name=zone.name, places=zone.places, jurisdictions=zone.jurisdictions)
