"""Which of the organisation's policies are attached to which of an environment's units and accounts."""

from collections.abc import Iterable, Mapping

from domicile_catalog.environment import Environment
from domicile_policies.cloud import account_documents, core_documents, root_documents, zone_documents
from domicile_policies.documents import QUOTAS, PolicyType, Quota
from domicile_policies.exemptions import Exempt
from domicile_policies.names import CORE
from domicile_policies.zones import EVERYWHERE, ResidencyZone

from domicile_infra.plan.accounts import ZonePlan, places_of
from domicile_infra.plan.organization_policies import Documents


def documents_of(
    environment: Environment, zones: Iterable[ZonePlan], quotas: Mapping[PolicyType, Quota] = QUOTAS
) -> Documents:
    """The policies of every target: the zone's on its unit, and on each account what keeps it in its own places.

    Raises QuotaError for what AWS would not take, and ValueError where the environment has no organisation.
    """
    if environment.organization is None:
        raise ValueError(f"{environment.name} has no organisation")
    planned = tuple(zones)
    regions = sorted({region for zone in planned for region in zone.regions})
    codes = sorted({code for zone in planned for code in zone.jurisdictions})
    exempt = Exempt.of(disposable=environment.disposable)
    units = {zone.name: zone_documents(_residency_zone(zone), exempt=exempt, quotas=quotas) for zone in planned}
    units[CORE] = core_documents(environment.organization.home, regions, exempt=exempt, quotas=quotas)
    accounts = {zone.log_archive: account_documents(zone.log_archive, zone.regions, quotas=quotas) for zone in planned}
    for zone in planned:
        for cell in (one for one in environment.cells if one.name in zone.cells):
            accounts[cell.name] = account_documents(
                cell.name, places_of(cell), clusters=[cell.place], edge=zone.name == EVERYWHERE, quotas=quotas
            )
    return Documents(root=root_documents(environment.name, codes, quotas=quotas), units=units, accounts=accounts)


def _residency_zone(zone: ZonePlan) -> ResidencyZone:
    return ResidencyZone(name=zone.name, places=zone.places, jurisdictions=zone.jurisdictions)
