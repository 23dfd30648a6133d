"""The policy of a backup vault: what is in it stays, and is copied nowhere but to the cell's own backup place."""

from domicile_infra.plan.documents.statements import ANYONE, Document, Scope, deny_outside_organization, document


def vault_policy(scope: Scope) -> Document:
    """What nobody may do to the vault's recovery points, whatever their own policies say."""
    targets = [f"arn:aws:backup:{region}:{scope.account_id}:backup-vault:*" for region in scope.regions]
    return document(
        [
            {
                "Sid": "DenyErasing",
                "Effect": "Deny",
                "Principal": ANYONE,
                "Action": [
                    "backup:DeleteRecoveryPoint",
                    "backup:DisassociateRecoveryPoint",
                    "backup:UpdateRecoveryPointLifecycle",
                ],
                "Resource": "*",
            },
            {
                "Sid": "DenyCopiesElsewhere",
                "Effect": "Deny",
                "Principal": ANYONE,
                "Action": "backup:CopyFromBackupVault",
                "Resource": "*",
                "Condition": {"ForAnyValue:ArnNotLike": {"backup:CopyTargets": targets}},
            },
            deny_outside_organization(scope, "backup:CopyIntoBackupVault", ["*"]),
        ]
    )


def topic_policy(scope: Scope, topic_arn: str) -> Document:
    """Who may publish to the cell's alarms: CloudWatch and Backup, for this account."""
    return document(
        [
            {
                "Sid": "PublishForThisAccount",
                "Effect": "Allow",
                "Principal": {"Service": ["backup.amazonaws.com", "cloudwatch.amazonaws.com"]},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": scope.account_id}},
            },
            {
                "Sid": "DenyPlainText",
                "Effect": "Deny",
                "Principal": ANYONE,
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    )
