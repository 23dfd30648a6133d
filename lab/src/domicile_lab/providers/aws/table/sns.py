"""Amazon SNS. https://docs.aws.amazon.com/sns/latest/api/"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags
from domicile_lab.providers.aws.table import _attributes

TOPIC: Final = {
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
SUBSCRIPTION: Final = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "replayPolicy": "ReplayPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _attributes_of(names: Mapping[str, str]) -> Any:
    return lambda facts, _: _attributes.flat(facts.inputs, names) or None


def _topic_attributes(facts: Facts, _: Cloud) -> dict[str, str] | None:
    found = _attributes.flat(facts.inputs, {**TOPIC, "fifoTopic": "FifoTopic"})
    return found or None


def _set(operation: str, key: str, names: Mapping[str, str]) -> Custom:
    """SNS sets one attribute a call."""

    def run(cloud: Cloud, facts: Facts) -> None:
        before, after = (_attributes.flat(values, names) for values in (facts.old, facts.inputs))
        for name in [*after, *(each for each in before if each not in after)]:
            if before.get(name) != after.get(name):
                request = {key: facts.id, "AttributeName": name, "AttributeValue": after.get(name, "")}
                cloud.call("sns", operation, request)

    return Custom(tuple(names), run)


def _put_policy(cloud: Cloud, facts: Facts) -> Any:
    request = {"TopicArn": facts.inputs["arn"], "AttributeName": "Policy", "AttributeValue": facts.inputs["policy"]}
    return cloud.call("sns", "SetTopicAttributes", request)


def _default_policy(cloud: Cloud, facts: Facts) -> None:
    """A topic always has a policy; the one it was made with lets its owner do everything."""
    arn = facts.id
    actions = (
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{each}" for each in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    request = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": json.dumps(document)}
    cloud.call("sns", "SetTopicAttributes", request)


def _own_policy(answer: Any, _: Facts) -> Any:
    """A topic with the policy it was made with has none of ours."""
    text = (answer.get("Attributes") or {}).get("Policy", "")
    return answer if text and "__default_statement_ID" not in text else None


RESOURCES: Final = (
    Resource(
        type="aws:sns/topic:Topic",
        service="sns",
        create=Call("CreateTopic", {"Attributes": _topic_attributes}, takes=("name",)),
        id="=TopicArn",
        reads=(
            Read(
                "GetTopicAttributes",
                {"TopicArn": "{id}"},
                at="Attributes",
                only=("owner",),
                fields={
                    "arn": "TopicArn",
                    "name": lambda topic: topic["TopicArn"].rpartition(":")[2],
                    "fifoTopic": "FifoTopic",
                    **TOPIC,
                },
            ),
            Read("ListTagsForResource", {"ResourceArn": "{id}"}, only=(), tags="Tags"),
        ),
        updates=(_set("SetTopicAttributes", "TopicArn", TOPIC),),
        delete=Call("DeleteTopic", {"TopicArn": "{id}"}),
        tags=Tags(
            Call("TagResource", {"ResourceArn": "{id}"}), Call("UntagResource", {"ResourceArn": "{id}"}), create="Tags"
        ),
        json=("policy", "deliveryPolicy", "archivePolicy"),
        autoname="name",
        autoname_length=256,
        quiet=("signatureVersion", "tracingConfig", "fifoThroughputScope", "archivePolicy"),
        unsupported=(
            "namePrefix",
            *(
                f"{protocol}{each}"
                for protocol in ("application", "firehose", "http", "lambda", "sqs")
                for each in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")
            ),
        ),
    ),
    Resource(
        type="aws:sns/topicPolicy:TopicPolicy",
        service="sns",
        create=_put_policy,
        id="{arn}",
        id_parts=("arn",),
        id_separator="\0",
        reads=(
            Read(
                "GetTopicAttributes",
                {"TopicArn": "{id}"},
                pick=_own_policy,
                only=(),
                fields={"policy": "Attributes.Policy", "owner": "Attributes.Owner"},
            ),
        ),
        updates=(Custom(("policy",), _put_policy),),
        delete=_default_policy,
        json=("policy",),
    ),
    Resource(
        type="aws:sns/topicSubscription:TopicSubscription",
        service="sns",
        create=Call(
            "Subscribe",
            {
                "TopicArn": "{topic}",
                "ReturnSubscriptionArn": True,
                "Attributes": _attributes_of(SUBSCRIPTION),
            },
            takes=("endpoint", "protocol"),
        ),
        id="=SubscriptionArn",
        reads=(
            Read(
                "GetSubscriptionAttributes",
                {"SubscriptionArn": "{id}"},
                at="Attributes",
                fields={
                    "arn": "SubscriptionArn",
                    "topic": "TopicArn",
                    "endpoint": "Endpoint",
                    "protocol": "Protocol",
                    "ownerId": "Owner",
                    **SUBSCRIPTION,
                },
            ),
        ),
        updates=(_set("SetSubscriptionAttributes", "SubscriptionArn", SUBSCRIPTION),),
        delete=Call("Unsubscribe", {"SubscriptionArn": "{id}"}),
        json=("filterPolicy", "deliveryPolicy", "redrivePolicy", "replayPolicy"),
        local=("confirmationTimeoutInMinutes", "endpointAutoConfirms"),
        quiet=("filterPolicyScope",),
    ),
)
