"""Builds what stores things: buckets, disks, file systems, archives, images of programs."""

import json
from typing import Any

from audit_testkit.faults import Spec, tags, without_tls
from audit_testkit.world import AWAY, STRANGER, TAGS


def bucket(spec: Spec, name: str | None = None) -> str:
    name = name or spec.name("bucket")
    s3 = spec("s3")
    where = {} if spec.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": spec.region}}
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, **where)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags()})
    if spec.encrypted:
        by = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": spec.key}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by}]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    else:
        s3.delete_bucket_encryption(Bucket=name)
    arn = f"arn:aws:s3:::{name}"
    who = STRANGER if spec.shared else spec.account
    statements = [
        without_tls("s3:*", [arn, f"{arn}/*"]),
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{who}:role/reader"},
            "Action": "s3:GetObject",
            "Resource": f"{arn}/*",
        },
    ]
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    if spec.replicated:
        _replicate_bucket(spec, name)
    return arn


def _replicate_bucket(spec: Spec, name: str) -> None:
    far = Spec(spec.hand.elsewhere(AWAY), spec.fault)
    target = spec.name("target")
    far("s3").create_bucket(Bucket=target)
    for client, one in ((spec("s3"), name), (far("s3"), target)):
        client.put_bucket_versioning(Bucket=one, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "away",
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    role = f"arn:aws:iam::{spec.account}:role/replication"
    spec("s3").put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": role, "Rules": [rule]})


def volume(spec: Spec) -> str:
    encryption = {"Encrypted": True, "KmsKeyId": spec.key} if spec.encrypted else {}
    made = spec("ec2").create_volume(
        AvailabilityZone=f"{spec.region}a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags()}],
        **encryption,
    )
    return spec.arn("ec2", f"volume/{made['VolumeId']}")


def _snapshot(spec: Spec) -> str:
    encryption = {"Encrypted": True, "KmsKeyId": spec.key} if spec.encrypted else {}
    ec2 = spec("ec2")
    source = ec2.create_volume(
        AvailabilityZone=f"{spec.region}a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags()}],
        **encryption,
    )
    made = ec2.create_snapshot(
        VolumeId=source["VolumeId"], TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags()}]
    )
    # Its volume goes, so that what is found is about the snapshot.
    ec2.delete_volume(VolumeId=source["VolumeId"])
    name = str(made["SnapshotId"])

    def change(answer: dict) -> None:
        for one in answer.get("Snapshots", ()):
            if one["SnapshotId"] == name and spec.encrypted:
                one["KmsKeyId"] = spec.key  # moto does not keep it

    spec.amend("ec2", "DescribeSnapshots", change)
    return name


def snapshot(spec: Spec) -> str:
    name = _snapshot(spec)
    if spec.shared:
        spec("ec2").modify_snapshot_attribute(
            SnapshotId=name, Attribute="createVolumePermission", OperationType="add", UserIds=[STRANGER]
        )
    return spec.arn("ec2", f"snapshot/{name}")


def image(spec: Spec) -> str:
    ec2 = spec("ec2")
    made = ec2.register_image(
        Name=spec.name("image"),
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 1, "Encrypted": spec.encrypted}}],
    )
    name = made["ImageId"]
    ec2.create_tags(Resources=[name], Tags=tags())

    def drop(answer: dict) -> None:
        # moto makes up a snapshot for it, of which nobody said how it is to be.
        answer["Snapshots"] = [one for one in answer["Snapshots"] if name not in one.get("Description", "")]

    spec.amend("ec2", "DescribeSnapshots", drop)

    def encrypt(answer: dict) -> None:
        for one in answer.get("Images", ()):
            if one["ImageId"] == name:
                one["BlockDeviceMappings"] = [
                    {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 1, "Encrypted": spec.encrypted}}
                ]

    # moto keeps the mapping of no image that was registered.
    spec.amend("ec2", "DescribeImages", encrypt)
    if spec.shared:
        ec2.modify_image_attribute(ImageId=name, LaunchPermission={"Add": [{"UserId": STRANGER}]})
    return spec.arn("ec2", f"image/{name}")


def elastic_file_system(spec: Spec) -> str:
    encryption = {"Encrypted": True, "KmsKeyId": spec.key} if spec.encrypted else {"Encrypted": False}
    made = spec("efs").create_file_system(CreationToken=spec.name("efs"), Tags=tags(), **encryption)
    name, arn = made["FileSystemId"], made["FileSystemArn"]
    spec("efs").put_file_system_policy(FileSystemId=name, Policy=spec.policy("elasticfilesystem:ClientMount", arn))
    if spec.replicated:
        told = {
            "SourceFileSystemId": name,
            "SourceFileSystemRegion": spec.region,
            "SourceFileSystemArn": arn,
            "OriginalSourceFileSystemArn": arn,
            "CreationTime": "2026-01-01T00:00:00Z",
            "Destinations": [{"Status": "ENABLED", "FileSystemId": "fs-0000", "Region": AWAY}],
        }
        spec.stock("efs", "DescribeReplicationConfigurations", {"Replications": [told]})
    return str(arn)


def fsx_file_system(spec: Spec) -> str:
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    target = f"s3://{spec.name('nobody-reads')}/data"
    lustre = {"LustreConfiguration": {"ExportPath": target, "ImportPath": target}} if spec.replicated else {}
    made = spec("fsx").create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=["subnet-0123456789abcdef0"],
        Tags=tags(),
        **key,
        **lustre,
    )
    one = made["FileSystem"]
    repository = {"DataRepositoryConfiguration": {"ExportPath": target, "ImportPath": target}}
    more = {"LustreConfiguration": repository} if spec.replicated else {}
    _amend_fsx(spec, "DescribeFileSystems", "FileSystems", str(one["ResourceARN"]), {**key, **more})
    return str(one["ResourceARN"])


def fsx_backup(spec: Spec) -> str:
    fsx = spec("fsx")
    source = fsx.create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=["subnet-0123456789abcdef0"],
        Tags=tags(),
        KmsKeyId=spec.key,
    )["FileSystem"]
    made = fsx.create_backup(FileSystemId=source["FileSystemId"], Tags=tags())["Backup"]
    fsx.delete_file_system(FileSystemId=source["FileSystemId"])
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    _amend_fsx(spec, "DescribeBackups", "Backups", str(made["ResourceARN"]), key)
    return str(made["ResourceARN"])


def _amend_fsx(spec: Spec, operation: str, member: str, arn: str, told: dict[str, Any]) -> None:
    """moto keeps neither the key nor where a file system exports to."""

    def change(answer: dict) -> None:
        for one in answer.get(member, ()):
            if one["ResourceARN"] == arn:
                one.pop("KmsKeyId", None)
                one.update(told)

    spec.amend("fsx", operation, change)


def repository(spec: Spec) -> str:
    how = {"encryptionType": "KMS", "kmsKey": spec.key} if spec.encrypted else {"encryptionType": "AES256"}
    name = spec.name("repository")
    made = spec("ecr").create_repository(repositoryName=name, encryptionConfiguration=how, tags=tags())
    if spec.shared:
        policy = json.loads(spec.policy("ecr:BatchGetImage"))
        for statement in policy["Statement"]:
            statement.pop("Resource")
        spec("ecr").set_repository_policy(repositoryName=name, policyText=json.dumps(policy))
    if spec.replicated:
        rules = [{"destinations": [{"region": AWAY, "registryId": spec.account}]}]
        spec("ecr").put_replication_configuration(replicationConfiguration={"rules": rules})
    return str(made["repository"]["repositoryArn"])


def archive(spec: Spec) -> str:
    name = spec.name("vault")
    spec("glacier").create_vault(accountId="-", vaultName=name)
    about = {"parameter": "vaultName", "value": name}
    spec.stock("glacier", "ListTagsForVault", {"Tags": {**TAGS, "domicile:data-class": "telemetry"}}, **about)
    if spec.shared:
        policy = {"policy": {"Policy": spec.policy("glacier:GetJobOutput")}}
        spec.stock("glacier", "GetVaultAccessPolicy", policy, **about)
    return spec.arn("glacier", f"vaults/{name}")


def backup_vault(spec: Spec) -> str:
    name = spec.name("vault")
    key = {"EncryptionKeyArn": spec.key} if spec.encrypted else {}
    made = spec("backup").create_backup_vault(BackupVaultName=name, BackupVaultTags=TAGS, **key)
    arn = str(made["BackupVaultArn"])

    def change(answer: dict) -> None:
        # moto makes up a key for a vault that names none, as AWS takes its own.
        for one in answer.get("BackupVaultList", ()):
            if one["BackupVaultArn"] == arn and not spec.encrypted:
                one["EncryptionKeyArn"] = f"arn:aws:kms:{spec.region}:{spec.account}:alias/aws/backup"

    spec.amend("backup", "ListBackupVaults", change)
    if spec.shared:
        answer = {"BackupVaultName": name, "Policy": spec.policy("backup:CopyFromBackupVault")}
        spec.stock("backup", "GetBackupVaultAccessPolicy", answer, parameter="BackupVaultName", value=name)
    return arn


def backup_plan(spec: Spec) -> str:
    region = AWAY if spec.replicated else spec.region
    account = STRANGER if spec.shared else spec.account
    target = f"arn:aws:backup:{region}:{account}:backup-vault:copies"
    rule = {
        "RuleName": "daily",
        "TargetBackupVaultName": "vault",
        "ScheduleExpression": "cron(0 5 * * ? *)",
        "CopyActions": [{"DestinationBackupVaultArn": target}],
    }
    made = spec("backup").create_backup_plan(
        BackupPlan={"BackupPlanName": spec.name("plan"), "Rules": [rule]}, BackupPlanTags=TAGS
    )
    return str(made["BackupPlanArn"])


def recovery_point(spec: Spec) -> str:
    vault = spec.name("vault")
    backup = spec("backup")
    backup.create_backup_vault(BackupVaultName=vault, BackupVaultTags=TAGS, EncryptionKeyArn=spec.key)
    arn = spec.arn("backup", f"recovery-point:{spec.name('point')}")
    point = {"RecoveryPointArn": arn, "BackupVaultName": vault, "IsEncrypted": spec.encrypted}
    if spec.encrypted:
        point["EncryptionKeyArn"] = spec.key
    about = {"parameter": "BackupVaultName", "value": vault}
    spec.stock("backup", "ListRecoveryPointsByBackupVault", {"RecoveryPoints": [point]}, **about)
    spec.stock("backup", "ListTags", {"Tags": TAGS}, parameter="ResourceArn", value=arn)
    return arn
