"""What the documents have in common: whose they are, and the statements that every one of them opens with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]

ANYONE = {"AWS": "*"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose documents they are: the cell, its account and region, and its organisation.

    `regions` are those where its data may be: its own first, then the backup's where that is another.
    `deployer_role_arn` is the role that carries out this program.
    """

    cell: str
    account_id: str
    region: str
    organization_id: str
    deployer_role_arn: str
    backup_region: str

    @property
    def regions(self) -> tuple[str, ...]:
        """Where the cell's data may be, its own region first."""
        return tuple(dict.fromkeys((self.region, self.backup_region)))

    @property
    def root(self) -> Statement:
        """The account as a principal: whoever its IAM policies allow."""
        return {"AWS": f"arn:aws:iam::{self.account_id}:root"}

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """The ARN of something of this account: in its region, or in the named one."""
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account_id}:{resource}"

    def role(self, name: str) -> str:
        """The ARN of a role of this account."""
        return self.arn("iam", f"role/{name}", region="")


def document(statements: Sequence[Statement]) -> Document:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def render(content: Document) -> str:
    """The document as it is sent. The same document gives the same text, so that no preview shows a change."""
    return json.dumps(content, separators=(",", ":"), sort_keys=True)


def deny_plain_text(action: str, resources: Sequence[str]) -> Statement:
    """Nobody reaches it without TLS."""
    return {
        "Sid": "DenyPlainText",
        "Effect": "Deny",
        "Principal": ANYONE,
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def deny_outside_organization(scope: Scope, action: str, resources: Sequence[str]) -> Statement:
    """Nobody from elsewhere reaches it. A caller of no organisation has none to compare, and is denied too."""
    return {
        "Sid": "DenyOutsideOrganization",
        "Effect": "Deny",
        "Principal": ANYONE,
        "Action": action,
        "Resource": list(resources),
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": scope.organization_id},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }
