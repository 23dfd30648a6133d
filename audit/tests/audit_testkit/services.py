"""Builds the rest: keys and secrets, queues and streams, logs, programs, and what moves data."""

import json
from typing import Any

from audit_testkit.faults import Fault, Spec, tags
from audit_testkit.storage import bucket
from audit_testkit.world import AWAY, HOME, STRANGER, TAGS


def key(spec: Spec) -> str:
    kms = spec("kms")
    made = kms.create_key(MultiRegion=spec.replicated, Tags=tags("TagKey", "TagValue"))["KeyMetadata"]
    if spec.shared:
        kms.put_key_policy(KeyId=made["KeyId"], PolicyName="default", Policy=spec.policy("kms:Decrypt"))
    if spec.replicated:
        kms.replicate_key(KeyId=made["KeyId"], ReplicaRegion=AWAY, Tags=tags("TagKey", "TagValue"))
    return str(made["Arn"])


def secret(spec: Spec) -> str:
    client = spec("secretsmanager")
    # Without a key named it has the one that Secrets Manager keeps.
    chosen = {"KmsKeyId": spec.key} if spec.encrypted else {}
    copies = {"AddReplicaRegions": [{"Region": AWAY}]} if spec.replicated else {}
    made = client.create_secret(Name=spec.name("secret"), SecretString="x", Tags=tags(), **chosen, **copies)
    if spec.shared:
        policy = spec.policy("secretsmanager:GetSecretValue")
        client.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=policy)
    return str(made["ARN"])


def parameter(spec: Spec) -> str:
    name = f"/{spec.name('parameter')}"
    kind = {"Type": "SecureString", "KeyId": spec.key} if spec.encrypted else {"Type": "String"}
    tier = "Advanced" if spec.shared else "Standard"
    spec("ssm").put_parameter(Name=name, Value="x", Tags=tags(), Tier=tier, **kind)
    arn = spec.arn("ssm", f"parameter{name}")

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("Parameters", ()):
            if one["Name"] == name:
                one["Tier"] = tier

    if spec.shared:
        spec.amend("ssm", "DescribeParameters", change)
        policies = {"Policies": [{"Policy": spec.policy("ssm:GetParameter", arn)}]}
        spec.stock("ssm", "GetResourcePolicies", policies, parameter="ResourceArn", value=arn)
    return arn


def queue(spec: Spec) -> str:
    attributes = {"KmsMasterKeyId": spec.key} if spec.encrypted else {"SqsManagedSseEnabled": "false"}
    name = spec.name("queue")
    arn = spec.arn("sqs", name)
    attributes["Policy"] = spec.policy("sqs:ReceiveMessage", arn)
    spec("sqs").create_queue(QueueName=name, Attributes=attributes, tags=TAGS)
    return arn


def topic(spec: Spec) -> str:
    key = {"KmsMasterKeyId": spec.key} if spec.encrypted else {}
    sns = spec("sns")
    arn = str(sns.create_topic(Name=spec.name("topic"), Attributes=key, Tags=tags())["TopicArn"])
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=spec.policy("sns:Subscribe", arn))
    if spec.replicated:
        away = f"arn:aws:sqs:{AWAY}:{spec.account}:copies"
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=away)
    return arn


def broker(spec: Spec) -> str:
    own = {"UseAwsOwnedKey": False, "KmsKeyId": spec.key}
    made = spec("mq").create_broker(
        BrokerName=spec.name("broker"),
        EngineType="RABBITMQ",
        EngineVersion="3.13",
        HostInstanceType="mq.m5.large",
        DeploymentMode="SINGLE_INSTANCE",
        AutoMinorVersionUpgrade=True,
        PubliclyAccessible=spec.shared,
        Users=[{"Username": "owner", "Password": "not-a-real-password"}],
        Tags=TAGS,
        **({"EncryptionOptions": own} if spec.encrypted else {}),
    )
    return str(made["BrokerArn"])


def kafka(spec: Spec) -> str:
    rest = {"EncryptionAtRest": {"DataVolumeKMSKeyId": spec.key}} if spec.encrypted else {}
    made = spec("kafka").create_cluster_v2(
        ClusterName=spec.name("kafka"),
        Tags=TAGS,
        Provisioned={
            "BrokerNodeGroupInfo": {"ClientSubnets": ["subnet-1"], "InstanceType": "kafka.m7g.large"},
            "KafkaVersion": "3.6.0",
            "NumberOfBrokerNodes": 3,
            "EncryptionInfo": {"EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": True}, **rest},
        },
    )
    arn = str(made["ClusterArn"])

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("ClusterInfoList", ()):
            if one["ClusterArn"] == arn:
                one["Provisioned"]["EncryptionInfo"] = {  # moto does not keep it
                    "EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": True},
                    **rest,
                }

    spec.amend("kafka", "ListClustersV2", change)
    if spec.shared:
        spec("kafka").put_cluster_policy(ClusterArn=arn, Policy=spec.policy("kafka:GetBootstrapBrokers", arn))
    return arn


def stream(spec: Spec) -> str:
    kinesis, name = spec("kinesis"), spec.name("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.add_tags_to_stream(StreamName=name, Tags=TAGS)
    if spec.encrypted:
        kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=spec.key)
    arn = spec.arn("kinesis", f"stream/{name}")
    if spec.shared:
        kinesis.put_resource_policy(ResourceARN=arn, Policy=spec.policy("kinesis:GetRecords", arn))
    return arn


def delivery_stream(spec: Spec) -> str:
    where = _target(spec)
    # The bucket is as it should be: where the stream sends to is what is wrong.
    target = f"arn:aws:s3:::{spec.name('nobody-reads')}" if spec.shared else _plain_bucket(where)
    key = {"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": spec.key}
    made = spec("firehose").create_delivery_stream(
        DeliveryStreamName=spec.name("delivery"),
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "BucketARN": target,
            "RoleARN": f"arn:aws:iam::{spec.account}:role/delivery",
        },
        Tags=tags(),
        **({"DeliveryStreamEncryptionConfigurationInput": key} if spec.encrypted else {}),
    )
    arn = str(made["DeliveryStreamARN"])

    def change(answer: dict[str, Any]) -> None:
        told = answer.get("DeliveryStreamDescription", {})
        if told.get("DeliveryStreamARN") == arn and spec.encrypted:
            told["DeliveryStreamEncryptionConfiguration"] = {"Status": "ENABLED", "KeyARN": spec.key}

    spec.amend("firehose", "DescribeDeliveryStream", change)
    return arn


def _target(spec: Spec) -> Spec:
    """Where what is sent goes: home, if that is not what is wrong."""
    return Spec(spec.hand.elsewhere(AWAY if spec.replicated else HOME), spec.fault)


def _plain_bucket(spec: Spec) -> str:
    return bucket(Spec(spec.hand, Fault.NONE))


def log_group(spec: Spec) -> str:
    name = f"/{spec.name('group')}"
    logs = spec("logs")
    key = {"kmsKeyId": spec.key} if spec.encrypted else {}
    logs.create_log_group(logGroupName=name, tags=TAGS, **key)
    if spec.replicated or spec.shared:
        region, account = (AWAY, spec.account) if spec.replicated else (spec.region, STRANGER)

        def answer() -> dict[str, Any]:
            arn = f"arn:aws:logs:{region}:{account}:destination:copies"
            return {"subscriptionFilters": [{"filterName": "all", "logGroupName": name, "destinationArn": arn}]}

        # moto sends to destinations that it has, and has none of other accounts.
        about = {"parameter": "logGroupName", "value": name}
        spec.stock("logs", "DescribeSubscriptionFilters", answer(), **about)
    return spec.arn("logs", f"log-group:{name}")


def trail(spec: Spec) -> str:
    where = _target(spec)
    target = _plain_bucket(where).rpartition(":")[2]
    cloudtrail, name = spec("cloudtrail"), spec.name("trail")
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    made = cloudtrail.create_trail(Name=name, S3BucketName=target, TagsList=tags(), **key)
    arn = str(made["TrailARN"])

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("trailList", ()):
            if one["TrailARN"] == arn:
                one.update(key)
                if spec.shared:
                    one["S3BucketName"] = f"nobody-reads-{name}"

    spec.amend("cloudtrail", "DescribeTrails", change)
    return arn


def search_domain(spec: Spec) -> str:
    name = spec.name("search")
    rest = {"Enabled": True, "KmsKeyId": spec.key} if spec.encrypted else {"Enabled": False}
    made = spec("opensearch").create_domain(
        DomainName=name,
        EncryptionAtRestOptions=rest,
        DomainEndpointOptions={"EnforceHTTPS": True},
        AccessPolicies=spec.policy("es:ESHttpGet"),
        TagList=tags(),
    )
    return str(made["DomainStatus"]["ARN"])


def workgroup(spec: Spec) -> str:
    where = _target(spec)
    target = spec.name("nobody-reads") if spec.shared else _plain_bucket(where).rpartition(":")[2]
    how = {"EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": spec.key}} if spec.encrypted else {}
    name = spec.name("workgroup")
    spec("athena").create_work_group(
        Name=name,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{target}/results/", **how}},
        Tags=tags(),
    )
    return spec.arn("athena", f"workgroup/{name}")


def data_catalog(spec: Spec) -> str:
    glue = spec("glue")
    glue.create_database(DatabaseInput={"Name": spec.name("database").replace("-", "_")})
    if spec.encrypted:
        rest = {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": spec.key}
        glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings={"EncryptionAtRest": rest})
    if spec.shared:
        glue.put_resource_policy(PolicyInJson=spec.policy("glue:GetTable"))
    return spec.arn("glue", "catalog")


def replication_instance(spec: Spec) -> str:
    dms = spec("dms")
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    made = dms.create_replication_instance(
        ReplicationInstanceIdentifier=spec.name("migration"),
        ReplicationInstanceClass="dms.t3.medium",
        PubliclyAccessible=spec.shared,
        Tags=tags(),
        **key,
    )
    arn = str(made["ReplicationInstance"]["ReplicationInstanceArn"])
    if spec.replicated:
        ends = {
            kind: dms.create_endpoint(
                EndpointIdentifier=spec.name(kind),
                EndpointType=kind,
                EngineName="postgres",
                ServerName=f"db.c0ffee.{AWAY if kind == 'target' else spec.region}.rds.amazonaws.com",
            )["Endpoint"]["EndpointArn"]
            for kind in ("source", "target")
        }
        dms.create_replication_task(
            ReplicationTaskIdentifier=spec.name("task"),
            SourceEndpointArn=ends["source"],
            TargetEndpointArn=ends["target"],
            ReplicationInstanceArn=arn,
            MigrationType="cdc",
            TableMappings="{}",
        )
    return arn


def kubernetes(spec: Spec) -> str:
    name = spec.name("cluster")
    secrets = [{"resources": ["secrets"], "provider": {"keyArn": spec.key}}]
    made = spec("eks").create_cluster(
        name=name,
        roleArn=f"arn:aws:iam::{spec.account}:role/cluster",
        resourcesVpcConfig={"subnetIds": ["subnet-1"], "endpointPublicAccess": spec.shared},
        tags=TAGS,
        **({"encryptionConfig": secrets} if spec.encrypted else {}),
    )
    arn = str(made["cluster"]["arn"])

    def change(answer: dict[str, Any]) -> None:
        # moto says of every cluster that its endpoint is public.
        if answer.get("cluster", {}).get("arn") == arn:
            answer["cluster"]["resourcesVpcConfig"]["endpointPublicAccess"] = spec.shared

    spec.amend("eks", "DescribeCluster", change)
    return arn


def function(spec: Spec) -> str:
    name = spec.name("function")
    client = spec("lambda")
    key = {"KMSKeyArn": spec.key} if spec.encrypted else {}
    made = client.create_function(
        FunctionName=name,
        Role=_role(spec),
        Code={"ImageUri": f"{spec.account}.dkr.ecr.{spec.region}.amazonaws.com/casino:1"},
        PackageType="Image",
        Tags=TAGS,
        **key,
    )
    arn = str(made["FunctionArn"])

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("Functions", ()):
            if one["FunctionArn"] == arn:
                one.update(key)

    spec.amend("lambda", "ListFunctions", change)
    if spec.shared:
        policy = {"Policy": spec.policy("lambda:InvokeFunction", arn)}
        spec.stock("lambda", "GetPolicy", policy, parameter="FunctionName", value=name)
    return arn


def _role(spec: Spec) -> str:
    """A role that functions may take on."""
    allowed = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made = spec("iam").create_role(RoleName=spec.name("function"), AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def transfer_task(spec: Spec) -> str:
    where = _target(spec)
    target = f"arn:aws:s3:::{spec.name('nobody-reads')}" if spec.shared else _plain_bucket(where)
    datasync = spec("datasync")
    role = {"BucketAccessRoleArn": f"arn:aws:iam::{spec.account}:role/transfer"}
    ends = [
        datasync.create_location_s3(S3BucketArn=one, S3Config=role)["LocationArn"]
        for one in (_plain_bucket(_target(Spec(spec.hand, Fault.NONE))), target)
    ]
    made = datasync.create_task(SourceLocationArn=ends[0], DestinationLocationArn=ends[1], Name=spec.name("task"))
    arn = str(made["TaskArn"])
    spec.stock("datasync", "ListTagsForResource", {"Tags": tags()}, parameter="ResourceArn", value=arn)
    return arn


def resource_share(spec: Spec) -> str:
    ram = spec("ram")
    principal = STRANGER if spec.shared else spec.account
    made = ram.create_resource_share(
        name=spec.name("share"), principals=[principal], allowExternalPrincipals=True, tags=tags("key", "value")
    )
    arn = str(made["resourceShare"]["resourceShareArn"])

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("resourceShares", ()):
            if one["resourceShareArn"] == arn:
                one["tags"] = tags("key", "value")  # moto does not keep them

    spec.amend("ram", "GetResourceShares", change)
    told = {
        "resourceShareArn": arn,
        "associatedEntity": principal,
        "associationType": "PRINCIPAL",
        "status": "ASSOCIATED",
    }
    spec.stock("ram", "GetResourceShareAssociations", {"resourceShareAssociations": [told]})
    return arn


def grant(spec: Spec, arn: str) -> None:
    """Lets a stranger use a key, by a grant and not by its policy."""
    spec("kms").create_grant(
        KeyId=arn, GranteePrincipal=f"arn:aws:iam::{STRANGER}:role/reader", Operations=["Decrypt"], Name="help"
    )


def open_to_all(arn: str, action: str) -> str:
    """A policy that lets in everybody."""
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": arn}]})
