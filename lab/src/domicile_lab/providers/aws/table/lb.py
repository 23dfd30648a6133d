"""Elastic Load Balancing. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"""

from __future__ import annotations

import re
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update, Wait
from domicile_lab.providers.aws.schema import schema_of
from domicile_lab.providers.aws.table import _attributes

TAGS: Final = Tags(
    Call("AddTags", {"ResourceArns": ["{id}"]}), Call("RemoveTags", {"ResourceArns": ["{id}"]}), create="Tags"
)
TAG_READ: Final = Read("DescribeTags", {"ResourceArns": ["{id}"]}, only=(), tags="TagDescriptions[0].Tags")

BALANCER: Final = {
    "accessLogs.bucket": "access_logs.s3.bucket",
    "accessLogs.enabled": "access_logs.s3.enabled",
    "accessLogs.prefix": "access_logs.s3.prefix",
    "clientKeepAlive": "client_keep_alive.seconds",
    "connectionLogs.bucket": "connection_logs.s3.bucket",
    "connectionLogs.enabled": "connection_logs.s3.enabled",
    "connectionLogs.prefix": "connection_logs.s3.prefix",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
TARGETS: Final = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
    "stickiness.cookieDuration": "stickiness.lb_cookie.duration_seconds",
    "stickiness.enabled": "stickiness.enabled",
    "stickiness.type": "stickiness.type",
}
HEALTH: Final = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


def _listener_attributes() -> dict[str, str]:
    """`routingHttpResponseStrictTransportSecurityHeaderValue` is
    routing.http.response.strict_transport_security.header_value, and so on."""
    found = {"tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds"}
    for key in schema_of("aws:lb/listener:Listener").inputs:
        parts = re.fullmatch(r"routingHttp(Request|Response)(\w+?)(HeaderName|HeaderValue|Enabled)", key)
        if parts:
            words = re.sub(r"(?<!^)(?=[A-Z])", "_", parts[2]).lower()
            words = words.replace("x_amzn_mtls_clientcert_", "x_amzn_mtls_clientcert_")
            last = re.sub(r"(?<!^)(?=[A-Z])", "_", parts[3]).lower()
            found[key] = f"routing.http.{parts[1].lower()}.{words}.{last}"
    return found


LISTENER: Final = _listener_attributes()


def _health(key: str) -> Any:
    return lambda facts, _: (facts.inputs.get("healthCheck") or {}).get(key)


def _matcher(facts: Facts, _: Cloud) -> dict[str, str] | None:
    codes = (facts.inputs.get("healthCheck") or {}).get("matcher")
    grpc = facts.inputs.get("protocolVersion") == "GRPC"
    return {"GrpcCode" if grpc else "HttpCode": codes} if codes else None


def _told_health(group: Any) -> dict[str, Any]:
    found = {key: group[member] for key, member in HEALTH.items() if group.get(member) is not None}
    codes = (group.get("Matcher") or {}).get("HttpCode") or (group.get("Matcher") or {}).get("GrpcCode")
    return {**found, **({"matcher": codes} if codes else {})}


def _suffix(member: str, word: str) -> Any:
    return lambda data: data[member].partition(f":{word}")[2]


def _groups(cloud: Cloud, facts: Facts) -> None:
    request = {"LoadBalancerArn": facts.id, "SecurityGroups": facts.inputs.get("securityGroups") or []}
    cloud.call("elbv2", "SetSecurityGroups", request)


def _certificates(arn: Any) -> list[dict[str, str]]:
    return [{"CertificateArn": arn}]


RESOURCES: Final = (
    Resource(
        type="aws:lb/loadBalancer:LoadBalancer",
        service="elbv2",
        create=Call("CreateLoadBalancer"),
        id="=LoadBalancers[0].LoadBalancerArn",
        reads=(
            Read(
                "DescribeLoadBalancers",
                {"LoadBalancerArns": ["{id}"]},
                at="LoadBalancers",
                fields={
                    "arn": "LoadBalancerArn",
                    "arnSuffix": _suffix("LoadBalancerArn", "loadbalancer/"),
                    "name": "LoadBalancerName",
                    "internal": lambda data: data.get("Scheme") == "internal",
                    "loadBalancerType": "Type",
                    "subnets": "AvailabilityZones[].SubnetId",
                    "subnetMappings": lambda _: None,
                    "zoneId": "CanonicalHostedZoneId",
                },
            ),
            _attributes.reader("DescribeLoadBalancerAttributes", "LoadBalancerArn", BALANCER),
            TAG_READ,
        ),
        wait=Wait("State.Code", ("active", "active_impaired"), ("failed",)),
        wait_gone=True,
        updates=(
            _attributes.setter("elbv2", "ModifyLoadBalancerAttributes", "LoadBalancerArn", BALANCER),
            Custom(("securityGroups",), _groups),
            Update(Call("SetSubnets", {"LoadBalancerArn": "{id}"}, takes=("subnets",))),
            Update(Call("SetIpAddressType", {"LoadBalancerArn": "{id}"}, takes=("ipAddressType",))),
        ),
        delete=Call("DeleteLoadBalancer", {"LoadBalancerArn": "{id}"}),
        tags=TAGS,
        names={"internal": "Scheme", "loadBalancerType": "Type"},
        write={"internal": lambda internal: "internal" if internal else "internet-facing"},
        defaults={"loadBalancerType": "application", "enableDeletionProtection": False},
        autoname="name",
        autoname_length=32,
        untold=("subnetMappings",),
        told=("subnetMappings.outpostId",),
        quiet=tuple(dict.fromkeys(path.partition(".")[0] for path in BALANCER)),
        unsupported=(
            "customerOwnedIpv4Pool",
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "healthCheckLogs",
            "ipamPools",
            "minimumLoadBalancerCapacity",
            "namePrefix",
            "secondaryIpsAutoAssignedPerSubnet",
        ),
    ),
    Resource(
        type="aws:lb/targetGroup:TargetGroup",
        service="elbv2",
        create=Call(
            "CreateTargetGroup", {**{member: _health(key) for key, member in HEALTH.items()}, "Matcher": _matcher}
        ),
        id="=TargetGroups[0].TargetGroupArn",
        reads=(
            Read(
                "DescribeTargetGroups",
                {"TargetGroupArns": ["{id}"]},
                at="TargetGroups",
                fields={
                    "arn": "TargetGroupArn",
                    "name": "TargetGroupName",
                    "arnSuffix": _suffix("TargetGroupArn", ""),
                    "healthCheck": _told_health,
                },
            ),
            _attributes.reader("DescribeTargetGroupAttributes", "TargetGroupArn", TARGETS),
            TAG_READ,
        ),
        updates=(
            Update(
                Call(
                    "ModifyTargetGroup",
                    {
                        "TargetGroupArn": "{id}",
                        **{member: _health(key) for key, member in HEALTH.items()},
                        "Matcher": _matcher,
                    },
                    takes=("healthCheck",),
                )
            ),
            _attributes.setter("elbv2", "ModifyTargetGroupAttributes", "TargetGroupArn", TARGETS),
        ),
        delete=Call("DeleteTargetGroup", {"TargetGroupArn": "{id}"}),
        tags=TAGS,
        names={"name": "Name"},
        defaults={"targetType": "instance"},
        autoname="name",
        autoname_length=32,
        quiet=tuple(dict.fromkeys(path.partition(".")[0] for path in TARGETS)),
        unsupported=(
            "lambdaMultiValueHeadersEnabled",
            "namePrefix",
            "stickiness.cookieName",
            "targetControlPort",
            "targetFailovers",
            "targetGroupHealth",
            "targetHealthStates",
        ),
    ),
    Resource(
        type="aws:lb/listener:Listener",
        service="elbv2",
        create=Call("CreateListener"),
        id="=Listeners[0].ListenerArn",
        reads=(
            Read(
                "DescribeListeners",
                {"ListenerArns": ["{id}"]},
                at="Listeners",
                fields={
                    "arn": "ListenerArn",
                    "certificateArn": "Certificates[0].CertificateArn",
                    "alpnPolicy": "AlpnPolicy[0]",
                },
            ),
            _attributes.reader("DescribeListenerAttributes", "ListenerArn", LISTENER),
            TAG_READ,
        ),
        updates=(
            Update(Call("ModifyListener", {"ListenerArn": "{id}"})),
            _attributes.setter("elbv2", "ModifyListenerAttributes", "ListenerArn", LISTENER),
        ),
        delete=Call("DeleteListener", {"ListenerArn": "{id}"}),
        tags=TAGS,
        names={
            "certificateArn": "Certificates",
            "defaultActions.fixedResponse": "FixedResponseConfig",
            "defaultActions.forward": "ForwardConfig",
            "defaultActions.redirect": "RedirectConfig",
            "defaultActions.authenticateOidc": "AuthenticateOidcConfig",
            "defaultActions.authenticateCognito": "AuthenticateCognitoConfig",
            "defaultActions.jwtValidation": "JwtValidationConfig",
            "forward.stickiness": "TargetGroupStickinessConfig",
            "stickiness.duration": "DurationSeconds",
            "targetGroups.arn": "TargetGroupArn",
            "mutualAuthentication.advertiseTrustStoreCaNames": "AdvertiseTrustStoreCaNames",
        },
        write={"certificateArn": _certificates},
        quiet=(*LISTENER, "mutualAuthentication"),
    ),
)
