"""A request is recognised as the operation that botocore made it of, with its parameters."""

import gzip
import json
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

import botocore
import botocore.session
import pytest
from botocore.serialize import create_serializer
from botocore.utils import PRIORITY_ORDERED_SUPPORTED_PROTOCOLS
from domicile_lab.cloud import table
from domicile_lab.cloud.context import KNOWN
from domicile_lab.cloud.http import Call
from domicile_lab.cloud.operations import UnknownOperationError, identify, models_of

# The services that the organisation and a cell are made of, and those that residency policies speak about.
SERVICES = [
    *("accessanalyzer", "account", "acm", "backup", "budgets", "ce", "cloudtrail", "cloudwatch", "config", "dynamodb"),
    *("ebs", "ec2", "ecr", "efs", "eks", "elasticache", "elbv2", "events", "firehose", "guardduty", "iam"),
    *("identitystore", "kinesis", "kms", "lambda", "logs", "network-firewall", "organizations", "ram", "rds"),
    *("resourcegroupstaggingapi", "route53", "s3", "s3control", "secretsmanager", "securityhub", "sns", "sqs", "ssm"),
    *("sso-admin", "sts", "wafv2"),
]

# botocore has these under two names with one path, or sends nothing that tells them apart.
SAME = {
    ("s3", "ListDirectoryBuckets"): "ListBuckets",  # at another endpoint
    ("s3", "GetBucketLifecycle"): "GetBucketLifecycleConfiguration",
    ("s3", "PutBucketLifecycle"): "PutBucketLifecycleConfiguration",
    ("s3", "GetBucketNotification"): "GetBucketNotificationConfiguration",
    ("s3", "PutBucketNotification"): "PutBucketNotificationConfiguration",
}
SESSION = botocore.session.get_session()


@cache
def model_of(service):
    return SESSION.get_service_model(service)


def example(shape, depth=0):
    """A value of a shape with its required members: enough for a request."""
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_tagged_union", False) and not shape.required_members:
                return {}
            required = shape.required_members if depth < 6 else ()
            return {name: example(shape.members[name], depth + 1) for name in required}
        case "list":
            return [example(shape.member, depth + 1)]
        case "map":
            return {"k": example(shape.value, depth + 1)}
        case "blob":
            return b"bytes"
        case "boolean":
            return True
        case "integer" | "long":
            return 7
        case "float" | "double":
            return 0.5
        case "timestamp":
            return 1_700_000_000
    return shape.enum[0] if getattr(shape, "enum", None) else "a-b"


def told(value):
    """Whether a parameter's value leaves a trace in the request; bytes that are streamed are not read by the guard."""
    if isinstance(value, dict | list):
        return any(map(told, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, bytes)


def request_of(service, name):
    """The call that botocore would send for an operation, and the parameters in it."""
    model = model_of(service)
    operation = model.operation_model(name)
    spoken = model.metadata.get("protocols") or [model.protocol]
    protocol = next(one for one in PRIORITY_ORDERED_SUPPORTED_PROTOCOLS if one in spoken)
    parameters = example(operation.input_shape) if operation.input_shape else {}
    request = create_serializer(protocol, include_validation=False).serialize_to_request(parameters, operation)
    query = request["query_string"]
    query = query if isinstance(query, str) else urlencode(query, doseq=True, quote_via=quote)
    path = request["url_path"]
    if service == "s3" and "Bucket" in parameters:
        # The signature's endpoint rules put the bucket where the host would be.
        path = f"/a-b{path}" if not path.startswith("/a-b") else path
    body = request["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    headers = {name.lower(): str(value) for name, value in request["headers"].items()}
    if protocol in ("query", "ec2"):
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    target = path + ("&" if query and "?" in path else "?" if query else "") + query
    body = body.encode() if isinstance(body, str) else body or b""
    return Call(request["method"], target, headers | {"host": "127.0.0.1:1"}, body), parameters


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_recognised_from_botocore_s_own_request(service):
    wrong = {}
    for name in model_of(service).operation_names:
        call, parameters = request_of(service, name)
        try:
            found = identify(call, model_of(service).signing_name)
        except UnknownOperationError as error:
            wrong[name] = str(error)
            continue
        if (found.service, found.name) != (service, SAME.get((service, name), name)):
            wrong[name] = found.key
        elif lost := {key for key, value in parameters.items() if told(value) and key not in found.parameters}:
            wrong[name] = f"lost {lost}"
    assert wrong == {}


@cache
def signing_names():
    """Each botocore service with the name that it signs with, read from the models' metadata."""
    names = {}
    for folder in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        if models := sorted(folder.glob("*/service-2.json*")):
            raw = models[-1].read_bytes()
            # The metadata is at the top or at the end of a file of megabytes: read that alone.
            text = (gzip.decompress(raw) if models[-1].suffix == ".gz" else raw).decode()
            start = text.index("{", text.index('"metadata"'))
            metadata, _ = json.JSONDecoder().raw_decode(text, start)
            names[folder.name] = metadata.get("signingName", metadata["endpointPrefix"])
    return names


def test_a_signing_name_leads_to_services_that_sign_with_it():
    names = signing_names()
    for signing, services in table.MODELS.items():
        assert {names[service] for service in services} == {signing}
    for service in SERVICES:
        assert service in models_of(names[service])


def test_the_table_names_operations_and_parameters_that_exist():
    for (service, name), entry in table._entries.items():
        if name == "*":
            continue
        shape = model_of(service).operation_model(name).input_shape
        for expression in [*entry.keys.values(), *entry.also.values()]:
            for field in fields_of(expression.parsed):
                assert field in shape.members or field == "_region", (service, name, field)


def fields_of(node):
    """The first fields that a JMESPath expression reads, by its syntax tree."""
    if node["type"] == "field":
        return {node["value"]}
    if node["type"] in ("subexpression", "index_expression", "projection", "filter_projection", "pipe"):
        return fields_of(node["children"][0])
    return set().union(*(fields_of(child) for child in node["children"])) if node["children"] else set()


def test_keys_of_services_and_the_global_ones_are_known():
    assert {"aws:requestedregion", "kms:multiregion", "s3:locationconstraint", "backup:copytargets"} <= KNOWN
    assert "kms:nonsense" not in KNOWN
