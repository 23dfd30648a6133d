"""Keys and secrets: KMS, Secrets Manager, parameters of Systems Manager."""

from collections.abc import Iterator
from typing import Any

from domicile_policies.names import CLASS_TAG

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import UNENCRYPTED, Access, Encryption, Flow, Holding, Key
from domicile_audit.resource_policy import outsiders

_GONE = ("PendingDeletion", "PendingReplicaDeletion")


def kms_keys(reader: Reader) -> Iterator[Holding | Key]:
    """Every key: whose it is, and of ours who may use it. A key that is to be deleted opens nothing."""
    listed = reader.pages("kms", "list_keys", "Keys")
    aliases = _aliases(reader) if listed else {}
    for one in listed:
        name = str(one["KeyId"])
        data = (reader.ask("kms", "describe_key", about=name, KeyId=name) or {}).get("KeyMetadata")
        if data is None:
            continue
        arn, of_provider = str(data["Arn"]), data.get("KeyManager") == "AWS"
        multi_region = bool(data.get("MultiRegion"))
        yield Key(arn=arn, aliases=tuple(aliases.get(name, ())), provider=of_provider, multi_region=multi_region)
        if not of_provider and data.get("KeyState") not in _GONE:
            yield _key(reader, name, arn, data, multi_region=multi_region)


def _key(reader: Reader, name: str, arn: str, data: dict[str, Any], *, multi_region: bool) -> Holding:
    policy = reader.ask("kms", "get_key_policy", about=name, KeyId=name, PolicyName="default")
    grants = reader.details("kms", "list_grants", "Grants", about=name, KeyId=name)
    return holding(
        reader,
        "kms:key",
        arn,
        reader.tags("kms", "list_resource_tags", "Tags", about=name, KeyId=name),
        shared_with=(
            *outsiders((policy or {}).get("Policy"), reader.ours, "key policy"),
            *(one for grant in grants for one in _granted(reader, grant)),
        ),
        flows=_replicas(arn, data),
        multi_region=multi_region,
    )


def _granted(reader: Reader, grant: dict[str, Any]) -> tuple[Access, ...]:
    """A grant to a service's name, such as rds.amazonaws.com, is to the service acting for us."""
    principal = str(grant.get("GranteePrincipal", ""))
    if principal.endswith(".amazonaws.com") or reader.ours.has(principal):
        return ()
    return (Access(principal=principal, by=f"grant {grant.get('Name') or grant.get('GrantId')}"),)


def _replicas(arn: str, data: dict[str, Any]) -> tuple[Flow, ...]:
    configuration = data.get("MultiRegionConfiguration") or {}
    members = [configuration.get("PrimaryKey") or {}, *(configuration.get("ReplicaKeys") or ())]
    return tuple(
        Flow(target=str(one["Arn"]), by="multi-region key", region=str(one["Region"]))
        for one in members
        if one.get("Arn") and one["Arn"] != arn
    )


def _aliases(reader: Reader) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in reader.details("kms", "list_aliases", "Aliases", about="all keys"):
        if one.get("TargetKeyId"):
            found.setdefault(str(one["TargetKeyId"]), []).append(str(one["AliasName"]))
    return found


def secrets(reader: Reader) -> Iterator[Holding]:
    """Every secret, with its replicas. Without a key of its own it has Secrets Manager's."""
    for one in reader.pages("secretsmanager", "list_secrets", "SecretList"):
        arn = str(one["ARN"])
        told = reader.ask("secretsmanager", "describe_secret", about=arn, SecretId=arn) or {}
        # A replica has its primary's policy, and does not tell it.
        is_replica = told.get("PrimaryRegion") not in (None, reader.region)
        policy = (
            None
            if is_replica
            else reader.ask(
                "secretsmanager",
                "get_resource_policy",
                about=arn,
                absent=("ResourceNotFoundException",),
                SecretId=arn,
            )
        )
        yield holding(
            reader,
            "secretsmanager:secret",
            arn,
            _secret_tags(one, tag_mapping(told.get("Tags", one.get("Tags")))),
            encryption=Encryption.by(told.get("KmsKeyId")),
            shared_with=outsiders((policy or {}).get("ResourcePolicy"), reader.ours, "resource policy"),
            flows=tuple(
                Flow(target=f"{one['Name']} in {copy['Region']}", by="replica", region=str(copy["Region"]))
                for copy in ([] if is_replica else told.get("ReplicationStatus") or ())
            ),
        )


def _secret_tags(one: dict[str, Any], tags: dict[str, str]) -> dict[str, str] | None:
    """A service that keeps a secret for a thing of ours, such as a database's password, has a name of its own for it.

    Nobody of us tags that; it is judged as the key that it is.
    """
    managed = one.get("OwningService") or "!" in str(one["Name"])
    return None if managed and CLASS_TAG not in tags else tags


def parameters(reader: Reader) -> Iterator[Holding]:
    """Every parameter. Only those of type SecureString are encrypted with a key."""
    for one in reader.pages("ssm", "describe_parameters", "Parameters"):
        name = str(one["Name"])
        tags = reader.tags(
            "ssm", "list_tags_for_resource", "TagList", about=name, ResourceType="Parameter", ResourceId=name
        )
        # Only an advanced parameter can have a policy that shares it.
        listed = (
            reader.details(
                "ssm", "get_resource_policies", "Policies", about=name, ResourceArn=_parameter_arn(reader, one)
            )
            if one.get("Tier") == "Advanced"
            else ()
        )
        yield holding(
            reader,
            "ssm:parameter",
            _parameter_arn(reader, one),
            tags,
            encryption=Encryption.by(one.get("KeyId")) if one.get("Type") == "SecureString" else UNENCRYPTED,
            shared_with=tuple(
                access
                for policy in listed
                for access in outsiders(policy.get("Policy"), reader.ours, "resource policy")
            ),
        )


def _parameter_arn(reader: Reader, one: dict[str, Any]) -> str:
    name = str(one["Name"]).removeprefix("/")
    return str(one.get("ARN") or f"arn:aws:ssm:{reader.region}:{reader.account}:parameter/{name}")
