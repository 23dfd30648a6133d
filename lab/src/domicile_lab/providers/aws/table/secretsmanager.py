"""AWS Secrets Manager. https://docs.aws.amazon.com/secretsmanager/latest/apireference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update

SECRET: Final = {"SecretId": "{id}"}


def _policy(cloud: Cloud, facts: Facts) -> None:
    policy = facts.inputs.get("policy")
    if policy and policy != "{}":
        cloud.call("secretsmanager", "PutResourcePolicy", {"SecretId": facts.id, "ResourcePolicy": policy})
    else:
        cloud.call("secretsmanager", "DeleteResourcePolicy", {"SecretId": facts.id})


def _alive(secret: Any, _: Facts) -> Any:
    return None if secret and secret.get("DeletedDate") else secret


def _window(facts: Facts, _: Cloud) -> int | None:
    days = facts.get("recoveryWindowInDays")
    return None if days == 0 else int(days or 30)


RESOURCES: Final = (
    Resource(
        type="aws:secretsmanager/secret:Secret",
        service="secretsmanager",
        create=Call("CreateSecret"),
        id="=ARN",
        reads=(
            Read("DescribeSecret", SECRET, pick=_alive, fields={"replicas": "ReplicationStatus"}, tags="Tags"),
            Read("GetResourcePolicy", SECRET, only=(), fields={"policy": "ResourcePolicy"}),
        ),
        updates=(
            Update(Call("UpdateSecret", SECRET, takes=("description", "kmsKeyId"))),
            Custom(("policy",), _policy, on_create=True),
        ),
        delete=Call(
            "DeleteSecret",
            {
                **SECRET,
                "RecoveryWindowInDays": _window,
                "ForceDeleteWithoutRecovery": lambda facts, _: True if facts.get("recoveryWindowInDays") == 0 else None,
            },
        ),
        tags=Tags(Call("TagResource", SECRET), Call("UntagResource", SECRET), create="Tags"),
        names={"replicas": "AddReplicaRegions"},
        json=("policy",),
        autoname="name",
        autoname_length=512,
        local=("recoveryWindowInDays",),
        untold=("forceOverwriteReplicaSecret",),
        told=("replicas.lastAccessedDate", "replicas.status", "replicas.statusMessage"),
        unsupported=("namePrefix", "replicas"),  # a copy in another region is what this platform forbids
    ),
)
