"""Nothing outside the lawful places, and nothing that carries data there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import AWS, UNKNOWN, PlannedResource, at, each, strings
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import LISTS_REGIONS, REPLICATES

REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]+"
_REGION_KEY = re.compile(r"(?:^r|R)egions?(?:Name)?$")
_ZONE = re.compile(rf"({REGION})[a-z]")
# Where a region stands inside a text: an ARN, an endpoint's host name, the name of an endpoint service.
_NAMED = re.compile(
    rf"arn:aws[a-z-]*:[a-z0-9-]+:({REGION}):|[.-]({REGION})\.(?:vpce\.)?amazonaws\.com|com\.amazonaws\.({REGION})\."
)


def in_lawful_places(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """The provider's region, the resource's own, its availability zones, and every region that its properties name.

    A text that is not known is the output of something in the same plan, which is judged itself.
    """
    if not resource.type.startswith(AWS):
        return
    lawful = facts.places_of(resource.type)
    own = resource.at("region")
    if resource.provider and resource.provider.properties is not None:
        yield from _region(resource, resource.provider.properties.get("region"), "its provider's region", facts, lawful)
    elif resource.provider and own is None:
        # A preview tells of providers that stay as they are where it is asked for what stays.
        yield undecided(resource, f"the region of its provider {resource.provider.name}, which the plan leaves out,")
    if own is not None:
        yield from _region(resource, own, "its region", facts, lawful)
    for key in ("availabilityZone", "availabilityZones"):
        for zone in each(resource.at(key)):
            yield from _zone(resource, zone, key, facts, lawful)
    if resource.type in LISTS_REGIONS:
        return
    # Where backups may go is wider, and has a rule of its own.
    wider = lawful | facts.backup_places
    named = {found for text in strings(resource.properties) for match in _NAMED.findall(text) for found in match}
    named |= set(_under_region_keys(resource.properties)) - {own}
    for region in sorted(named - {""} - wider):
        yield fault(resource, f"names something in {region}, which is not among {_list(wider)}")


def _under_region_keys(value: Any, key: str = "") -> Iterator[str]:
    """Every region that stands under a key that says so, as s3Region or destination.region, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _under_region_keys(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _under_region_keys(inner, key)
    elif isinstance(value, str) and _REGION_KEY.search(key) and re.fullmatch(REGION, value):
        yield value


def _region(
    resource: PlannedResource, region: Any, what: str, facts: PackFacts, lawful: frozenset[str]
) -> Iterator[Said]:
    if region is UNKNOWN:
        yield undecided(resource, what)
    elif region is None:
        yield fault(resource, f"{what} is not said, so that it would be whatever the shell says")
    elif region not in lawful:
        yield fault(resource, f"{what} is {region}, and {facts.stack} may stand in {_list(lawful)} only")


def _zone(resource: PlannedResource, zone: Any, key: str, facts: PackFacts, lawful: frozenset[str]) -> Iterator[Said]:
    if zone is UNKNOWN:
        yield undecided(resource, key)
        return
    found = _ZONE.fullmatch(str(zone))
    if found is None:
        # eu-north-1-hel-1a belongs to Stockholm's region, and stands in Finland.
        yield fault(resource, f"{key} is {zone}, which is no availability zone of a region: a Local Zone stands apart")
    elif found[1] not in lawful:
        yield fault(resource, f"{key} is {zone}, and {facts.stack} may stand in {_list(lawful)} only")


def not_replicated(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """Nothing that copies data to another region, or hands it to another account, by itself."""
    if why := REPLICATES.get(resource.type):
        yield fault(resource, why)
    for key in ("replicas", "replicaRegions"):
        value = resource.at(key)
        if value is UNKNOWN:
            yield undecided(resource, key)
        elif each(value):
            yield fault(resource, f"{key} would keep copies in other regions")
    if resource.type == "aws:cloudtrail/trail:Trail":
        gathers = resource.at("isMultiRegionTrail")
        if gathers is UNKNOWN:
            yield undecided(resource, "isMultiRegionTrail")
        elif gathers not in (None, False):
            yield fault(resource, "gathers the events of every region in one")


def keys_of_one_region(resource: PlannedResource, _: PackFacts) -> Iterator[Said]:
    """No key whose material may leave its region."""
    if resource.type in ("aws:kms/key:Key", "aws:kms/externalKey:ExternalKey"):
        multi = resource.at("multiRegion")
        if multi is UNKNOWN:
            yield undecided(resource, "multiRegion")
        elif multi:
            yield fault(resource, "is a multi-region key, whose material goes to every region that has a replica")


def backups_in_territory(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """Backups are copied to lawful places alone."""
    if resource.type != "aws:backup/plan:Plan":
        return
    for rule in each(resource.at("rules")):
        for copy in each(at(rule, "copyActions")):
            vault = at(copy, "destinationVaultArn")
            if vault is UNKNOWN:
                yield undecided(resource, "where backups are copied to")
                continue
            region = str(vault).split(":")[3:4]
            if not region or region[0] not in facts.backup_places:
                yield fault(
                    resource, f"copies backups to {vault}, and they may be in {_list(facts.backup_places)} only"
                )


def _list(places: frozenset[str]) -> str:
    return ", ".join(sorted(places)) or "nowhere"


RULES = (
    Rule(
        "place-lawful",
        "Nothing stands outside the environment's lawful places",
        "Give it a provider of a lawful place, or name the place in environment.yaml, where the catalogue is asked.",
        on_resource=in_lawful_places,
    ),
    Rule(
        "replication-none",
        "Nothing carries data to another territory or account by itself",
        "Copy backups by an AWS Backup plan, whose destinations are judged; nothing else may leave.",
        on_resource=not_replicated,
    ),
    Rule(
        "key-single-region",
        "Keys are of one region",
        "Leave multiRegion out, and give each place a key of its own.",
        on_resource=keys_of_one_region,
    ),
    Rule(
        "backup-in-territory",
        "Backups stay in territory",
        "Copy to the cell's backupPlace, as environment.yaml has it.",
        on_resource=backups_in_territory,
    ),
)
