"""Service control policy: nobody switches off what watches, encrypts and keeps, and nobody becomes somebody else.

Pure. Roles are exempt where locking them out is a danger: the deployer, which sets the baselines that others may not
change, and the break-glass role, with which people end what is wrong (`exemptions.py`). The platform's roles and
policies are changed through the management account alone, but for the roles of a cell: those are the deployer's, and it
changes no others. Sources: AWS Landing Zone Accelerator's guardrail policies; AWS Organizations user guide, "Example
service control policies"; IAM user guide, "Permissions boundaries for IAM entities".
"""

from domicile_policies.documents import Document, Statement, policy
from domicile_policies.exemptions import CELL_ROLES, Exempt, deny, principals, role_arn
from domicile_policies.names import BOUNDARY, PLATFORM

# What records and watches. Ending it is for nobody in an account: the trail is the organisation's.
RECORDS = (
    "cloudtrail:CreateChannel",
    "cloudtrail:CreateEventDataStore",
    "cloudtrail:CreateTrail",
    "cloudtrail:Delete*",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:PutResourcePolicy",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
)

WATCHES = (
    "access-analyzer:DeleteAnalyzer",
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:StopConfigurationRecorder",
    "guardduty:DeleteDetector",
    "guardduty:DisassociateFrom*",
    "guardduty:UpdateDetector",
    "inspector2:Disable",
    "securityhub:DisableSecurityHub*",
    "securityhub:DisassociateFrom*",
)

# What an account is given once, by the deployer. Identity providers are among it: they let strangers in.
BASELINE = (
    "backup:PutBackupVaultLockConfiguration",
    "ec2:DisableAllowedImagesSettings",
    "ec2:DisableEbsEncryptionByDefault",
    "ec2:DisableImageBlockPublicAccess",
    "ec2:DisableSnapshotBlockPublicAccess",
    "ec2:EnableSerialConsoleAccess",
    "ec2:ModifyEbsDefaultKmsKeyId",
    "ec2:ModifyVpcBlockPublicAccess*",
    "ec2:ResetEbsDefaultKmsKeyId",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreateSAMLProvider",
    "iam:DeleteAccountPasswordPolicy",
    "iam:UpdateAccountPasswordPolicy",
    "iam:UpdateSAMLProvider",
    "s3:PutAccountPublicAccessBlock",
    "s3:PutBucketObjectLockConfiguration",
)

# What cannot be brought back: keys, and the backups made against a day like this.
KEPT = (
    "backup:DeleteBackupVault*",
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint*",
    "backup:UpdateRecoveryPointLifecycle",
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
)

CREDENTIALS = (
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:UploadSSHPublicKey",
)

IDENTITIES = (
    "iam:AttachRolePolicy",
    "iam:CreatePolicy*",
    "iam:CreateRole",
    "iam:DeletePolicy*",
    "iam:DeleteRole*",
    "iam:DetachRolePolicy",
    "iam:PutRole*",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole*",
)
"""What makes a role or a policy, says who may take it and what it may do."""

# Governance mode is for tests: elsewhere records are locked so that nobody can bypass it.
UNLOCKING = ("s3:BypassGovernanceRetention",)


def guardrails_policy(exempt: Exempt | None = None) -> Document:
    """Deny ending records and watches, loosening the baseline, destroying what is kept, and lasting credentials."""
    roles = exempt or Exempt()
    return policy(
        deny("DenyEndingRecords", RECORDS),
        deny("DenyUnlockingRecords", UNLOCKING, but=roles.destroyers),
        deny("DenyEndingWatches", WATCHES, but=roles.rescuers),
        deny("DenyLooseningBaseline", BASELINE, but=roles.rescuers),
        # The deployer destroys nothing either: a stack that would is stopped here, and a person decides.
        deny("DenyDestroyingWhatIsKept", KEPT, but=(*roles.destroyers, *roles.break_glass)),
        deny("DenyLastingCredentials", CREDENTIALS),
        *_identities(roles),
        {
            "Sid": "DenyRootUser",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}},
        },
    )


def _identities(roles: Exempt) -> list[Statement]:
    """Who may make and change roles and policies: the platform's, a cell's, and everybody's."""
    own_boundary = f"arn:aws:iam::${{aws:PrincipalAccount}}:policy/{BOUNDARY}"
    platform = [role_arn(name) for name in (*roles.access, f"{PLATFORM}*")]
    return [
        deny("DenyChangingPlatformIdentities", IDENTITIES, but=roles.operators)
        | {"Resource": [f"arn:aws:iam::*:policy/{PLATFORM}*", *platform]},
        {
            # What a cell's services take, and nothing that would make it more than it is.
            "Sid": "DenyDeployerOtherIdentities",
            "Effect": "Deny",
            "Action": sorted(IDENTITIES),
            "NotResource": CELL_ROLES,
            "Condition": {"ArnLike": principals(roles.deployers)},
        },
        {
            # Break-glass too: a role that it made would be there when the glass is whole again.
            "Sid": "DenyUnboundedRoles",
            "Effect": "Deny",
            "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary"],
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"iam:PermissionsBoundary": own_boundary},
                "ArnNotLike": principals(roles.access),
            },
        },
        deny("DenyLiftingBoundaries", ("iam:DeleteRolePermissionsBoundary",), but=roles.access),
    ]
