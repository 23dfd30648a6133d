"""Each rule lets the lawful pass, stops the unlawful, and says what it cannot know yet."""

import json
from collections import defaultdict
from datetime import date

import pytest
from domicile_catalog.environment import Approval
from domicile_policies.plan import (
    RULES,
    UNKNOWN,
    Operation,
    Options,
    Provider,
    Waiver,
    check_plan,
)
from domicile_policies.plan.types import KNOWN
from policies_testkit.plans import BACKUP, HOME, KEY, OWN, TAGS, facts, plan, provider, resource, urn

R = resource
PLAYERS, TELEMETRY = {"tags": TAGS}, {"tags": TAGS | {"domicile:data-class": "telemetry"}}
VAULT = "arn:aws:backup:{}:111122223333:backup-vault:v"


def of(**properties):
    return {"properties": properties}


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "It"} | statement]})


def bucket(*beside, **properties):
    """A bucket, and what is beside it, each naming it by its output."""
    found = R("s3.Bucket", properties={"bucket": "b", "tags": TAGS} | properties)
    return (found, *(R(f"s3.{kind}", properties={"bucket": UNKNOWN} | more, dependencies={"bucket": (found.urn,)})
                     for kind, more in beside))  # fmt: skip


def encryption(**default):
    return ("BucketServerSideEncryptionConfiguration", {"rules": [{"applyServerSideEncryptionByDefault": default}]})


def attached(count, kind="SERVICE_CONTROL_POLICY"):
    found = []
    for number in range(count):
        one = R("organizations.Policy", f"p{number}", properties={"type": kind, "content": "{}"})
        tie = R("organizations.PolicyAttachment", f"a{number}", properties={"targetId": "ou-1", "policyId": UNKNOWN},
                dependencies={"policyId": (one.urn,)})  # fmt: skip
        found += [one, tie]
    return found


def rules_of_one_group(*cidrs):
    found = R("ec2.SecurityGroup")
    return [found, *(R("vpc.SecurityGroupIngressRule", f"r{at}", **of(cidrIpv4=one, securityGroupId=UNKNOWN),
                       dependencies={"securityGroupId": (found.urn,)}) for at, one in enumerate(cidrs))]  # fmt: skip


def prefix_list(*cidrs, entries=()):
    found = R("ec2.ManagedPrefixList", properties={"entries": [{"cidr": one} for one in cidrs]})
    tied = {"prefixListId": (found.urn,)}
    return [found, R("vpc.SecurityGroupIngressRule", properties={"prefixListId": UNKNOWN}, dependencies=tied),
            *(R("ec2.ManagedPrefixListEntry", properties={"cidr": one}, dependencies=tied)
              for one in entries)]  # fmt: skip


ALLOW, DENY, OPEN = "allow", "deny", "open"
LOGS = "arn:aws:logs:eu-west-2:{}:log-group:/domicile/flow"
BLOCKED = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
TLS_ONLY = document(Effect="Deny", Principal="*", Action="s3:*", Resource="*",
                    Condition={"Bool": {"aws:SecureTransport": "false"}})  # fmt: skip
PAIRS = [
    ("place-lawful", ALLOW, R("ec2.Vpc")),
    ("place-lawful", ALLOW, R("ec2.Subnet", **of(availabilityZone="eu-west-2a"))),
    ("place-lawful", ALLOW, R("iam.RolePolicy", **of(policy='{"Resource": "arn:aws:s3:::b", "x": "us-east-9"}'))),
    ("place-lawful", ALLOW, R("organizations.Policy", **of(content='"arn:aws:backup:us-west-2:*:*"'))),
    ("place-lawful", ALLOW, R("domicile:cell:Network", provider=None)),
    ("place-lawful", DENY, R("ec2.Vpc", provider=provider("us-west-2"))),
    ("place-lawful", DENY, R("ec2.Vpc", provider=provider(None))),
    ("place-lawful", DENY, R("ec2.Vpc", **of(region="us-west-2"))),
    ("place-lawful", DENY, R("ec2.Subnet", **of(availabilityZone="us-west-2a"))),
    ("place-lawful", DENY, R("rds.Cluster", **of(availabilityZones=["eu-west-2a", "us-west-2b"]))),
    ("place-lawful", DENY, R("ec2.Subnet", **of(availabilityZone="eu-west-2-man-1a"))),
    ("place-lawful", DENY, R("iam.RolePolicy", **of(policy='"arn:aws:sqs:us-west-2:1:q"'))),
    ("place-lawful", DENY, R("ec2.VpcEndpoint", **of(serviceName="com.amazonaws.us-west-2.s3"))),
    ("place-lawful", DENY, R("eks.Cluster", **of(url="https://sts.us-west-2.amazonaws.com"))),
    ("place-lawful", DENY, R("cur.ReportDefinition", **of(s3Region="us-west-2"))),
    ("place-lawful", DENY, R("ssm.ResourceDataSync", **of(s3Destination={"bucketName": "b", "region": "us-west-2"}))),
    ("place-lawful", ALLOW, R("ssm.ResourceDataSync", **of(s3Destination={"bucketName": "b", "region": "eu-west-2"}))),
    ("place-lawful", OPEN, R("ec2.Vpc", provider=provider(UNKNOWN))),
    ("place-lawful", OPEN, R("ec2.Subnet", **of(availabilityZone=UNKNOWN))),
    ("replication-none", ALLOW, R("secretsmanager.Secret", **of(replicas=[]))),
    ("replication-none", ALLOW, R("cloudtrail.Trail", **of(isMultiRegionTrail=False))),
    ("replication-none", DENY, R("s3.BucketReplicationConfig")),
    ("replication-none", DENY, R("ram.ResourceShare")),
    ("replication-none", DENY, R("secretsmanager.Secret", **of(replicas=[{"region": "eu-west-1"}]))),
    ("replication-none", DENY, R("cloudtrail.Trail", **of(isMultiRegionTrail=True))),
    ("replication-none", OPEN, R("secretsmanager.Secret", **of(replicas=UNKNOWN))),
    ("key-single-region", ALLOW, R("kms.Key", **of(multiRegion=False))),
    ("key-single-region", ALLOW, R("kms.Key")),
    ("key-single-region", DENY, R("kms.Key", **of(multiRegion=True))),
    ("key-single-region", OPEN, R("kms.Key", **of(multiRegion=UNKNOWN))),
    ("backup-in-territory", ALLOW, R("backup.Plan", **of(rules=[{"copyActions": [{"destinationVaultArn": VAULT.format("eu-west-1")}]}]))),  # noqa: E501
    ("backup-in-territory", ALLOW, R("backup.Plan", **of(rules=[{"ruleName": "daily"}]))),
    ("backup-in-territory", DENY, R("backup.Plan", **of(rules=[{"copyActions": [{"destinationVaultArn": VAULT.format("us-west-2")}]}]))),  # noqa: E501
    ("backup-in-territory", DENY, R("backup.Plan", **of(rules=[{"copyActions": [{"destinationVaultArn": "a name"}]}]))),
    ("backup-in-territory", OPEN, R("backup.Plan", **of(rules=[{"copyActions": [{"destinationVaultArn": UNKNOWN}]}]))),
    ("encrypted-at-rest", ALLOW, R("rds.Cluster", **of(storageEncrypted=True))),
    ("encrypted-at-rest", ALLOW, R("ec2.LaunchTemplate", **of(blockDeviceMappings=[{"ebs": {"encrypted": "true"}}]))),
    ("encrypted-at-rest", ALLOW, R("ec2.LaunchTemplate")),
    ("encrypted-at-rest", DENY, R("rds.Cluster")),
    ("encrypted-at-rest", DENY, R("elasticache.ReplicationGroup", **of(atRestEncryptionEnabled=False))),
    ("encrypted-at-rest", DENY, R("ec2.LaunchTemplate", **of(blockDeviceMappings=[{"ebs": {"volumeSize": 50}}]))),
    ("encrypted-at-rest", OPEN, R("rds.Cluster", **of(storageEncrypted=UNKNOWN))),
    ("customer-key", ALLOW, R("rds.Cluster", **of(kmsKeyId=KEY, **PLAYERS))),
    ("customer-key", ALLOW, R("rds.Cluster", **of(kmsKeyId=UNKNOWN, **PLAYERS))),
    ("customer-key", ALLOW, R("cloudwatch.LogGroup", **of(**TELEMETRY))),
    ("customer-key", ALLOW, R("ecr.Repository", **of(encryptionConfigurations=[{"kmsKey": KEY}], **PLAYERS))),
    ("customer-key", DENY, R("rds.Cluster", **of(**PLAYERS))),
    ("customer-key", DENY, R("secretsmanager.Secret", **of(kmsKeyId="alias/aws/secretsmanager", **PLAYERS))),
    ("customer-key", DENY, R("cloudwatch.LogGroup")),
    ("customer-key", DENY, R("cloudwatch.LogGroup", **of(tags=TAGS | {"domicile:data-class": "telemetry+wagering"}))),
    ("customer-key", OPEN, R("cloudwatch.LogGroup", **of(tags=TAGS | {"domicile:data-class": UNKNOWN}))),
    ("bucket-encrypted", ALLOW, bucket(encryption(sseAlgorithm="aws:kms", kmsMasterKeyId=UNKNOWN))),
    ("bucket-encrypted", ALLOW, bucket(encryption(sseAlgorithm="AES256"), **TELEMETRY)),
    ("bucket-encrypted", DENY, bucket()),
    ("bucket-encrypted", DENY, bucket(encryption(sseAlgorithm="AES256"))),
    ("bucket-encrypted", DENY, bucket(encryption(sseAlgorithm="aws:kms"))),
    ("bucket-encrypted", OPEN, bucket(encryption(sseAlgorithm=UNKNOWN))),
    ("not-public", ALLOW, R("s3.BucketPublicAccessBlock", **of(**BLOCKED))),
    ("not-public", ALLOW, R("rds.ClusterInstance", **of(publiclyAccessible=False))),
    ("not-public", ALLOW, R("kms.Key", **of(policy=document(Principal={"AWS": "*"}, Condition={"StringEquals": {"kms:CallerAccount": "1"}})))),  # noqa: E501
    ("not-public", ALLOW, R("s3.BucketPolicy", **of(policy=TLS_ONLY))),
    ("not-public", ALLOW, R("iam.Role", **of(assumeRolePolicy=document(Principal={"Service": "eks.amazonaws.com"})))),
    ("not-public", DENY, R("s3.BucketPublicAccessBlock", **of(**BLOCKED | {"ignorePublicAcls": False}))),
    ("not-public", DENY, R("s3.AccountPublicAccessBlock", **of(blockPublicAcls=True))),
    ("not-public", DENY, R("rds.ClusterInstance", **of(publiclyAccessible=True))),
    ("not-public", DENY, R("ec2.Subnet", **of(mapPublicIpOnLaunch=True))),
    ("not-public", DENY, R("s3.BucketPolicy", **of(policy=document(Principal="*", Action="s3:GetObject")))),
    ("not-public", DENY, R("sns.TopicPolicy", **of(policy=document(Principal={"AWS": ["*"]}, Condition={"Bool": {"aws:SecureTransport": "true"}})))),  # noqa: E501
    ("not-public", DENY, R("kms.Key", **of(policy=document(NotPrincipal={"AWS": "1"})))),
    ("not-public", ALLOW, R("apigateway.RestApi", **of(endpointConfiguration={"types": "PRIVATE"}))),
    ("not-public", ALLOW, R("opensearch.Domain", **of(vpcOptions={"subnetIds": ["s"]}))),
    ("not-public", ALLOW, R("lambda.Permission", **of(principal="*", principalOrgId="o-1"))),
    ("not-public", DENY, R("apigateway.RestApi")),
    ("not-public", DENY, R("apigateway.RestApi", **of(endpointConfiguration={"types": "REGIONAL"}))),
    ("not-public", DENY, R("apigatewayv2.Api")),
    ("not-public", DENY, R("opensearch.Domain")),
    ("not-public", DENY, R("lambda.FunctionUrl", **of(authorizationType="NONE"))),
    ("not-public", DENY, R("lambda.Permission", **of(principal="*"))),
    ("not-public", DENY, R("rds.Instance", **of(publiclyAccessible=True))),
    ("not-public", DENY, R("sqs.Queue", **of(policy=document(Principal="*")))),
    ("not-public", DENY, R("ecr.RepositoryPolicy", **of(policy=document(Principal={"AWS": "*"})))),
    ("not-public", DENY, R("s3control.MultiRegionAccessPointPolicy", **of(details={"policy": document(Principal="*")}))),  # noqa: E501
    ("not-public", OPEN, R("lambda.Permission", **of(principal=UNKNOWN))),
    ("not-public", OPEN, R("s3.BucketPolicy", **of(policy=UNKNOWN))),
    ("not-public", OPEN, R("rds.ClusterInstance", **of(publiclyAccessible=UNKNOWN))),
    ("not-public", OPEN, R("s3.BucketPublicAccessBlock", **of(**BLOCKED | {"blockPublicAcls": UNKNOWN}))),
    ("bucket-not-public", ALLOW, bucket(("BucketPublicAccessBlock", BLOCKED))),
    ("bucket-not-public", DENY, bucket()),
    ("ingress-edge-only", ALLOW, R("vpc.SecurityGroupIngressRule", "edge-https", **of(cidrIpv4="0.0.0.0/0", fromPort=443, toPort=443))),  # noqa: E501
    ("ingress-edge-only", ALLOW, R("vpc.SecurityGroupIngressRule", **of(cidrIpv4="10.0.0.0/8", fromPort=0, toPort=65535))),  # noqa: E501
    ("ingress-edge-only", ALLOW, R("ec2.SecurityGroup", **of(ingress=[{"securityGroups": ["sg-1"]}]))),
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", "database", **of(cidrIpv4="0.0.0.0/0", fromPort=443, toPort=443))),  # noqa: E501
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", "edge", **of(cidrIpv6="::/0", fromPort=80, toPort=443))),  # noqa: E501
    ("ingress-edge-only", DENY, R("ec2.SecurityGroup", **of(ingress=[{"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]))),
    ("ingress-edge-only", ALLOW, R("ec2.SecurityGroup", **of(ingress=[{"cidrBlocks": ["198.51.100.0/24", "172.16.0.0/12"], "ipv6CidrBlocks": ["fc00::/7", "2001:db8::/32"]}]))),  # noqa: E501
    ("ingress-edge-only", ALLOW, R("ec2.SecurityGroup", "edge", **of(ingress=[{"cidrBlocks": ["0.0.0.0/1", "128.0.0.0/1"], "fromPort": 443.0, "toPort": 443.0}]))),  # noqa: E501
    ("ingress-edge-only", DENY, R("ec2.SecurityGroup", **of(ingress=[{"cidrBlocks": ["0.0.0.0/1"]}, {"cidrBlocks": ["128.0.0.0/1"]}]))),  # noqa: E501
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", **of(cidrIpv4="128.0.0.0/1"))),
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", **of(cidrIpv4="16.0.0.0/7"))),
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", **of(cidrIpv6="::/1"))),
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", **of(cidrIpv6="2000::/3"))),
    ("ingress-edge-only", DENY, R("vpc.SecurityGroupIngressRule", **of(cidrIpv4="everywhere"))),
    ("ingress-edge-only", DENY, R("ec2.SecurityGroup", "edge", **of(ingress=[{"cidrBlocks": ["0.0.0.0/0"], "fromPort": 443, "toPort": 443, "protocol": "-1"}]))),  # noqa: E501
    ("ingress-edge-only", DENY, R("ec2.SecurityGroupRule", **of(type="ingress", cidrBlocks=[f"{one}.0.0.0/8" for one in (3, 4)]))),  # noqa: E501
    ("ingress-edge-only", OPEN, R("vpc.SecurityGroupIngressRule", **of(cidrIpv4=UNKNOWN))),
    ("ingress-by-parts", ALLOW, rules_of_one_group("198.51.100.0/24", "203.0.113.0/24")),
    ("ingress-by-parts", ALLOW, prefix_list("198.51.100.0/24")),
    ("ingress-by-parts", DENY, rules_of_one_group("3.0.0.0/8", "4.0.0.0/8")),
    ("ingress-by-parts", DENY, prefix_list("0.0.0.0/1", "128.0.0.0/1")),
    ("ingress-by-parts", DENY, prefix_list("198.51.100.0/24", entries=("0.0.0.0/0",))),
    ("ingress-by-parts", DENY, R("vpc.SecurityGroupIngressRule", **of(prefixListId="pl-1"))),
    ("ingress-by-parts", OPEN, prefix_list(UNKNOWN)),
    ("network-acl-closed", ALLOW, R("ec2.NetworkAcl", **of(ingress=[{"action": "allow", "cidrBlock": "0.0.0.0/0", "fromPort": 1024, "toPort": 65535, "protocol": "tcp"}, {"action": "deny", "cidrBlock": "0.0.0.0/0", "protocol": "-1"}]))),  # noqa: E501
    ("network-acl-closed", ALLOW, R("ec2.NetworkAclRule", **of(egress=True, cidrBlock="0.0.0.0/0", protocol="-1"))),
    ("network-acl-closed", ALLOW, R("ec2.NetworkAclRule", **of(cidrBlock="10.0.0.0/8", protocol="-1"))),
    ("network-acl-closed", DENY, R("ec2.NetworkAclRule", **of(ruleAction="allow", cidrBlock="0.0.0.0/0", fromPort=22, toPort=22, protocol="tcp"))),  # noqa: E501
    ("network-acl-closed", DENY, R("ec2.DefaultNetworkAcl", **of(ingress=[{"action": "allow", "ipv6CidrBlock": "::/0", "protocol": "-1", "fromPort": 0, "toPort": 0}]))),  # noqa: E501
    ("network-acl-closed", OPEN, R("ec2.NetworkAclRule", **of(ruleAction="allow", cidrBlock=UNKNOWN))),
    ("cluster-endpoint-private", DENY, R("eks.Cluster", **of(vpcConfig={"publicAccessCidrs": ["0.0.0.0/1", "128.0.0.0/1"]}))),  # noqa: E501
    ("cluster-endpoint-private", ALLOW, R("eks.Cluster", **of(vpcConfig={"endpointPublicAccess": False}))),
    ("cluster-endpoint-private", ALLOW, R("eks.Cluster", **of(vpcConfig={"publicAccessCidrs": ["192.0.2.0/24"]}))),
    ("cluster-endpoint-private", DENY, R("eks.Cluster", **of(vpcConfig={"endpointPrivateAccess": True}))),
    ("cluster-endpoint-private", DENY, R("eks.Cluster", **of(vpcConfig={"publicAccessCidrs": ["0.0.0.0/0"]}))),
    ("cluster-endpoint-private", OPEN, R("eks.Cluster", **of(vpcConfig=UNKNOWN))),
    ("delivery-own", ALLOW, R("ec2.FlowLog", **of(logDestination=LOGS.format(OWN)))),
    ("delivery-own", ALLOW, R("ec2.FlowLog", **of(logDestination=UNKNOWN), dependencies={"logDestination": ("urn:x",)})),  # noqa: E501
    ("delivery-own", ALLOW, R("elasticache.ReplicationGroup", **of(logDeliveryConfigurations=[{"destination": "/cache", "destinationType": "cloudwatch-logs"}]))),  # noqa: E501
    ("delivery-own", ALLOW, (R("s3.Bucket", **of(bucket="logs")), R("lb.LoadBalancer", **of(accessLogs={"bucket": "logs", "prefix": "x"})))),  # noqa: E501
    ("delivery-own", ALLOW, (R("s3.Bucket"), R("cloudtrail.Trail", **of(s3BucketName="made-up-1"), dependencies={"s3BucketName": (R("s3.Bucket").urn,)}))),  # noqa: E501
    ("delivery-own", DENY, R("ec2.FlowLog", **of(logDestination=LOGS.format("999999999999")))),
    ("delivery-own", DENY, R("ec2.FlowLog", **of(logDestination="arn:aws:s3:::theirs/prefix"))),
    ("delivery-own", DENY, R("ec2.FlowLog", **of(logDestination=LOGS.format(OWN), deliverCrossAccountRole="arn:aws:iam::999999999999:role/r"))),  # noqa: E501
    ("delivery-own", DENY, R("wafv2.WebAclLoggingConfiguration", **of(logDestinationConfigs=[LOGS.format("999999999999")]))),  # noqa: E501
    ("delivery-own", DENY, R("networkfirewall.LoggingConfiguration", **of(loggingConfiguration={"logDestinationConfigs": [{"logDestination": {"bucketName": "theirs"}}]}))),  # noqa: E501
    ("delivery-own", DENY, R("lb.LoadBalancer", **of(accessLogs={"bucket": "theirs"}))),
    ("delivery-own", DENY, R("s3.BucketLogging", **of(targetBucket="theirs", targetPrefix="a/"))),
    ("delivery-own", DENY, R("cloudtrail.Trail", **of(s3BucketName="theirs"))),
    ("delivery-own", DENY, R("cfg.DeliveryChannel", **of(s3BucketName="theirs"))),
    ("delivery-own", DENY, R("kinesis.FirehoseDeliveryStream", **of(extendedS3Configuration={"bucketArn": "arn:aws:s3:::theirs"}))),  # noqa: E501
    ("delivery-own", DENY, R("kinesis.FirehoseDeliveryStream", **of(httpEndpointConfiguration={"url": "https://logs.example"}))),
    ("delivery-own", DENY, R("sns.TopicSubscription", **of(protocol="https", endpoint="https://logs.example"))),
    ("delivery-own", DENY, (R("s3.Bucket", **of(bucket="logs")), R("cloudtrail.Trail", **of(s3BucketName="theirs"), dependencies={"s3BucketName": (R("s3.Bucket").urn,)}))),  # noqa: E501
    ("delivery-own", OPEN, R("ec2.FlowLog", **of(logDestination=UNKNOWN))),
    ("delivery-own", OPEN, R("ec2.FlowLog", provider=provider(accounts=UNKNOWN), **of(logDestination=LOGS.format(OWN)))),  # noqa: E501
    ("tls-listener", ALLOW, R("lb.Listener", **of(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"))),
    ("tls-listener", ALLOW, R("lb.Listener", **of(protocol="HTTP", defaultActions=[{"type": "redirect"}]))),
    ("tls-listener", ALLOW, R("lb.Listener", **of(protocol="TCP"))),
    ("tls-listener", DENY, R("lb.Listener", **of(protocol="HTTP", defaultActions=[{"type": "forward"}]))),
    ("tls-listener", DENY, R("lb.Listener", **of(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-2016-08"))),
    ("tls-listener", DENY, R("lb.Listener", **of(protocol="TLS"))),
    ("tls-listener", DENY, R("lb.Listener", **of(protocol="TLS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06"))),  # noqa: E501
    ("tls-listener", OPEN, R("lb.Listener", **of(protocol="HTTPS", sslPolicy=UNKNOWN))),
    ("tls-stores", ALLOW, R("elasticache.ReplicationGroup", **of(transitEncryptionEnabled=True))),
    ("tls-stores", ALLOW, R("rds.ClusterParameterGroup", **of(family="aurora-postgresql17", parameters=[{"name": "rds.force_ssl", "value": "1"}]))),  # noqa: E501
    ("tls-stores", ALLOW, R("rds.ClusterParameterGroup", **of(family="aurora-mysql8.0", parameters=[{"name": "require_secure_transport", "value": "ON"}]))),  # noqa: E501
    ("tls-stores", DENY, R("elasticache.ReplicationGroup")),
    ("tls-stores", DENY, R("elasticache.ReplicationGroup", **of(transitEncryptionEnabled=True, transitEncryptionMode="preferred"))),  # noqa: E501
    ("tls-stores", DENY, R("rds.ClusterParameterGroup", **of(family="aurora-postgresql17"))),
    ("tls-stores", DENY, R("rds.ClusterParameterGroup", **of(family="aurora-mysql8.0", parameters=[{"name": "require_secure_transport", "value": "OFF"}]))),  # noqa: E501
    ("tls-stores", OPEN, R("rds.ClusterParameterGroup", **of(family="aurora-postgresql17", parameters=UNKNOWN))),
    ("tls-stores", OPEN, R("elasticache.ReplicationGroup", **of(transitEncryptionEnabled=UNKNOWN))),
    ("tls-buckets", ALLOW, bucket(("BucketPolicy", {"policy": TLS_ONLY}))),
    ("tls-buckets", DENY, bucket()),
    ("tls-buckets", DENY, bucket(("BucketPolicy", {"policy": document(Principal="*", Action="s3:*")}))),
    ("tls-buckets", DENY, bucket(("BucketPolicy", {"policy": TLS_ONLY.replace("s3:*", "s3:GetObject")}))),
    ("tls-buckets", OPEN, bucket(("BucketPolicy", {"policy": UNKNOWN}))),
    ("stateful-protected", ALLOW, R("rds.Cluster", protect=True, retain=True)),
    ("stateful-protected", ALLOW, R("rds.Cluster", protect=True)),
    ("stateful-protected", ALLOW, R("ec2.Vpc")),
    ("stateful-protected", ALLOW, R("ec2.FlowLog")),
    ("stateful-protected", DENY, R("rds.Cluster", retain=True)),
    ("stateful-protected", DENY, R("kubernetes:core/v1:Namespace")),
    ("stateful-protected", DENY, R("s3.Bucket", protect=True, retain=False)),
    ("stateful-approved", ALLOW, R("rds.Cluster", operation=Operation.UPDATE)),
    ("stateful-approved", ALLOW, R("ec2.Vpc", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("rds.Cluster", operation=Operation.REPLACE)),
    ("stateful-approved", ALLOW, R("lb.LoadBalancer", operation=Operation.REPLACE)),
    ("stateful-approved", DENY, R("s3.Bucket", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("eks.Cluster", operation=Operation.REPLACE)),
    ("stateful-approved", DENY, R("elasticache.ReplicationGroup", operation=Operation.REPLACE)),
    ("stateful-approved", DENY, R("ecr.Repository", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("cloudwatch.LogGroup", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("ec2.Instance", operation=Operation.REPLACE)),
    ("stateful-approved", DENY, R("ebs.Volume", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("dynamodb.Table", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("efs.FileSystem", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("opensearch.Domain", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("secretsmanager.Secret", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("ssm.Parameter", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("cloudformation.Stack", operation=Operation.DELETE)),
    ("stateful-approved", DENY, R("kubernetes:core/v1:PersistentVolumeClaim", operation=Operation.DELETE)),
    ("no-default-provider", ALLOW, R("ec2.Vpc")),
    ("no-default-provider", ALLOW, R("pulumi:pulumi:Stack", provider=None)),
    ("no-default-provider", DENY, R("ec2.Vpc", provider=None)),
    ("no-default-provider", DENY, R("ec2.Vpc", provider=provider(name="default_7_29_0"))),
    ("no-default-provider", DENY, R("kubernetes:core/v1:Namespace", provider=provider(name="default"))),
    ("type-known", ALLOW, R("ec2.Vpc")),
    ("type-known", ALLOW, R("kubernetes:core/v1:Namespace")),
    ("type-known", DENY, R("opensearch.Domain")),
    ("type-known", DENY, R("s3.BucketV2")),
    ("iam-no-admin", ALLOW, R("iam.RolePolicy", **of(policy=document(Action="*", Resource="arn:aws:s3:::b")))),
    ("iam-no-admin", ALLOW, R("iam.RolePolicy", **of(policy=document(Action=["s3:*"], Resource="*")))),
    ("iam-no-admin", ALLOW, R("iam.RolePolicy", **of(policy=document(Effect="Deny", Action="*", Resource="*")))),
    ("iam-no-admin", ALLOW, R("iam.RolePolicyAttachment", **of(policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"))),
    ("iam-no-admin", DENY, R("iam.RolePolicy", **of(policy=document(Action=["s3:*", "*"], Resource=["*"])))),
    ("iam-no-admin", DENY, R("iam.Policy", **of(policy=document(NotAction="iam:*", Resource="*")))),
    ("iam-no-admin", DENY, R("ssoadmin.PermissionSetInlinePolicy", **of(inlinePolicy=document(Action="*:*", Resource="*")))),  # noqa: E501
    ("iam-no-admin", DENY, R("iam.RolePolicyAttachment", **of(policyArn="arn:aws:iam::aws:policy/AdministratorAccess"))),  # noqa: E501
    ("iam-no-admin", ALLOW, R("iam.Role", **of(managedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]))),
    ("iam-no-admin", DENY, R("iam.Role", **of(managedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/AdministratorAccess"]))),  # noqa: E501
    ("iam-no-admin", DENY, R("iam.Role", **of(inlinePolicies=[{"name": "a"}, {"policy": document(Action="*", Resource="*")}]))),  # noqa: E501
    ("iam-no-admin", DENY, R("iam.RolePolicyAttachmentsExclusive", **of(policyArns=["arn:aws:iam::aws:policy/IAMFullAccess"]))),  # noqa: E501
    ("iam-no-admin", DENY, R("iam.PolicyAttachment", **of(policyArn="arn:aws:iam::aws:policy/PowerUserAccess"))),
    ("iam-no-admin", DENY, R("iam.GroupPolicy", **of(policy=document(Action="*", Resource="*")))),
    ("iam-no-admin", DENY, R("iam.RolePolicy", **of(policy=document(Action="*", Resource="arn:aws:*:*:*:*")))),
    ("iam-no-admin", DENY, R("iam.RolePolicy", **of(policy=document(Action="*", NotResource="arn:aws:s3:::b")))),
    ("iam-no-admin", DENY, R("iam.RolePolicy", **of(policy=document(Action="iam:*", Resource="*")))),
    ("iam-no-admin", OPEN, R("iam.RolePolicy", **of(policy=UNKNOWN))),
    ("iam-no-admin", OPEN, R("iam.Role", **of(inlinePolicies=[{"policy": UNKNOWN}]))),
    ("tags-required", ALLOW, R("ec2.Vpc", **of(tags=TAGS))),
    ("tags-required", ALLOW, R("ec2.Route")),
    ("tags-required", ALLOW, R("ec2.Vpc", **of(tags=TAGS | {"domicile:data-class": "none", "Name": "x"}))),
    ("tags-required", DENY, R("ec2.Vpc")),
    ("tags-required", DENY, R("ec2.Vpc", **of(tags={key: TAGS[key] for key in list(TAGS)[1:]}))),
    ("tags-required", DENY, R("ec2.Vpc", **of(tags=TAGS | {"domicile:environment": "test"}))),
    ("tags-required", DENY, R("ec2.Vpc", **of(tags=TAGS | {"domicile:data-class": "wagering+gossip"}))),
    ("tags-required", DENY, R("ec2.Vpc", **of(tags=TAGS | {"domicile:owner": "nobody"}))),
    ("tags-required", OPEN, R("ec2.Vpc", **of(tags=TAGS | {"domicile:cell": UNKNOWN}))),
    ("tags-required", OPEN, R("ec2.Vpc", **of(tags=UNKNOWN))),
    ("policy-size", ALLOW, R("organizations.Policy", **of(type="SERVICE_CONTROL_POLICY", content='"%s"' % ("a" * 5118)))),  # noqa: E501
    ("policy-size", ALLOW, R("organizations.Policy", **of(type="TAG_POLICY", content='"%s"' % ("a" * 9998)))),
    ("policy-size", DENY, R("organizations.Policy", **of(content='"%s"' % ("a" * 5119)))),
    ("policy-size", DENY, R("organizations.Policy", **of(content="no JSON"))),
    ("policy-size", OPEN, R("organizations.Policy", **of(content=UNKNOWN))),
    ("policy-count", ALLOW, attached(4)),
    ("policy-count", ALLOW, attached(10, "TAG_POLICY")),
    ("policy-count", DENY, attached(5)),
    ("policy-count", OPEN, R("organizations.PolicyAttachment", **of(targetId="ou-1", policyId=UNKNOWN))),
]  # fmt: skip


def findings(rule, *resources, **more):
    given = facts(**more.pop("facts", {}))
    return [one for one in check_plan(plan(*resources, **more), given) if one.rule.id == rule]


@pytest.mark.parametrize(
    ("rule", "verdict", "built"), PAIRS, ids=[f"{place}-{rule}-{said}" for place, (rule, said, _) in enumerate(PAIRS)]
)
def test_a_rule_allows_denies_or_says_that_it_does_not_know(rule, verdict, built):
    found = findings(rule, *(built if isinstance(built, list | tuple) else [built]))
    if verdict == ALLOW:
        assert found == []
    else:
        assert found and all(one.undecided is (verdict == OPEN) for one in found)
        assert all(one.stops is (verdict == DENY) for one in found)
        assert all(one.rule.id in one.message for one in found)
        assert all(("unknown until up" in one.message) is (verdict == OPEN) for one in found)


def test_every_rule_has_a_pair_and_a_remedy():
    told = defaultdict(set)
    for rule, verdict, _ in PAIRS:
        told[rule].add(verdict)
    assert {rule.id for rule in RULES if {ALLOW, DENY} <= told[rule.id]} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.title and rule.remedy and (rule.on_resource is None) != (rule.on_plan is None) for rule in RULES)


def approval(**changes):
    usual = {"stack": "gb-prod", "resource": "it", "action": "delete", "reason": "moved to another cell"}
    return Approval(**(usual | {"by": "dpo@acme.example", "until": date(2026, 6, 1)} | changes))


@pytest.mark.parametrize(
    ("given", "stops"),
    [
        (approval(), False),
        (approval(resource="aws:s3/bucket:Bucket::it"), False),
        (approval(until=date(2026, 5, 31)), True),
        (approval(action="replace"), True),
        (approval(resource="that"), True),
        (approval(resource="aws:rds/cluster:Cluster::it"), True),
        (approval(stack="br-prod"), True),
    ],
)
def test_an_approval_is_for_one_resource_one_action_and_until_a_day(given, stops):
    gone = R("s3.Bucket", operation=Operation.DELETE)
    found = findings("stateful-approved", gone, facts={"approvals": (given,)})
    assert [one.stops for one in found] == ([True] if stops else [])
    if given.until < date(2026, 6, 1):
        assert "ended on 2026-05-31" in found[0].text


def test_what_stood_and_is_not_in_the_stack_any_more_is_a_deletion():
    gone = urn("domicile:cell:Database$aws:rds/cluster:Cluster", "ledger")
    (found,) = findings("stateful-approved", R("ec2.Vpc"), facts={"standing": frozenset({gone})})
    assert "ledger: would delete a aws:rds/cluster:Cluster" in found.text
    renamed = R("rds.Cluster", protect=True)
    renamed = type(renamed)(renamed.urn, renamed.type, renamed.name, {}, Options(True, aliases=(gone,)), provider())
    assert findings("stateful-approved", renamed, facts={"standing": frozenset({gone})}) == []
    assert findings("stateful-approved", changes_only=True, facts={"standing": frozenset({gone})}) == []


def test_nothing_is_kept_in_a_disposable_environment():
    plain = [R("rds.Cluster"), R("s3.Bucket", operation=Operation.DELETE)]
    for rule in ("stateful-protected", "stateful-approved"):
        assert findings(rule, *plain) and not findings(rule, *plain, facts={"disposable": True})


@pytest.mark.parametrize(
    ("waiver", "stops"),
    [
        (Waiver("iam-no-admin", "it", "people in an emergency"), False),
        (Waiver("iam-no-admin", "aws:iam/rolePolicy:RolePolicy::it", "people", "gb-prod"), False),
        (Waiver("iam-no-admin", "it", "people", "br-prod"), True),
        (Waiver("iam-no-admin", "that", "people"), True),
        (Waiver("not-public", "it", "people"), True),
    ],
)
def test_a_waiver_lets_one_finding_through_and_keeps_it_in_sight(waiver, stops):
    all_of_it = R("iam.RolePolicy", **of(policy=document(Action="*", Resource="*")))
    (found,) = findings("iam-no-admin", all_of_it, facts={"waivers": (waiver,)})
    assert found.stops is stops and (found.waived is None) is stops


def test_what_keeps_backups_may_stand_where_they_are_copied_to_and_nothing_else_may():
    cell = {"lawful_places": frozenset({HOME}), "backup_places": frozenset({HOME, BACKUP})}
    for kind, stops in (("backup.Vault", []), ("kms.Key", []), ("rds.Cluster", [True]), ("ec2.Vpc", [True])):
        away = R(kind, provider=provider(BACKUP))
        assert [one.stops for one in findings("place-lawful", away, facts=cell)] == stops, kind


def test_where_the_plan_leaves_a_provider_out_only_a_region_of_its_own_tells():
    silent = Provider("cell", urn("pulumi:providers:aws", "cell"), None)
    assert [one.undecided for one in findings("place-lawful", R("ec2.Vpc", provider=silent))] == [True]
    assert findings("place-lawful", R("ec2.Vpc", provider=silent, **of(region=HOME))) == []
    assert [one.stops for one in findings("place-lawful", R("ec2.Vpc", provider=silent, **of(region="us-west-2")))] == [
        True
    ]


def test_a_plan_of_changes_alone_says_nothing_of_what_it_lacks():
    assert findings("bucket-encrypted", *bucket()) and not findings("bucket-encrypted", *bucket(), changes_only=True)


def test_what_is_to_be_deleted_is_judged_for_that_alone():
    gone = R("s3.Bucket", provider=provider("us-west-2"), operation=Operation.DELETE)
    assert {one.rule.id for one in check_plan(plan(gone), facts())} == {"stateful-approved"}


def test_findings_come_in_the_order_of_the_plan():
    first, second = R("ec2.Vpc", "z"), R("ec2.Vpc", "a")
    assert [one.text[0] for one in check_plan(plan(first, second), facts())] == ["z", "a"]


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_of_what_nothing_is_known_yet_nothing_is_found_but_that(kind):
    """The engine tells no property of what waits for an account of the same plan: a new environment's whole preview."""
    one = resource(kind, protect=True, operation=Operation.CREATE, properties=UNKNOWN)
    found = [finding for finding in check_plan(plan(one), facts()) if not finding.undecided]
    alone = {
        "tls-buckets",
        "bucket-encrypted",
        "bucket-not-public",
    }  # where the bucket's other half is no part of the plan
    assert [finding.message for finding in found if finding.rule.id not in alone] == []
