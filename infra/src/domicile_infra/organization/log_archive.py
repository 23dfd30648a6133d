"""An archive of audit logs: a locked bucket with a key of its own, in the region that the logs are from."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.log_archive import ArchivePlan, bucket_name
from domicile_infra.plan.log_archive_documents import archive_key_document, bucket_document, trail_arn
from domicile_infra.plan.persona_documents import compact


@dataclass(frozen=True, slots=True, kw_only=True)
class LogArchiveArgs:
    """The archive, the id of the account that it is in, and what its policies name."""

    plan: ArchivePlan
    environment: str
    account_id: pulumi.Input[str]
    organization_id: pulumi.Input[str]
    management_account: str
    tags: Mapping[str, str]
    key_tags: Mapping[str, str]


class LogArchive(OrganizationComponent):
    """The bucket with everything that makes it an archive. `ready` is what must exist before a trail delivers to it."""

    bucket: pulumi.Output[str]
    key_arn: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: LogArchiveArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        self._named, self._through = name, provider
        plan, owner = args.plan, pulumi.Output.from_input(args.account_id)
        trail = trail_arn(plan.region, args.management_account, plan.trail)
        key = aws.kms.Key(
            f"{name}/key",
            description=f"Audit logs of {plan.unit} in {plan.region}",
            enable_key_rotation=True,
            multi_region=False,
            deletion_window_in_days=30,
            policy=pulumi.Output.all(owner, args.organization_id).apply(
                lambda known: compact(archive_key_document(known[0], trail, args.management_account, known[1]))
            ),
            tags=dict(args.key_tags),
            opts=self.kept(provider),
        )
        aws.kms.Alias(
            f"{name}/alias",
            name=f"alias/domicile-audit-{plan.unit}",
            target_key_id=key.id,
            opts=self._opts("alias"),
        )
        bucket = aws.s3.Bucket(
            f"{name}/bucket",
            bucket=owner.apply(lambda one: bucket_name(args.environment, one, plan.region)),
            object_lock_enabled=True,
            force_destroy=False,
            tags=dict(args.tags),
            opts=self.kept(provider),
        )
        settings = self._settings(bucket, key, plan.retention_days)
        policy = aws.s3.BucketPolicy(
            f"{name}/policy",
            bucket=bucket.id,
            policy=pulumi.Output.all(bucket.id, key.arn, args.organization_id).apply(
                lambda known: compact(bucket_document(known[0], trail, known[1], known[2], args.management_account))
            ),
            # Beside each other, S3 refuses one of the two calls now and then.
            opts=self.kept(provider, after=settings),
        )
        self.bucket, self.key_arn = bucket.id, key.arn
        self.ready = (policy, *settings)
        self.register_outputs({"bucket": self.bucket, "keyArn": self.key_arn})

    def _settings(self, bucket: aws.s3.Bucket, key: aws.kms.Key, days: int) -> tuple[pulumi.Resource, ...]:
        name = self._named
        public = aws.s3.BucketPublicAccessBlock(
            f"{name}/public-access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._opts("public-access"),
        )
        ownership = aws.s3.BucketOwnershipControls(
            f"{name}/ownership",
            bucket=bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._opts("ownership", public),
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}/encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=key.arn
                        )
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=self._opts("encryption"),
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}/versioning",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self.kept(self._through),
        )
        lock = aws.s3.BucketObjectLockConfiguration(
            f"{name}/lock",
            bucket=bucket.id,
            object_lock_enabled="Enabled",
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode="COMPLIANCE", days=days
                )
            ),
            opts=self.kept(self._through, after=[versioning]),
        )
        # What the law no longer has kept goes: it tells of people.
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            f"{name}/lifecycle",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days + 1),
                    noncurrent_version_expiration=(
                        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(noncurrent_days=1)
                    ),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=7
                        )
                    ),
                )
            ],
            opts=self._opts("lifecycle", versioning, lock),
        )
        return public, ownership, encryption, versioning, lock, lifecycle

    def _opts(self, what: str, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return self.child(self._through, after=after)
