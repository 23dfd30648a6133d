"""What a call is about: the ARN that IAM compares, and whose it is.

A service that is not here is judged with an unknown resource: a statement that names particular resources of it cannot
be judged then, and the call is refused. Sources: AWS Service Authorization Reference, "Resource types defined by ...".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from domicile_lab.cloud.operations import Operation
from domicile_lab.cloud.principals import PARTITION


@dataclass(frozen=True)
class Resource:
    """`arn` is "*" where the operation is about nothing particular, and None where it cannot be told.

    `account` owns it, and `region` is where it stands, which is told of buckets alone.
    """

    arn: str | None
    account: str
    region: str | None = None


def resource_of(operation: Operation, account: str, region: str, action: str = "") -> Resource:
    """The resource of an operation that a principal of `account` calls in `region`.

    An action with @source is about the source of a copy.
    """
    reader = _READERS.get(operation.service)
    if reader is None:
        return Resource(None, account)
    return reader(operation, account, region, action)


def bucket_place(name: str) -> tuple[str, str] | None:
    """Account and region of a bucket; None where there is none of that name."""
    found = s3_backends.bucket_accounts.get(name)
    if found is None:
        return None
    partition, account = found
    bucket = s3_backends[account][partition].buckets.get(name)
    return (account, bucket.region_name) if bucket is not None else None


def _s3(operation: Operation, account: str, region: str, action: str) -> Resource:
    parameters = operation.parameters
    if action.endswith("@source"):
        source = parameters.get("CopySource", "")
        text = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
        bucket, _, key = text.lstrip("/").partition("?")[0].partition("/")
    else:
        bucket, key = parameters.get("Bucket") or "", parameters.get("Key") or ""
    if not bucket:
        return Resource("*", account)
    owner, place = bucket_place(bucket) or (account, None)
    return Resource(f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else ""), owner, place)


def _named(parameter: str, form: str) -> Callable[[Operation, str, str, str], Resource]:
    """A resource told by one parameter, as an ARN or as a name that `form` makes one of."""

    def read(operation: Operation, account: str, region: str, action: str) -> Resource:
        value = _first(operation.parameters.get(parameter))
        if value is None:
            return Resource("*", account)
        if value.startswith("arn:"):
            return Resource(value, value.split(":")[4] or account)
        return Resource(form.format(value=value, account=account, region=region), account)

    return read


def _first(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) and value else None


def _sqs(operation: Operation, account: str, region: str, action: str) -> Resource:
    url = operation.parameters.get("QueueUrl")
    if not isinstance(url, str):
        name = operation.parameters.get("QueueName")
        return Resource(f"arn:aws:sqs:{region}:{account}:{name}" if name else "*", account)
    owner, name = url.rstrip("/").split("/")[-2:]
    return Resource(f"arn:aws:sqs:{region}:{owner}:{name}", owner)


def _ecr(operation: Operation, account: str, region: str, action: str) -> Resource:
    owner = operation.parameters.get("registryId") or account
    name = operation.parameters.get("repositoryName")
    return Resource(f"arn:aws:ecr:{region}:{owner}:repository/{name}" if name else "*", owner)


def _sts(operation: Operation, account: str, region: str, action: str) -> Resource:
    role = operation.parameters.get("RoleArn")
    if not isinstance(role, str) or role.count(":") < 5:
        return Resource("*", account)
    return Resource(role, role.split(":")[4])


_IAM_NAMES: Mapping[str, str] = {
    "RoleName": "role",
    "UserName": "user",
    "GroupName": "group",
    "InstanceProfileName": "instance-profile",
}


def _iam(operation: Operation, account: str, region: str, action: str) -> Resource:
    parameters = operation.parameters
    for parameter, kind in _IAM_NAMES.items():
        if name := parameters.get(parameter):
            path = parameters.get("Path") or _iam_path(kind, account, name)
            return Resource(f"arn:aws:iam::{account}:{kind}{path}{name}", account)
    for parameter in ("PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn"):
        if arn := parameters.get(parameter):
            return Resource(arn, account)
    if name := parameters.get("PolicyName"):
        return Resource(f"arn:aws:iam::{account}:policy{parameters.get('Path') or '/'}{name}", account)
    if url := parameters.get("Url"):  # of an identity provider that is yet to be
        return Resource(f"arn:aws:iam::{account}:oidc-provider/{url.removeprefix('https://')}", account)
    return Resource("*", account)


def _events(operation: Operation, account: str, region: str, action: str) -> Resource:
    """A rule; what is of another kind is judged as nothing particular, and named nowhere in a policy."""
    name = operation.parameters.get("Rule") or operation.parameters.get("Name")
    if name is None or not (operation.name.endswith("Rule") or "Targets" in operation.name):
        return Resource("*", account)
    bus = str(operation.parameters.get("EventBusName") or "default").rpartition("/")[2]
    of = "" if bus == "default" else f"{bus}/"
    return Resource(f"arn:aws:events:{region}:{account}:rule/{of}{name}", account)


def _iam_path(kind: str, account: str, name: str) -> str:
    backend = iam_backends[account][PARTITION]
    stores: Mapping[str, Any] = {"role": {one.name: one for one in backend.roles.values()}, "user": backend.users}
    found = stores.get(kind, {}).get(name)
    return (found.path if found is not None else None) or "/"


_ARN = "arn:aws:{service}:{{region}}:{{account}}:{kind}{{value}}"


def _kms(operation: Operation, account: str, region: str, action: str) -> Resource:
    alias = str(operation.parameters.get("KeyId", "")).startswith("alias/")
    read = _named("KeyId", _ARN.format(service="kms", kind="" if alias else "key/"))
    return read(operation, account, region, action)


_READERS: Mapping[str, Callable[[Operation, str, str, str], Resource]] = {
    "s3": _s3,
    "s3control": lambda operation, account, region, action: Resource("*", account),
    "kms": _kms,
    "sqs": _sqs,
    "secretsmanager": _named("SecretId", _ARN.format(service="secretsmanager", kind="secret:")),
    "sts": _sts,
    "iam": _iam,
    "ecr": _ecr,
    "dynamodb": _named("TableName", _ARN.format(service="dynamodb", kind="table/")),
    "events": _events,
    "logs": _named("logGroupName", _ARN.format(service="logs", kind="log-group:")),
    "cloudtrail": _named("Name", _ARN.format(service="cloudtrail", kind="trail/")),
    "sns": _named("TopicArn", _ARN.format(service="sns", kind="")),
    "backup": _named("BackupVaultName", _ARN.format(service="backup", kind="backup-vault:")),
    "eks": _named("name", _ARN.format(service="eks", kind="cluster/")),
}
