"""A policy of the cloud's organisation as a value, and what the organisation takes of them.

Pure. The figures are the defaults of the AWS Organizations user guide, "Quotas and service limits"; AWS raises some on
request, which is why they are an argument everywhere.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

Document = dict[str, Any]
Statement = dict[str, Any]


class PolicyType(StrEnum):
    """A kind of policy, by AWS Organizations' name for it."""

    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"
    DECLARATIVE_EC2 = "DECLARATIVE_POLICY_EC2"
    S3 = "S3_POLICY"
    TAG = "TAG_POLICY"
    AI_OPT_OUT = "AISERVICES_OPT_OUT_POLICY"


@dataclass(frozen=True, slots=True)
class Quota:
    """What the organisation takes of a kind of policy: characters of a document, and documents on one target.

    `given` is how many of those AWS attaches by itself, such as FullAWSAccess.
    """

    characters: int
    per_target: int
    given: int = 0


QUOTAS: Mapping[PolicyType, Quota] = MappingProxyType(
    {
        PolicyType.SERVICE_CONTROL: Quota(5120, 5, given=1),
        PolicyType.RESOURCE_CONTROL: Quota(5120, 5, given=1),
        PolicyType.DECLARATIVE_EC2: Quota(10_000, 10),
        PolicyType.S3: Quota(10_000, 10),
        PolicyType.TAG: Quota(10_000, 10),
        PolicyType.AI_OPT_OUT: Quota(2_500, 5),
    }
)


class QuotaError(ValueError):
    """A document, or the number of them on a target, is more than the organisation takes."""


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy: its name, which is unique in an organisation, its kind, and the document."""

    name: str
    type: PolicyType
    content: Document

    @property
    def text(self) -> str:
        """The document as it is sent."""
        return compact(self.content)


def compact(document: Document) -> str:
    """The document as it is sent: without white space, which counts towards the quota."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def policy(*statements: Statement) -> Document:
    """A document in IAM's policy language."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def quota_faults(
    target: str, documents: Iterable[PolicyDocument], quotas: Mapping[PolicyType, Quota] = QUOTAS
) -> tuple[str, ...]:
    """Why these documents cannot be attached to a target (a root, a unit or an account): all reasons, or none."""
    attached = tuple(documents)
    found = []
    for one in attached:
        length, most = len(one.text), quotas[one.type].characters
        if length > most:
            found.append(f"{one.name} has {length} characters, and a {one.type} at most {most}: split the document")
    for kind, count in Counter(one.type for one in attached).items():
        quota = quotas[kind]
        if count + quota.given > quota.per_target:
            own = f" and {quota.given} of AWS's own" if quota.given else ""
            found.append(
                f"{target} would have {count} {kind}{own}, and a target at most {quota.per_target}: merge documents, "
                "or attach some a level up"
            )
    for name, count in Counter(one.name for one in attached).items():
        if count > 1:
            found.append(f"{target} would have {count} policies of the name {name}, which must be unique")
    return tuple(found)


def require_within_quotas(
    target: str, documents: Iterable[PolicyDocument], quotas: Mapping[PolicyType, Quota] = QUOTAS
) -> None:
    """Raise QuotaError with every reason why the documents cannot be attached to the target."""
    if faults := quota_faults(target, documents, quotas):
        raise QuotaError("; ".join(faults))
