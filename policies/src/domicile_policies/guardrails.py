"""Service control policy: nobody switches off what watches, encrypts and keeps.

Pure. Roles are exempt where locking them out is a danger: the deployer, which sets the baselines that others may not
change, and the break-glass role, with which people end what is wrong. The roles themselves, and every other role of the
platform, can be changed by the deployer alone, or an exemption by name would be worth nothing. Sources: AWS Landing
Zone Accelerator's guardrail policies; AWS Organizations user guide, "Example service control policies".
"""

from dataclasses import dataclass, replace

from domicile_policies.documents import Document, Statement, policy

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
    "s3:BypassGovernanceRetention",
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

ROLES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole*",
    "iam:DetachRolePolicy",
    "iam:PutRole*",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole*",
)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Roles of an account by their names, which may have wildcards.

    `deployers` are what `pulumi up` is in an account, and the role by which the management account enters it.
    `break_glass` is for a person in an emergency. `platform` are all roles of the platform, which only deployers
    change. `destroyers` may destroy keys and backups beside break-glass: nobody, but in an environment for tests.
    """

    deployers: tuple[str, ...] = ("OrganizationAccountAccessRole", "domicile-deployer")
    break_glass: tuple[str, ...] = ("domicile-break-glass",)
    platform: tuple[str, ...] = ("OrganizationAccountAccessRole", "domicile-*")
    destroyers: tuple[str, ...] = ()

    @classmethod
    def of(cls, *, disposable: bool) -> "Exempt":
        """Who is exempt in an environment; in a disposable one, what builds it may take it down."""
        usual = cls()
        return replace(usual, destroyers=usual.deployers) if disposable else usual


def guardrails_policy(exempt: Exempt | None = None) -> Document:
    """Deny ending records and watches, loosening the baseline, destroying what is kept, and lasting credentials."""
    roles = exempt or Exempt()
    operators, rescuers = roles.deployers, (*roles.deployers, *roles.break_glass)
    return policy(
        _deny("DenyEndingRecords", RECORDS),
        _deny("DenyEndingWatches", WATCHES, but=rescuers),
        _deny("DenyLooseningBaseline", BASELINE, but=rescuers),
        # The deployer destroys nothing either: a stack that would is stopped here, and a person decides.
        _deny("DenyDestroyingWhatIsKept", KEPT, but=(*roles.destroyers, *roles.break_glass)),
        _deny("DenyLastingCredentials", CREDENTIALS),
        _deny("DenyChangingPlatformRoles", ROLES, but=operators) | {"Resource": _roles(roles.platform)},
        {
            "Sid": "DenyRootUser",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}},
        },
    )


def _deny(sid: str, actions: tuple[str, ...], *, but: tuple[str, ...] = ()) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Action": sorted(actions), "Resource": "*"}
    return statement | ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": _roles(but)}}} if but else {})


def _roles(names: tuple[str, ...]) -> list[str]:
    return [f"arn:aws:iam::*:role/{name}" for name in sorted(set(names))]
