"""What every account has from its first hour, whatever it is for."""

from dataclasses import dataclass
from typing import Any

from domicile_infra.plan.documents.keys import ADMINISTRATION


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Passwords of IAM users, of whom there should be none: CIS AWS Foundations Benchmark 1.8 and 1.9."""

    minimum_length: int = 14
    remembered: int = 24


PASSWORDS = PasswordPolicy()


def volume_key_document(account_id: str, region: str, organization_id: str) -> dict[str, Any]:
    """The key of volumes that name no other: anyone of the account may use it through EC2, as AWS's own key has it.

    So do node groups, whose service-linked role does not exist yet when the key is made.
    """
    through_ec2 = {"StringEquals": {"kms:CallerAccount": account_id, "kms:ViaService": f"ec2.{region}.amazonaws.com"}}
    return _document(
        *_of_the_account(account_id, organization_id),
        {
            "Sid": "UseThroughEc2",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": "*",
            "Condition": through_ec2,
        },
    )


def alarm_key_document(account_id: str, organization_id: str) -> dict[str, Any]:
    """The key of the topic that alarms go through: EventBridge publishes with it.

    EventBridge does not tell KMS for whom it publishes: a condition on aws:SourceAccount, aws:SourceArn or
    aws:SourceOrgID would let no alarm through (SNS developer guide, "Managing encryption keys").
    """
    return _document(
        *_of_the_account(account_id, organization_id),
        {
            "Sid": "PublishAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        },
    )


def alarm_topic_document(topic_arn: str) -> dict[str, Any]:
    """Who may publish to the topic: EventBridge; and nobody in plain text.

    What allows EventBridge has no condition: it supports none in a topic's policy (EventBridge user guide, "Using
    resource-based policies", Amazon SNS permissions), and would deliver nothing. The worst that a rule of somebody
    else's could do is to call the owner.
    """
    return _document(
        {
            "Sid": "PublishAlarms",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
        },
        {
            "Sid": "DenyPlainText",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def use_of_role_pattern(role_name: str, account_id: str) -> dict[str, Any]:
    """The EventBridge pattern of a role's use: that it is assumed, and whatever is done as it."""
    arn = f"arn:aws:iam::{account_id}:role/{role_name}"
    return {
        "detail-type": ["AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail"],
        "$or": [
            {"detail": {"eventName": ["AssumeRole"], "requestParameters": {"roleArn": [arn]}}},
            {"detail": {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": [arn]}}}}},
        ],
    }


def _of_the_account(account_id: str, organization_id: str) -> list[dict[str, Any]]:
    """What keys of an account have in common: its administrators keep them, and open nothing with them by hand."""
    return [
        {
            "Sid": "AdministerByThisAccount",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": list(ADMINISTRATION),
            "Resource": "*",
        },
        {
            "Sid": "DenyOutsideOrganization",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization_id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Sid": "DenyLendingItOut",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "kms:CreateGrant",
            "Resource": "*",
            # Without the key there is no resource of AWS's that the grant would be for.
            "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}},
        },
    ]


def key_document(account_id: str, organization_id: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """The policy of a key of an account, with what is particular to it."""
    return _document(*_of_the_account(account_id, organization_id), *statements)


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
