"""What programs rest in and run in: image repositories, clusters of Kubernetes, functions; and tasks that move data."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import ANYBODY, NOT_AT_REST, UNENCRYPTED, Access, Encryption, Flow, Holding
from domicile_audit.resource_policy import account_of, outsiders


def repositories(reader: Reader) -> Iterator[Holding]:
    """Every repository of images, with where the registry replicates it to."""
    listed = reader.pages("ecr", "describe_repositories", "repositories")
    if not listed:
        return
    registry = reader.ask("ecr", "describe_registry", about="the registry") or {}
    rules = (registry.get("replicationConfiguration") or {}).get("rules") or []
    policy = reader.ask("ecr", "get_registry_policy", about="the registry", absent=("RegistryPolicyNotFoundException",))
    on_registry = outsiders((policy or {}).get("policyText"), reader.ours, "registry policy")
    for one in listed:
        name, arn = str(one["repositoryName"]), str(one["repositoryArn"])
        own = reader.ask(
            "ecr",
            "get_repository_policy",
            about=name,
            absent=("RepositoryPolicyNotFoundException",),
            repositoryName=name,
        )
        yield holding(
            reader,
            "ecr:repository",
            arn,
            reader.tags("ecr", "list_tags_for_resource", "tags", about=name, resourceArn=arn),
            encryption=Encryption.by((one.get("encryptionConfiguration") or {}).get("kmsKey")),
            shared_with=(*outsiders((own or {}).get("policyText"), reader.ours, "repository policy"), *on_registry),
            flows=tuple(flow for rule in rules for flow in _replicas(name, rule)),
        )


def _replicas(repository: str, rule: dict[str, Any]) -> Iterator[Flow]:
    """A rule with filters is about repositories whose names begin with one of them."""
    prefixes = [str(one["filter"]) for one in rule.get("repositoryFilters") or ()]
    if prefixes and not any(repository.startswith(prefix) for prefix in prefixes):
        return
    for one in rule.get("destinations") or ():
        region, account = str(one["region"]), str(one["registryId"])
        yield Flow(target=f"registry {account} in {region}", by="registry replication", region=region, account=account)


def clusters(reader: Reader) -> Iterator[Holding]:
    """Every cluster of EKS: its secrets, and who reaches its API."""
    for name in reader.pages("eks", "list_clusters", "clusters"):
        one = (reader.ask("eks", "describe_cluster", about=name, name=name) or {}).get("cluster")
        if one is None:
            continue
        keys = [
            (each.get("provider") or {}).get("keyArn")
            for each in one.get("encryptionConfig") or ()
            if "secrets" in (each.get("resources") or ())
        ]
        network = one.get("resourcesVpcConfig") or {}
        # EKS fills in everybody where nobody is named; a stand-in leaves that out.
        cidrs = network.get("publicAccessCidrs") or ["0.0.0.0/0"]
        public = network.get("endpointPublicAccess") and {"0.0.0.0/0", "::/0"} & set(cidrs)
        yield holding(
            reader,
            "eks:cluster",
            str(one["arn"]),
            tag_mapping(one.get("tags")),
            encryption=Encryption.by(keys[0]) if keys else UNENCRYPTED,
            shared_with=(Access(principal=ANYBODY, by="a public endpoint"),) if public else (),
        )


def functions(reader: Reader) -> Iterator[Holding]:
    """Every function of Lambda, and who may call it."""
    for one in reader.pages("lambda", "list_functions", "Functions"):
        name, arn = str(one["FunctionName"]), str(one["FunctionArn"])
        policy = reader.ask(
            "lambda", "get_policy", about=name, absent=("ResourceNotFoundException",), FunctionName=name
        )
        yield holding(
            reader,
            "lambda:function",
            arn,
            reader.tags("lambda", "list_tags", "Tags", about=name, Resource=arn),
            encryption=Encryption.by(one.get("KMSKeyArn")),
            shared_with=outsiders((policy or {}).get("Policy"), reader.ours, "function policy"),
        )


def transfer_tasks(reader: Reader) -> Iterator[Holding]:
    """Every task of DataSync. It holds nothing, and carries data from one location to another."""
    locations = {
        str(one["LocationArn"]): str(one.get("LocationUri", ""))
        for one in reader.pages("datasync", "list_locations", "Locations")
    }
    for one in reader.pages("datasync", "list_tasks", "Tasks"):
        arn = str(one["TaskArn"])
        told = reader.ask("datasync", "describe_task", about=arn, TaskArn=arn) or {}
        target = str(told.get("DestinationLocationArn", ""))
        yield holding(
            reader,
            "datasync:task",
            arn,
            reader.tags("datasync", "list_tags_for_resource", "Tags", about=arn, ResourceArn=arn),
            encryption=NOT_AT_REST,
            flows=(_location(target, locations.get(target, "")),) if target else (),
        )


def _location(arn: str, uri: str) -> Flow:
    """A location's URI names the bucket; the ARN of the location has the region and the account of DataSync's side."""
    if uri.startswith("s3://"):
        return Flow(target=f"arn:aws:s3:::{uri.removeprefix('s3://').split('/')[0]}", by="destination")
    return Flow(target=uri or arn, by="destination", region=arn.split(":")[3] or None, account=account_of(arn))


def shares(reader: Reader) -> Iterator[Holding]:
    """Every share of the Resource Access Manager that lets in somebody outside the organisation."""
    listed = reader.pages("ram", "get_resource_shares", "resourceShares", resourceOwner="SELF")
    active = [one for one in listed if one.get("status") == "ACTIVE"]
    if not active:
        return
    named = reader.details(
        "ram",
        "get_resource_share_associations",
        "resourceShareAssociations",
        about="all shares",
        associationType="PRINCIPAL",
    )
    for one in active:
        arn = str(one["resourceShareArn"])
        principals = [
            str(each["associatedEntity"])
            for each in named
            if each.get("resourceShareArn") == arn and each.get("status") in ("ASSOCIATED", "ASSOCIATING")
        ]
        strangers = [each for each in principals if not reader.ours.has(each) and not _within(reader, each)]
        yield holding(
            reader,
            "ram:resource-share",
            arn,
            tag_mapping(one.get("tags")),
            encryption=NOT_AT_REST,
            shared_with=tuple(Access(principal=each, by="resource share") for each in strangers),
        )


def _within(reader: Reader, principal: str) -> bool:
    """Whether it is the organisation itself or a unit of it."""
    return f"/{reader.ours.organization_id}" in principal
