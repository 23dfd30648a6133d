"""The cell's buckets: documents, and records under object lock."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.buckets import ACCESS_LOGS, BUCKETS, BucketSpec, lock_for
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.buckets import access_log_policy, bucket_policy
from domicile_infra.plan.documents.keys import KeyPurpose


@dataclass(frozen=True)
class ObjectStoreArgs:
    """`key_arns` has those that the buckets are closed with."""

    plan: CellPlan
    key_arns: Mapping[KeyPurpose, pulumi.Input[str]]


class ObjectStore(CellComponent):
    """`names` and `arns` by purpose. `ready_for_logs` must be there before a load balancer writes its access log."""

    names: Mapping[str, pulumi.Output[str]]
    arns: Mapping[str, pulumi.Output[str]]
    ready_for_logs: pulumi.Resource

    def __init__(self, name: str, args: ObjectStoreArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        self._args = args
        # The target of access logs comes first; its policy admits them.
        ordered = sorted(BUCKETS, key=lambda spec: spec.purpose != ACCESS_LOGS)
        self.names, self.arns = names, arns = {}, {}
        for spec in ordered:
            bucket, policy = self._bucket(spec)
            names[spec.purpose], arns[spec.purpose] = bucket.bucket, bucket.arn
            if spec.purpose == ACCESS_LOGS:
                self.ready_for_logs = policy
        self.register_outputs(dict(names))

    def _bucket(self, spec: BucketSpec) -> tuple[aws.s3.Bucket, aws.s3.BucketPolicy]:
        plan, purpose = self._args.plan, spec.purpose
        bucket = aws.s3.Bucket(
            purpose,
            bucket=plan.bucket(purpose),
            object_lock_enabled=spec.locked,
            force_destroy=False,
            tags=plan.tags.tags(spec.holds),
            opts=self.child(stateful=True),
        )
        owner = aws.s3.BucketOwnershipControls(
            purpose, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self.child()
        )
        closed = aws.s3.BucketPublicAccessBlock(
            purpose,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            # S3 refuses two of these changes at once ("a conflicting conditional operation").
            opts=self.child(stateful=True, after=[owner]),
        )
        policy = aws.s3.BucketPolicy(
            purpose, bucket=bucket.bucket, policy=self._policy(spec), opts=self.child(after=[closed])
        )
        versions = aws.s3.BucketVersioning(
            purpose,
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(stateful=True),
        )
        self._encryption(spec, bucket)
        if spec.locked:
            self._lock(spec, bucket, versions)
        self._lifecycle(spec, bucket, versions)
        if purpose != ACCESS_LOGS:
            aws.s3.BucketLogging(
                purpose,
                bucket=bucket.bucket,
                target_bucket=self.names[ACCESS_LOGS],
                target_prefix=f"s3/{purpose}/",
                opts=self.child(after=[self.ready_for_logs]),
            )
        return bucket, policy

    def _policy(self, spec: BucketSpec) -> pulumi.Input[str]:
        scope, name = self._args.plan.scope, self._args.plan.bucket(spec.purpose)
        if spec.key is None:
            return render(access_log_policy(scope, name))
        arn = pulumi.Output.from_input(self._args.key_arns[spec.key])
        return arn.apply(lambda found: render(bucket_policy(scope, name, found, locked=spec.locked)))

    def _encryption(self, spec: BucketSpec, bucket: aws.s3.Bucket) -> None:
        rule: aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict = {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}
        }
        if spec.key is not None:
            rule = {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": self._args.key_arns[spec.key],
                },
                "bucket_key_enabled": True,
            }
        aws.s3.BucketServerSideEncryptionConfiguration(
            spec.purpose, bucket=bucket.bucket, rules=[rule], opts=self.child(stateful=True)
        )

    def _lock(self, spec: BucketSpec, bucket: aws.s3.Bucket, versions: aws.s3.BucketVersioning) -> None:
        plan = self._args.plan
        lock = lock_for(plan.production, plan.retention_years)
        retention: aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgsDict = {"mode": lock.mode}
        if lock.years is not None:
            retention["years"] = lock.years
        if lock.days is not None:
            retention["days"] = lock.days
        aws.s3.BucketObjectLockConfiguration(
            spec.purpose,
            bucket=bucket.bucket,
            object_lock_enabled="Enabled",
            rule={"default_retention": retention},
            opts=self.child(stateful=True, after=[versions]),
        )

    def _lifecycle(self, spec: BucketSpec, bucket: aws.s3.Bucket, versions: aws.s3.BucketVersioning) -> None:
        rule: aws.s3.BucketLifecycleConfigurationRuleArgsDict = {
            "id": "keep",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
        if spec.expires_days is not None:
            rule["expiration"] = {"days": spec.expires_days}
        if spec.old_versions_days is not None:
            rule["noncurrent_version_expiration"] = {"noncurrent_days": spec.old_versions_days}
        aws.s3.BucketLifecycleConfiguration(
            spec.purpose, bucket=bucket.bucket, rules=[rule], opts=self.child(after=[versions])
        )
