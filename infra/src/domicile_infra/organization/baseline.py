"""What an account has from its first hour: encryption by default, nothing public, and what watches it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_policies.names import AccountRole

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.accounts import AccountPlan
from domicile_infra.plan.baseline import PASSWORDS, volume_key_document
from domicile_infra.plan.persona_documents import compact


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineArgs:
    """The account and its id; providers of each region in which it acts or watches.

    `block_public_access` is false where a policy of the organisation does it, and S3 refuses the account's own.
    """

    plan: AccountPlan
    account_id: pulumi.Input[str]
    organization_id: pulumi.Input[str]
    providers: Mapping[str, aws.Provider]
    block_public_access: bool
    tags: Mapping[str, str]
    key_tags: Mapping[str, str]


class Baseline(OrganizationComponent):
    """The account's own settings, then those of each region. `volume_keys` are the ARNs of its default keys.

    `hubs` are the region's Security Hub of the account; `detectors` its GuardDuty, which the security account alone
    makes by itself: everyone else's comes with their enrolment there.
    """

    volume_keys: dict[str, pulumi.Output[str]]
    hubs: dict[str, aws.securityhub.Account]
    detectors: dict[str, aws.guardduty.Detector]

    def __init__(self, name: str, args: BaselineArgs) -> None:
        super().__init__(name)
        self._args = args
        home = args.providers[args.plan.regions[0]]
        aws.iam.AccountPasswordPolicy(
            f"{name}/password-policy",
            minimum_password_length=PASSWORDS.minimum_length,
            password_reuse_prevention=PASSWORDS.remembered,
            require_lowercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            require_uppercase_characters=True,
            allow_users_to_change_password=True,
            opts=self.child(home),
        )
        if args.block_public_access:
            aws.s3.AccountPublicAccessBlock(
                f"{name}/public-access",
                account_id=args.account_id,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
                opts=self.child(home),
            )
        self.volume_keys = {region: self._volumes(name, region) for region in args.plan.regions}
        everywhere = (*args.plan.regions, *args.plan.watches)
        self.hubs = {region: self._hub(name, region) for region in everywhere}
        self.detectors = {
            region: self._detector(name, region) for region in everywhere if args.plan.role is AccountRole.SECURITY
        }
        for region in everywhere:
            self._analyzer(name, region)
        self.register_outputs({"volumeKeys": self.volume_keys})

    def _volumes(self, name: str, region: str) -> pulumi.Output[str]:
        """Every volume of the region is encrypted, with a key of the account's own where it names none."""
        args, provider = self._args, self._args.providers[region]
        key = aws.kms.Key(
            f"{name}/{region}/volumes",
            description=f"Volumes of {args.plan.display_name} in {region} that name no other key",
            enable_key_rotation=True,
            multi_region=False,
            deletion_window_in_days=30,
            policy=pulumi.Output.all(args.account_id, args.organization_id).apply(
                lambda known: compact(volume_key_document(known[0], region, known[1]))
            ),
            tags=dict(args.key_tags),
            opts=self.kept(provider),
        )
        aws.kms.Alias(
            f"{name}/{region}/volumes-alias",
            name="alias/domicile-volumes",
            target_key_id=key.id,
            opts=self.child(provider),
        )
        default = aws.ebs.DefaultKmsKey(f"{name}/{region}/default-key", key_arn=key.arn, opts=self.child(provider))
        aws.ebs.EncryptionByDefault(
            f"{name}/{region}/encryption",
            enabled=True,
            opts=self.child(provider, after=[default]),
        )
        return key.arn

    # Findings stay in the region that they are about; the security account sees them there.

    def _hub(self, name: str, region: str) -> aws.securityhub.Account:
        return aws.securityhub.Account(
            f"{name}/{region}/security-hub",
            enable_default_standards=True,
            auto_enable_controls=True,
            control_finding_generator="SECURITY_CONTROL",
            opts=self.child(self._args.providers[region]),
        )

    def _detector(self, name: str, region: str) -> aws.guardduty.Detector:
        return aws.guardduty.Detector(
            f"{name}/{region}/detector",
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            tags=dict(self._args.tags),
            opts=self.child(self._args.providers[region]),
        )

    def _analyzer(self, name: str, region: str) -> None:
        aws.accessanalyzer.Analyzer(
            f"{name}/{region}/analyzer",
            analyzer_name="domicile",
            type="ACCOUNT",
            tags=dict(self._args.tags),
            opts=self.child(self._args.providers[region]),
        )
